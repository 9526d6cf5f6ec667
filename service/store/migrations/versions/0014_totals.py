"""how many people a workspace has."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "total",
        sa.Column("workspace_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("workspace_id", "id"),
    )
    is_walled = op.get_bind().dialect.name == "postgresql"
    if is_walled:  # for whoever owns the table as well, until then
        op.execute('ALTER TABLE "user" NO FORCE ROW LEVEL SECURITY')
    op.execute("""INSERT INTO total SELECT workspace_id, 'user 0', count(*) FROM "user" GROUP BY workspace_id""")
    if is_walled:
        op.execute('ALTER TABLE "user" FORCE ROW LEVEL SECURITY')
