"""The second wall between workspaces: PostgreSQL's row-level security behind the unit of work.

The tables belong to whoever migrates. Requests run as a role that owns nothing and sees, of every table, the rows of
the one workspace that its transaction names; without a name, none. Reading across workspaces, to find out who is
asking, is for another role, which reads the tables that this takes and writes none.
"""

from sqlalchemy import Connection, text
from sqlmodel import SQLModel

from service.store.columns import workspace_column

APP_ROLE = "headcount_app"
LOOKUP_ROLE = "headcount_lookup"
WORKSPACE_SETTING = "headcount.workspace"

LOOKUP_TABLES = ("workspace", "api_key", "session", "user", "flag_override")

# Roles belong to the whole server: the migration of another database may be making them at this moment.
_MAKE_ROLE = """
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$"""
_BE_ABLE_TO_ACT_AS = """
DO $$ BEGIN
    IF NOT pg_has_role('{role}', 'SET') THEN
        GRANT {role} TO CURRENT_USER;
    END IF;
EXCEPTION WHEN unique_violation THEN NULL;
END $$"""


def raise_wall(connection: Connection) -> None:
    """Give every table its policies, and the roles what they need; changes nothing where that has been done."""
    for role in (APP_ROLE, LOOKUP_ROLE):
        for statement in (_MAKE_ROLE, _BE_ABLE_TO_ACT_AS):
            connection.execute(text(statement.format(role=role)))
    for table in SQLModel.metadata.sorted_tables:
        own = f"{workspace_column(table).name} = current_setting('{WORKSPACE_SETTING}', true)"
        name = f'"{table.name}"'
        statements = [
            f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO {APP_ROLE}",
            f"DROP POLICY IF EXISTS of_workspace ON {name}",
            f"CREATE POLICY of_workspace ON {name} TO {APP_ROLE} USING ({own}) WITH CHECK ({own})",
        ]
        if table.name in LOOKUP_TABLES:
            statements += [
                f"GRANT SELECT ON {name} TO {LOOKUP_ROLE}",
                f"DROP POLICY IF EXISTS lookup ON {name}",
                f"CREATE POLICY lookup ON {name} FOR SELECT TO {LOOKUP_ROLE} USING (true)",
            ]
        for statement in statements:
            connection.execute(text(statement))
