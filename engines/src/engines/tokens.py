"""Access tokens from the demo's OpenID provider."""

import httpx

from engines import ports
from engines.errors import EngineError


def token(issuer: str, *, role: str, region: str = "", user: str = "demo", units: str = "") -> str:
    """An access token (JWT, one hour) with the claims sub, roles, region and units as given.

    Every parameter is always sent: the provider would leave the name of an absent one in the claim.
    Raises EngineError when the issuer does not give a token.
    """
    form = {
        "grant_type": "client_credentials",
        "client_id": "demo",
        "client_secret": "demo",
        "user": user,
        "role": role,
        "region": region,
        "unit": units,
    }
    try:
        answer = httpx.post(f"{issuer}/token", data=form, timeout=10.0, trust_env=not ports.is_local(issuer))
        answer.raise_for_status()
        return str(answer.json()["access_token"])
    except httpx.ConnectError:
        raise EngineError(
            f"no token from {issuer}: nothing answers there; is it running (make demo, make up)?"
        ) from None
    except (httpx.HTTPError, ValueError, KeyError) as error:
        raise EngineError(f"no token from {issuer}: {error!r}") from None
