"""external ids in the order of creation, so that a look-up needs no sorting and SQLite chooses the index."""

from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("user") as batch_op:
        batch_op.drop_index("user_external_id")
        batch_op.create_index("user_external_id", ["workspace_id", "external_id", "id"], unique=False)
