"""Alembic's entry: the house's way of running migrations."""

from kit.database import run_migrations
from search.store.tables import tables

run_migrations(tables)
