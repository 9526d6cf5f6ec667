"""the provisioning log."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "provisioning_event",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("api_key_id", TEXT, nullable=False),
        sa.Column("api_key_name", TEXT, nullable=False),
        sa.Column("client", TEXT, nullable=True),
        sa.Column("ip", TEXT, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.Column("target_kind", TEXT, nullable=True),
        sa.Column("target_id", TEXT, nullable=True),
        sa.Column("target_name", TEXT, nullable=True),
        sa.Column("changes", sa.JSON(), nullable=True),
        sa.Column("tolerances", sa.JSON(), nullable=True),
        sa.Column("method", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("request", TEXT, nullable=True),
        sa.Column("response", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("provisioning_event") as batch_op:
        batch_op.create_index("provisioning_event_request", ["workspace_id", "request_id"], unique=False)
        batch_op.create_index("provisioning_event_target", ["workspace_id", "target_id", "id"], unique=False)
