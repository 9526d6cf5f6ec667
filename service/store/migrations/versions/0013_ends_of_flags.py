"""until when a flag is set."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("flag_override", sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True))
