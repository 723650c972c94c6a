"""OpenID provider for demo and tests: one issuer that puts into a token whatever the request asks for."""

import json
from collections.abc import Sequence
from pathlib import Path

import httpx

from engines import jars, java, jvm, ports
from engines.errors import NotReadyError
from engines.recipe import Plan, Say

PORTS = (ports.GENERAL,)
JAVA = 17
ISSUER = "vardformedling"
AUDIENCE = "vardformedling"


def missing() -> str | None:
    """What this machine lacks to run the provider as a process."""
    return jvm.missing("oidc", JAVA)


def plan(directory: Path, ports: Sequence[int], *, durable: bool, say: Say) -> Plan:
    """Write the provider's configuration and tell how to start it. It keeps nothing: every start makes new keys."""
    libraries = jars.fetch("oidc", say)
    runtime = java.find(JAVA)
    configuration = directory / "oidc.json"
    configuration.write_text(json.dumps(_configuration(), indent=2))
    address = f"http://127.0.0.1:{ports[0]}/{ISSUER}"
    return Plan(
        argv=[
            *jvm.command("oidc", runtime, libraries, quick=True),
            "-Xmx64m",
            "no.nav.security.mock.oauth2.StandaloneMockOAuth2ServerKt",
        ],
        env={
            **jvm.environment(),
            "JSON_CONFIG_PATH": str(configuration),
            "SERVER_PORT": str(ports[0]),
            "SERVER_HOSTNAME": "127.0.0.1",
        },
        address=address,
        ready=lambda: check(address),
    )


def check(issuer: str) -> None:
    """Raise NotReadyError unless the issuer serves a discovery document that names itself."""
    try:
        answer = httpx.get(
            f"{issuer}/.well-known/openid-configuration", timeout=5.0, trust_env=not ports.is_local(issuer)
        )
        answer.raise_for_status()
        named = answer.json()["issuer"]
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise NotReadyError(f"no discovery document at {issuer}: {error!r}") from None
    if named != issuer:
        raise NotReadyError(f"the discovery document of {issuer} names the issuer {named}")


def _configuration() -> dict[str, object]:
    asked = {"sub": "${user}", "roles": ["${role}"], "region": "${region}", "units": ["${unit}"], "aud": [AUDIENCE]}
    # At a login in the browser the login form gives subject and claims; a claim named here would win over the form's.
    mappings = [
        {"requestParam": "grant_type", "match": "client_credentials", "claims": asked},
        {"requestParam": "grant_type", "match": "authorization_code", "claims": {"aud": [AUDIENCE]}},
    ]
    return {
        "interactiveLogin": True,
        "httpServer": "NettyWrapper",
        "tokenCallbacks": [{"issuerId": ISSUER, "tokenExpiry": 3600, "requestMappings": mappings}],
    }
