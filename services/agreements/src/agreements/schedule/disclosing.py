"""When archives are made and deleted: as soon as one is asked for, and when its time is over."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agreements.schedule import away
from agreements.service import disclosure
from agreements.service.disclosure_making import make_next
from kit.database import Sessions

_LOOK_SECONDS = 1.0


class DisclosureClock:
    """Makes what is asked for."""

    def __init__(self, sessions: Sessions, key: Ed25519PrivateKey | None, kept: timedelta) -> None:
        self._sessions = sessions
        self._key = key
        self._kept = kept
        self.beat = time.monotonic()
        """When the loop last went round, for liveness."""

    async def run(self) -> None:
        """Until cancelled. A database that is away is asked again; an archive that was not finished is made anew."""
        told = False
        while True:
            self.beat = time.monotonic()
            try:
                async with self._sessions.begin() as session:
                    if self._key is not None and not told:
                        await disclosure.tell_key(session, self._key)
                        told = True
                    await disclosure.expire(session, datetime.now(UTC))
                while self._key is not None and await make_next(self._sessions, self._key, self._kept):
                    self.beat = time.monotonic()
            except Exception as error:
                away.tell(error)
            await asyncio.sleep(_LOOK_SECONDS)
