"""people and groups are found by their last change, as imports ask for what is new."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_index("user_updated_at", "user", ["workspace_id", "updated_at", "id"])
    op.create_index("group_updated_at", "group", ["workspace_id", "updated_at", "id"])
