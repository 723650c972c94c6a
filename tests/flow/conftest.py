"""The whole system, as `make up` starts it: every service a process of its own, real engines, a small Sweden in it."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

import engines
from demo import load
from engines import ports


@dataclass(frozen=True)
class System:
    """A running system: its addresses, its processes, and callers by role."""

    home: Path
    gateway: str
    issuer: str
    kafka: str
    postgres: str

    def pid(self, name: str) -> int:
        """The process that has this name now."""
        return int(json.loads((self.home / "processes.json").read_text())[name]["pid"])

    def kill(self, name: str) -> None:
        """kill -9; the demo starts it again, as Kubernetes would."""
        os.kill(self.pid(name), signal.SIGKILL)

    def token(self, role: str, region: str = "", user: str = "demo") -> str:
        """A bearer token."""
        return engines.token(self.issuer, role=role, region=region, user=user)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whichever test comes first waits for the whole system to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Started once: 150 of the demo's agreements are in it."""
    home = tmp_path_factory.mktemp("system")
    claim = ports.claim(ports.GENERAL)
    environment = {**os.environ, "GATEWAY_PORT": str(claim.port)}
    command = [sys.executable, "-m", "demo", "up", "--home", str(home), "--agreements", "150"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    at = json.loads((home / "ready.json").read_text())
    yield System(home, at["gateway"], at["issuer"], at["kafka"], at["postgres"])
    subprocess.run([sys.executable, "-m", "demo", "down", "--home", str(home)], timeout=90, check=True)
    claim.release()


@pytest.fixture
async def client(system: System) -> AsyncIterator[httpx.AsyncClient]:
    """Speaks to the gateway."""
    async with httpx.AsyncClient(base_url=system.gateway, timeout=30, trust_env=False) as made:
        yield made


@pytest.fixture(scope="session")
def navigator(system: System) -> dict[str, str]:
    """A navigator's headers."""
    return {"Authorization": f"Bearer {system.token('navigator', '14')}"}


@pytest.fixture(scope="session")
def tokens(system: System) -> dict[str, str]:
    """Tokens for pushing agreements of two regions through both gates."""
    return load.tokens_for(system.issuer, ["14", "01"])


@pytest.fixture
def body(unique: str) -> dict[str, Any]:
    """An agreement of region 14 for hernia operations at the surgical clinic in Mora, for its own patients."""
    return {
        "region": "14",
        "number": f"FLOW {unique}",
        "name": "Ljumskbråck, avrop",
        "law": "LOU",
        "care_provider": {"hsa_id": "SE2321000180-D00020", "name": "Region Dalarna"},
        "valid_from": "2025-01-01",
        "services": [
            {
                "care_services": [{"system": "kva", "code": "JAB30"}],
                "units": ["SE2321000180-D100218"],
                "conditions": {"referral_required": True},
                "reimbursement": {"model": "fixed_price", "amount": "18500.00"},
            }
        ],
    }
