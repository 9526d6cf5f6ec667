"""pausing provisioning."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("workspace", sa.Column("provisioning_paused_at", MOMENT, nullable=True))
    op.add_column("workspace", sa.Column("provisioning_sweep", TEXT, nullable=True))
