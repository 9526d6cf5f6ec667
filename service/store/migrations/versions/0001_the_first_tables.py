"""the first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# Bytes decide the order of text on every engine, not a server's locale.
TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "api_key",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("secret_hash", TEXT, nullable=False),
        sa.Column("hint", TEXT, nullable=False),
        sa.Column("created_by_id", TEXT, nullable=False),
        sa.Column("created_by_name", TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_by_name", TEXT, nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_ip", TEXT, nullable=True),
        sa.Column("last_used_client", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index("api_key_secret", ["secret_hash"], unique=False)

    op.create_table(
        "audit_event",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("actor_name", TEXT, nullable=False),
        sa.Column("channel", TEXT, nullable=False),
        sa.Column("target_kind", TEXT, nullable=False),
        sa.Column("target_id", TEXT, nullable=False),
        sa.Column("target_name", TEXT, nullable=False),
        sa.Column("changes", sa.JSON(), nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("ip", TEXT, nullable=True),
        sa.Column("request_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index("audit_event_target", ["workspace_id", "target_id", "id"], unique=False)

    op.create_table(
        "credential",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "user_id"),
    )
    op.create_table(
        "flag_override",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("set_by", TEXT, nullable=False),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    op.create_table(
        "session",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("token_hash", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("ip", TEXT, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_active_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    with op.batch_alter_table("session", schema=None) as batch_op:
        batch_op.create_index("session_token", ["token_hash"], unique=False)
        batch_op.create_index("session_user", ["workspace_id", "user_id"], unique=False)

    op.create_table(
        "user",
        sa.Column("user_name", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("formatted_name", TEXT, nullable=True),
        sa.Column("given_name", TEXT, nullable=True),
        sa.Column("family_name", TEXT, nullable=True),
        sa.Column("middle_name", TEXT, nullable=True),
        sa.Column("honorific_prefix", TEXT, nullable=True),
        sa.Column("honorific_suffix", TEXT, nullable=True),
        sa.Column("display_name", TEXT, nullable=True),
        sa.Column("nick_name", TEXT, nullable=True),
        sa.Column("profile_url", TEXT, nullable=True),
        sa.Column("title", TEXT, nullable=True),
        sa.Column("user_type", TEXT, nullable=True),
        sa.Column("preferred_language", TEXT, nullable=True),
        sa.Column("locale", TEXT, nullable=True),
        sa.Column("timezone", TEXT, nullable=True),
        sa.Column("employee_number", TEXT, nullable=True),
        sa.Column("cost_center", TEXT, nullable=True),
        sa.Column("organization", TEXT, nullable=True),
        sa.Column("division", TEXT, nullable=True),
        sa.Column("department", TEXT, nullable=True),
        sa.Column("manager_id", TEXT, nullable=True),
        sa.Column("manager_ref", TEXT, nullable=True),
        sa.Column("manager_display_name", TEXT, nullable=True),
        sa.Column("emails", sa.JSON(), nullable=True),
        sa.Column("phone_numbers", sa.JSON(), nullable=True),
        sa.Column("ims", sa.JSON(), nullable=True),
        sa.Column("photos", sa.JSON(), nullable=True),
        sa.Column("addresses", sa.JSON(), nullable=True),
        sa.Column("entitlements", sa.JSON(), nullable=True),
        sa.Column("roles", sa.JSON(), nullable=True),
        sa.Column("x509_certificates", sa.JSON(), nullable=True),
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_name_key", TEXT, nullable=False),
        sa.Column("name_key", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("managed_by", TEXT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deactivated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deactivated_by", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
        sa.UniqueConstraint("workspace_id", "user_name_key", name="user_user_name"),
    )
    with op.batch_alter_table("user", schema=None) as batch_op:
        batch_op.create_index("user_external_id", ["workspace_id", "external_id"], unique=False)
        batch_op.create_index("user_name_order", ["workspace_id", "name_key", "id"], unique=False)

    op.create_table(
        "user_email",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("value_key", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "value_key", "user_id"),
    )
    with op.batch_alter_table("user_email", schema=None) as batch_op:
        batch_op.create_index("user_email_user", ["workspace_id", "user_id"], unique=False)

    op.create_table(
        "workspace",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("subdomain", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("plan", TEXT, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subdomain"),
    )
