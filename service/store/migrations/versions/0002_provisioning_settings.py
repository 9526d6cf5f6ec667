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
    for name, type_, default in COLUMNS:
        op.add_column("workspace", sa.Column(name, type_, nullable=False, server_default=default))
