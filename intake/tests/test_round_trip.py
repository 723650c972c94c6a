"""A table of any agreements, written and read again, gives the same ones; no bytes raise anything but our error."""

import io
import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sent_tables import Book, as_csv, row

from contracts.agreement_form import AgreementForm
from intake import UnreadableFile, check, read
from intake.columns import BASES, COLUMNS, INCLUDED, KINDS, LAWS, MODELS, PERIODS, PRICES, REFERRALS, SEXES, USES
from intake.contact_cells import CHANNELS, PURPOSES
from intake.writing import NotInATable, Written, rows_of, write_csv, write_xlsx

TODAY = date(2026, 3, 1)
SIGNS = "abcåäö\n =+-@'\",.éÅ"
words = st.text(SIGNS, min_size=1, max_size=12).map(str.strip).filter(bool)
titles = words.filter(lambda text: not text.startswith(("=", "+", "-", "@")))
items = words.filter(lambda text: not set(text) & set(";|\n"))
days = st.dates(date(2000, 1, 1), date(2060, 12, 31)).map(date.isoformat)
amounts = st.decimals(0, 99_999, places=2).map(lambda value: format(value.normalize(), "f"))
units = st.sampled_from([f"SE5561234567-A{number}" for number in range(20)])
regions = st.sampled_from(["01", "03", "09", "12", "14", "25"])


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def of(names: dict[str, str]) -> st.SearchStrategy[str]:
    return st.sampled_from(list(names.values()))


