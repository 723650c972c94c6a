"""The FHIR service as other people's clients see it, over a real port: fhirclient (Python) and HAPI (Java)."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from fhirclient import server
from fhirclient.models.codesystem import CodeSystem
from fhirclient.models.conceptmap import ConceptMap
from fhirclient.models.fhirabstractbase import FHIRValidationError
from fhirclient.models.valueset import ValueSet
from pydantic import ValidationError

from catalog_sync.domain.canonical import address
from engines import eventually, jars, java

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).parent / "hapi" / "TerminologyClient.java"


@pytest.fixture
async def served(room) -> AsyncIterator[str]:
    """The FHIR service's address on a port."""
    running = uvicorn.Server(uvicorn.Config(room.app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(running.serve())
    await eventually(lambda: running.started)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}/fhir"
    running.should_exit = True
    await task


async def test_a_python_client_finds_and_reads_every_kind_of_resource(room, served, cataract):
    def ask() -> list[str]:
        asked = server.FHIRServer(None, base_uri=served)
        asked.session.headers.update(room.bearer("navigator"))
        asked.session.trust_env = False
        assert asked.capabilityStatement.fhirVersion == "4.0.1"
        found = list(CodeSystem.where({"url": address("kva")}).perform_resources_iter(asked))
        assert [one.id for one in found] == ["kva"]
        kva = CodeSystem.read("kva", asked)
        assert kva.count == len(kva.concept) == 50
        area = ValueSet.read("care-area-katarakt", asked)
        assert {row.system for row in area.compose.include} == {address("kva"), address("vt-demo"), address("icd")}
        (group,) = ConceptMap.read("kva-till-vt-demo", asked).group
        return [row.code for row in group.element if row.target[0].code == "katarakt-operation"]

    assert set(await asyncio.to_thread(ask)) >= set(cataract)


async def test_the_two_libraries_refuse_what_is_no_right_resource(room):
    """What holds every answer of these tests to R4 would notice."""
    answer = await room.client.get("/fhir/metadata")
    wrong = answer.text.replace('"status":"active"', '"status":["active"]')
    with pytest.raises((ValidationError, FHIRValidationError)):
        room.checked(type(answer)(200, headers=answer.headers, text=wrong))
    extra = answer.text.replace('"kind":', '"sort":1,"kind":')
    with pytest.raises((ValidationError, FHIRValidationError)):
        room.checked(type(answer)(200, headers={"content-type": "application/fhir+json"}, text=extra))


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_hapis_client_takes_every_answer_and_every_refusal(room, served, cataract, tmp_path):
    """Compiled with Eclipse's compiler, a jar: a machine that runs our engines need not have a JDK."""
    runtime = java.find(17)
    libraries = jars.classpath(await asyncio.to_thread(jars.fetch, "hapi", print))

    async def run(*command: str) -> str:
        done = await asyncio.to_thread(
            subprocess.run, [str(runtime.path), *command], capture_output=True, text=True, encoding="utf-8", check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    compiler = "org.eclipse.jdt.internal.compiler.batch.Main"
    options = ("-17", "-encoding", "UTF-8", "-nowarn", "-cp", libraries, "-d", str(tmp_path), str(PROGRAM))
    await run("-cp", libraries, compiler, *options)
    classes = f"{tmp_path}:{libraries}"
    told = await run(
        "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-cp", classes, "TerminologyClient",
        served, room.token("navigator", "14", "navigator"), *cataract,
    )  # fmt: skip
    assert told.splitlines()[-1] == "15 checks"
    assert "ok: $translate of 15 codes leads to [katarakt-operation]" in told
