"""Migrations of a service's own database."""

import asyncio
from pathlib import Path

from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError, ProgrammingError

from kit.database import connect
from upkeep.database_faults import told


def migrate(url: str, folder: Path) -> None:
    """Bring the database to the newest migration, safely from several places. A fault is exit code 1 and one line."""
    # Only `migrate` needs alembic: other commands start faster and smaller without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(folder))
    config.attributes["url"] = url
    try:
        command.upgrade(config, "head")
    except (OSError, DBAPIError) as error:
        reason = told(error)
        if isinstance(error, ProgrammingError) or reason is None:  # a migration's own mistake is told as it is
            raise
        raise SystemExit(f"migrate: {reason}") from None


def run_migrations(tables: MetaData) -> None:
    """What every service's migrations/env.py calls: run the scripts in one transaction under a lock."""
    from alembic import context

    def upgrade(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('migrate'))")
        context.configure(connection=connection, target_metadata=tables)
        context.run_migrations()

    async def main() -> None:
        engine = connect(context.config.attributes["url"], pool_size=1)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(upgrade)
        finally:
            await engine.dispose()

    asyncio.run(main())
