"""Prints a navigator's search result as a table for people."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

import engines

_LEVELS = {"waitlist": "väntelista", "ask": "fråga"}
_MEASURES = {"treatment_median": "till behandling", "visit_median": "till besök"}


def ask(gateway: str, issuer: str, question: Mapping[str, Any]) -> dict[str, Any]:
    """A search through the gateway, by a navigator of the patient's region; the question is the body."""
    token = engines.token(issuer, role="navigator", region=str(question.get("patient_region", "")))
    answer = httpx.post(
        f"{gateway}/offers/search",
        json=dict(question),
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
        trust_env=False,
    )
    found: dict[str, Any] = answer.raise_for_status().json()
    return found


def table(found: Mapping[str, Any], title: str) -> Table:
    """The hits: offer, place, distance, wait, free capacity, agreement, and why each ranks where it does."""
    made = Table(title=title, title_justify="left", caption="Syntetiska uppgifter", show_lines=True)
    made.add_column("#", justify="right")
    made.add_column("Vård och utförare", min_width=28)
    made.add_column("Ort")
    made.add_column("Km", justify="right")
    made.add_column("Ledigt, väntetid (median, dagar)", min_width=18)
    made.add_column("Avtal", min_width=18)
    made.add_column("Varför här", min_width=26)
    for number, hit in enumerate(found["items"], 1):
        unit, distance = hit["care_unit"], hit["care_unit"]["distance_km"]
        made.add_row(
            str(number),
            f"{hit['care_service']['text']}\n[dim]{unit['name']}[/dim]",
            f"{unit['municipality_name']}\n[dim]region {unit['region']}[/dim]",
            f"{distance:.0f}" if distance is not None else "–",
            "\n".join([*_free(hit["capacity"]), _wait(hit["waits"])]),
            _agreement(hit["agreements"]),
            _why(hit["explain"]),
        )
    return made


def _wait(waits: Sequence[Mapping[str, Any]]) -> str:
    told = [
        f"{wait['days']:g} {_MEASURES[wait['measure']]}\n[dim]{_age(wait)}[/dim]"
        for wait in waits
        if wait["measure"] in _MEASURES and wait["days"] is not None
    ]
    return "\n".join(told) or "uppgift saknas"


def _free(capacity: Mapping[str, Any] | None) -> Iterator[str]:
    if capacity is not None:
        some = _LEVELS.get(capacity["level"], "platser finns")
        left = f"{capacity['left']} platser" if capacity["left"] is not None else some
        yield f"ledigt: {left}\n[dim]{capacity['from']} – {capacity['until']}[/dim]"


def _age(wait: Mapping[str, Any]) -> str:
    return f"{wait['age_days']} dagar gammal" + (", inaktuell" if wait["stale"] else "")


def _agreement(agreements: Sequence[Mapping[str, Any]]) -> str:
    if not agreements:
        return "inget känt avtal"
    first = agreements[0]
    until = f"t.o.m. {first['valid_to']}" if first["valid_to"] else "tills vidare"
    more = f"\n[dim]och {len(agreements) - 1} till[/dim]" if len(agreements) > 1 else ""
    return f"{first['number']}\n[dim]region {first['region']}, {until}[/dim]{more}"


def _why(explain: Mapping[str, Any]) -> str:
    tier = explain["tier"]
    told = [f"{tier['rank']}. {tier['text']}"] if tier is not None else []
    reasons = [*explain["matched"], *explain["requires"], *explain["lowers"]]
    return "\n".join([*told, *(f"[dim]{reason['text']}[/dim]" for reason in reasons)])


def print_table(console: Console, found: Mapping[str, Any], title: str) -> None:
    """The table, and how many hits there are beyond it."""
    console.print(table(found, title))
    console.print(f"{len(found['items'])} av {found['total']} träffar\n")
