"""how long before an API key's end people were told of it."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("api_key", sa.Column("warned_days", sa.Integer(), nullable=True))
