"""Utlämnande through the front door of the whole system: asked for, made by the worker, fetched, checked offline."""

from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization

from agreements.service import archive
from engines import eventually

pytestmark = [pytest.mark.flow, pytest.mark.engine]


async def test_a_region_fetches_what_is_published_as_an_archive_that_verifies(
    system: Any, client: httpx.AsyncClient, tmp_path: Path
):
    region = {"Authorization": f"Bearer {system.token('agreement-admin', '14', 'anna')}"}
    asked = {"kind": "published", "regions": ["01"], "asked_by": "14", "purpose": "Uppföljning"}
    answer = await client.post("/agreement-disclosures", json=asked, headers=region)
    assert answer.status_code == 202, answer.text
    path = answer.headers["location"].partition("/v1")[2]

    async def made() -> dict[str, Any] | None:
        told: dict[str, Any] = (await client.get(path, headers=region)).json()
        return told if told["state"] == "ready" else None

    ready = await eventually(made, within=30)
    content = await client.get(f"{path}/archive", headers=region)
    file = tmp_path / "utlamnande.zip"
    file.write_bytes(content.content)
    told = (await client.get("/agreement-disclosures/key", headers=region)).json()["keys"][0]
    key = serialization.load_pem_public_key(told["public_key"].encode())
    manifest, signer = archive.verify(file, key)
    assert (signer, manifest["counts"]) == (told["key_id"], ready["counts"])
    assert manifest["counts"]["agreements"] > 100

    operator = {"Authorization": f"Bearer {system.token('operator')}", "Accept": "application/x-ndjson"}
    lines = (await client.get("/audit?service=agreements&about=disclosure", headers=operator)).text
    assert lines.count(ready["id"]) == 3


async def test_the_region_that_is_read_by_its_interface_has_been_read(system: Any, client: httpx.AsyncClient):
    region = {"Authorization": f"Bearer {system.token('agreement-admin', '05', 'eva')}"}

    async def read() -> bool:
        runs = (await client.get("/agreement-pulls", headers=region)).json()["items"]
        return bool(runs) and runs[0]["state"] == "done"

    await eventually(read, within=30)
