"""An older database becomes a newer one: what messages told is kept."""

import asyncio

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import text

from kit import database
from search.settings import Settings

pytestmark = pytest.mark.engine

BEFORE = """
INSERT INTO offering VALUES
('SE1-A|kva|CJE20', 7, '{"unit": "SE1-A", "care_service": {"system": "kva", "code": "CJE20"}}');
INSERT INTO line VALUES ('offering', 'SE1-A|kva|CJE20', 'SE1-A', 'kva|CJE20');
INSERT INTO line VALUES ('agreement', 'id-1', 'SE1-A', 'kva|CJE20'), ('agreement', 'id-1', 'SE1-B', 'kva|CJE20');
INSERT INTO offer VALUES ('SE1-A|kva|CJE20', 'SE1-A', 'kva|CJE20', 12, 12, NULL);
"""


async def test_offerings_lines_and_offers_are_kept_when_indexes_begin_to_follow(new_database):
    url = await new_database("")
    engine = database.connect(url)

    def upgrade(revision):
        config = Config()
        config.set_main_option("script_location", str(Settings.model_fields["migrations"].default))
        config.attributes["url"] = url
        command.upgrade(config, revision)

    async def rows(query):
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(query))]

    try:
        await asyncio.to_thread(upgrade, "0002")
        async with engine.begin() as connection:
            for statement in BEFORE.strip().split(";\n"):
                await connection.exec_driver_sql(statement.rstrip(";"))
        await asyncio.to_thread(upgrade, "head")

        assert await rows("SELECT unit, code_key, version FROM offering") == [("SE1-A", "kva|CJE20", 7)]
        assert await rows("SELECT source, unit FROM line ORDER BY unit") == [("id-1", "SE1-A"), ("id-1", "SE1-B")]
        assert await rows("SELECT unit, code_key, revision FROM offer") == [("SE1-A", "kva|CJE20", 12)]
        assert await rows("SELECT name FROM followed_index") == []
    finally:
        await engine.dispose()
