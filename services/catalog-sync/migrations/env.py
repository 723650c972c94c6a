"""Alembic's entry: the house's way of running migrations."""

from catalog_sync.store.tables import tables
from upkeep.migrations import run_migrations

run_migrations(tables)
