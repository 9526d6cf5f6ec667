"""provisioning settings."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")

COLUMNS = (
    ("link_existing_users", TEXT, sa.text("'AUTOMATIC'")),
    ("default_role", TEXT, sa.text("'MEMBER'")),
    ("strict_scim", sa.Boolean(), sa.false()),
    ("provisioning_log_days", sa.Integer(), sa.text("30")),
    ("breaker_percent", sa.Integer(), sa.text("20")),
    ("breaker_minimum", sa.Integer(), sa.text("25")),
    ("breaker_minutes", sa.Integer(), sa.text("10")),
)


def upgrade() -> None:
    with op.batch_alter_table("workspace") as batch_op:
        for name, type_, default in COLUMNS:
            batch_op.add_column(sa.Column(name, type_, nullable=False, server_default=default))
    # The defaults were for the workspaces that there are; those to come have all their settings said.
    with op.batch_alter_table("workspace") as batch_op:
        for name, _, _ in COLUMNS:
            batch_op.alter_column(name, server_default=None)
