"""Every agreement of a file judged offline: the same rules as the service's, as far as they need no catalogue."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from contracts.agreement_form import AgreementForm
from intake import Finding, Reading, Sent, UnreadableFile, check, told
from region_cli.sources import Codes
from region_cli.terminal import Advance, Cannot, in_one_line
from rules.agreement_profiles import profile_on
from rules.calendar import swedish_day


@dataclass(frozen=True)
class Judged:
    """One agreement: the form, or findings; what is under secrecy has a finding with its row and nothing else."""

    sent: Sent
    form: AgreementForm | None
    findings: tuple[Finding, ...]
    notes: tuple[Finding, ...]
    lacks_region: bool = False
    """It names no region and none was given: with one it would be right, as far as `findings` tell."""

    def verdict(self, word: str) -> dict[str, Any]:
        """In the shape of the service's verdicts."""
        return {
            "rows": list(self.sent.rows),
            "number": self.sent.number,
            "verdict": word,
            "agreement_id": None,
            "findings": [finding.as_json() for finding in self.findings],
        }


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
            lacks_region = region is None and not sent.confidential and not sent.content.get("region")
            if lacks_region:
                # Told once for all of them.
                findings = [one for one in findings if one.field != "region"]
            done += len(sent.rows)
            advance(done, reading.rows)
            yield Judged(sent, form, tuple(findings), checked.notes, lacks_region)
    except UnreadableFile as error:
        raise Cannot("\n".join(map(in_one_line, error.findings))) from None
