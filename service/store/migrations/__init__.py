"""Run by Alembic."""