def group(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(fields)


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    # In the order in which the table's columns stand.
    codes = [
        *({"system": "kva", "code": code} for code in draw(st.lists(st.sampled_from(["CJE20", "AU124"]), unique=True))),
        *({"system": "icd", "code": code} for code in draw(st.lists(st.sampled_from(["H25.1", "H26"]), unique=True))),
        *({"system": "vt", "code": code} for code in draw(st.sampled_from([[], ["394579002"]]))),
        *({"system": "mvo", "code": code} for code in draw(st.sampled_from([[], ["511"]]))),
    ]
    low, high = sorted((draw(st.integers(0, 130)), draw(st.integers(0, 130))))
    start, end = sorted((draw(days), draw(days)))
    target = draw(
        group(
            age_min=st.sampled_from([None, low]),
            age_max=st.sampled_from([None, high]),
            sex=maybe(of(SEXES)),
            bmi_max=maybe(st.sampled_from(["35", "40.5"])),
            asa_max=maybe(st.integers(1, 6)),
            other=maybe(words),
        )
    )
    way = group(purpose=of(PURPOSES), channel=of(CHANNELS), value=items, note=maybe(items))
    return {
        "care_services": codes or [{"system": "kva", "code": "CJC10"}],
        "units": draw(st.lists(units, min_size=1, max_size=3, unique=True)),
        "target_group": target if any(value is not None for value in target.values()) else None,
        "conditions": draw(
            group(
                referral_required=maybe(st.booleans()),
                referral_kind=maybe(of(REFERRALS)),
                referral_attachments=st.lists(items, max_size=3),
                self_referral=maybe(st.booleans()),
                self_referral_how=maybe(words),
                payment_commitment_required=maybe(st.booleans()),
                other=maybe(words),
            )
        ),
        "included": draw(st.lists(of(INCLUDED), max_size=3, unique=True)),
        "reimbursement": draw(
            maybe(
                group(
                    model=of(MODELS),
                    amount=maybe(amounts),
                    valid_from=st.sampled_from([None, start]),
                    valid_to=st.sampled_from([None, end]),
                )
            )
        ),
        "contacts": draw(st.lists(way, max_size=3)),
        "expected_capacity": draw(maybe(group(count=st.integers(1, 1_000_000), per=of(PERIODS)))),
    }


def _distinct(rows: list[dict[str, Any]]) -> bool:
    # The same row twice is read once, as it should be.
    return len({json.dumps(one, sort_keys=True) for one in rows}) == len(rows)


@st.composite
def agreements(draw: st.DrawFn, number: str) -> dict[str, Any]:
    """An agreement that the form takes, as it is stored; whether its fields agree with each other is another matter."""
    region, *others = draw(st.lists(regions, min_size=1, max_size=3, unique=True))
    own = draw(st.booleans())
    use = draw(of(USES))
    start, end = sorted((draw(days), draw(days)))
    content = {
        "region": region,
        "number": number,
        "name": draw(titles),
        "kind": draw(of(KINDS)),
        "assignment_id": draw(words),
        "assignment_document_url": draw(st.sampled_from([None, "https://exempel.se/uppdrag"])),
        "basis": "own_provision" if own else draw(of({sv: en for sv, en in BASES.items() if en != "own_provision"})),
        "law": draw(maybe(of(LAWS))),
        "direct_award": draw(maybe(st.booleans())),
        "choice_of_care": draw(st.booleans()),
        "commissioning_regions": [region, *others],
        "leading_region": draw(maybe(regions)),
        "care_provider": None
        if own
        else {
            "hsa_id": "SE5561234567-0001",
            "name": draw(words),
            "organisation_number": draw(st.sampled_from([None, "5561234567"])),
        },
        "valid_from": start,
        "valid_to": draw(st.sampled_from([None, end])),
        "extension_option": draw(maybe(words)),
        "document_url": None,
        "description": draw(maybe(words)),
        "use_by_others": {
            "use": use,
            "regions": ["08"] if use == "named_regions" else [],
            "through": draw(maybe(words)),
            "question": draw(words),
            "price": draw(maybe(of(PRICES))),
            "invoiced_by": draw(maybe(st.sampled_from(["care_provider", "owning_region"]))),
            "volume_left": draw(maybe(st.integers(0, 1_000_000))),
        },
        "services": draw(st.lists(services(), min_size=1, max_size=3).filter(_distinct)),
        "internal_note": draw(maybe(words)),
    }
    return AgreementForm.model_validate(content).as_json()


several = st.integers(1, 3).flatmap(lambda count: st.tuples(*(agreements(f"AVT-{one}") for one in range(count))))


def _read(file: io.BytesIO, **options: Any) -> list[dict[str, Any]]:
    found = []
    for sent in read(file, **options):
        assert sent.findings == ()
        found.append(AgreementForm.model_validate(sent.content).as_json())
    return found


def _rows(content: tuple[dict[str, Any], ...]) -> list[list[Written]]:
    return [cells for one in content for cells in rows_of(one)]


@pytest.mark.parametrize("write", [write_csv, write_xlsx], ids=["csv", "xlsx"])
@given(content=several)
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_as_a_table_is_read_as_the_same_agreements(
    write: Callable[[list[list[Written]], io.BytesIO], None], content: tuple[dict[str, Any], ...]
) -> None:
    file = io.BytesIO()
    write(_rows(content), file)
    assert _read(file) == list(content)


@given(content=several)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_written_as_json_lines_is_read_as_the_same_agreements(content: tuple[dict[str, Any], ...]) -> None:
    assert _read(io.BytesIO("\n".join(map(json.dumps, content)).encode())) == list(content)


@given(content=several, order=st.permutations(range(len(COLUMNS))), names=st.permutations(range(len(COLUMNS))))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_other_headings_in_another_order_with_a_mapping_give_the_same_agreements(
    content: tuple[dict[str, Any], ...], order: list[int], names: list[int]
) -> None:
    codes = [index for index in order if COLUMNS[index].field == "services.care_services"]
    order = [index if index not in codes else sorted(codes)[codes.index(index)] for index in order]
    file = io.BytesIO()
    write_csv(_rows(content), file)
    _, *lines = _cells(file)
    theirs = {index: f"Vår kolumn {number}" for index, number in zip(range(len(COLUMNS)), names, strict=True)}
    sent = [{theirs[index]: line[index] for index in order} for line in lines]
    mapping = {"headings": {theirs[index]: column.heading for index, column in enumerate(COLUMNS)}}
    assert _read(as_csv(sent), mapping=json.loads(json.dumps(mapping))) == list(content)


def _cells(file: io.BytesIO) -> list[list[str]]:
    import csv

    return list(csv.reader(io.StringIO(file.getvalue().decode("utf-8-sig"), newline=""), delimiter=";"))


def test_what_a_table_cannot_say_is_named_and_not_lost() -> None:
    content = AgreementForm.model_validate(
        {
            "region": "14",
            "number": "1",
            "name": "x",
            "basis": "own_provision",
            "valid_from": "2026-01-01",
            "services": [
                {
                    "care_services": [{"system": "kva", "code": "CJE20"}],
                    "units": ["SE5561234567-A1"],
                    "conditions": {"referral_attachments": ["en; och en till"]},
                }
            ],
        }
    ).as_json()
    with pytest.raises(NotInATable, match="referral_attachments"):
        list(rows_of(content))


workbook = Book([row()]).file().getvalue()
sound = st.sampled_from(
    [workbook, as_csv([row()]).getvalue(), b'{"number": "A"}\n{"a": [1]}', b'[{"number": "A"}, {}]']
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A sound file with some of its bytes changed, taken away or put in."""
    content = bytearray(draw(sound))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(content)))
        content[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    return bytes(content)


@given(content=st.binary(max_size=300) | damaged())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_bytes_raise_anything_but_our_own_error(content: bytes) -> None:
    try:
        for sent in read(io.BytesIO(content)):
            checked = check(sent, region="14", today=TODAY)
            assert (checked.form is None) == bool(checked.findings)
    except UnreadableFile as error:
        told = str(error)
        assert told
