"""Run by Alembic; the connection comes from service.store.schema."""

from typing import Literal

from alembic import context
from sqlmodel import SQLModel

from service import tables  # noqa: F401 - declares them
from service.store.columns import Instant, Json


def render_item(kind: str, item: object, _: object) -> str | Literal[False]:
    """Write the project's own column types by their plain SQLAlchemy names, so that old migrations need no old code."""
    if kind == "type" and item is Instant:
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, Json):
        return "sa.JSON()"
    if kind == "type" and type(item).__name__ == "AutoString":
        return "TEXT"  # which the template defines
    return False


connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=render_item,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
