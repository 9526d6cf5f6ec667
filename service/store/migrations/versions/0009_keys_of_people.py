"""keys of people's own, keys that replace others, and requests that may be repeated."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    for name in ("owner_id", "rotated_to_id", "idempotency_key"):
        op.add_column("api_key", sa.Column(name, TEXT, nullable=True))
    op.create_index("api_key_owner", "api_key", ["workspace_id", "owner_id"])
    op.create_index("api_key_idempotency", "api_key", ["workspace_id", "created_by_id", "idempotency_key"], unique=True)
