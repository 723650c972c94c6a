"""Every agreement of a file judged offline: the same rules as the service's, as far as they need no catalogue."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.agreement_form import AgreementForm
from intake import Finding, Reading, Sent, UnreadableFile, check, told
from region_cli.sources import Codes
from region_cli.terminal import Advance, Cannot, in_one_line
from rules.agreement_profiles import profile_on
from rules.calendar import swedish_day

PERIOD_OVER = "the period is over: there is nothing to publish"
"""In the service's own words."""
STAYS = (
    "{}: {} avtal är märkta med sekretess (rad {}) och skickades inte. Är en tidigare version registrerad så ligger "
    "den kvar och kan vara publik: skicka raden oförändrad i en fil med --http, då rensas den, eller rensa avtalet i "
    "tjänsten"
)
"""What must be done about agreements under secrecy of which nothing was sent: file, how many, their rows."""


def secret_rows(rows: Sequence[int]) -> str:
    """`2, 5, 9`, at most twenty."""
    return ", ".join(map(str, rows[:20])) + (" …" if len(rows) > 20 else "")


@dataclass(frozen=True)
class Judged:
    """One agreement: the form, or findings; what is under secrecy has a finding with its row and nothing else."""

    sent: Sent
    form: AgreementForm | None
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    over: bool = False
    """Its period is over: the service takes it no more, but tells one that it has as unchanged. There is a form too."""
    lacks_region: bool = False
    """It names no region and none was given: with one it would be right, as far as `findings` tell."""

    def verdict(self, word: str) -> dict[str, Any]:
        """In the shape of the service's verdicts."""
        return {
            "rows": list(self.sent.rows),
            "number": self.sent.number,
            "verdict": word,
            "agreement_id": None,
            "findings": [*(finding.as_json() for finding in self.findings), *self.noted],
        }

    @property
    def noted(self) -> list[dict[str, Any]]:
        """Its notes as findings of a verdict."""
        return [{**note.as_json(), "note": True} for note in self.notes]


def judged(reading: Reading, region: str | None, codes: Codes | None, advance: Advance) -> Iterator[Judged]:
    """Each agreement in turn. Raises Cannot where the file breaks off."""
    today = swedish_day(datetime.now(UTC))
    mandatory = profile_on(today).mandatory
    done = 0
    try:
        for sent in reading:
            checked = check(sent, region=region, today=today, mandatory=mandatory)
            form, findings = checked.form, list(checked.findings)
            if form is not None and codes is not None:
                findings = [told(sent, *fault, near) for fault, near in codes.faults(form.as_json())]
                form = None if findings else form
            over = form is not None and form.valid_to is not None and form.valid_to < today
            if over:
                findings.append(told(sent, "valid_to", PERIOD_OVER))
            lacks_region = region is None and not sent.confidential and not sent.content.get("region")
            if lacks_region:
                # Told once for all of them.
                findings = [one for one in findings if one.field != "region"]
            done += len(sent.rows)
            advance(done, reading.rows)
            yield Judged(sent, form, tuple(findings), checked.notes, over, lacks_region)
    except UnreadableFile as error:
        raise Cannot("\n".join(map(in_one_line, error.findings)), error.findings) from None
