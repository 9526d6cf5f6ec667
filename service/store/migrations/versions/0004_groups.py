"""groups."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "group",
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("display_name_key", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("workspace_id", "display_name_key", name="group_display_name"),
    )
    with op.batch_alter_table("group") as batch_op:
        batch_op.create_index("group_external_id", ["workspace_id", "external_id", "id"], unique=False)

    op.create_table(
        "group_member",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "group_id", "user_id"),
    )
    with op.batch_alter_table("group_member") as batch_op:
        batch_op.create_index("group_member_user", ["workspace_id", "user_id", "group_id"], unique=False)
