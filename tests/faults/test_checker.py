"""The checker itself: it accepts every run a correct system can have, and names each thing that can go wrong."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faults.checker import Evidence, Kind, Recorded, Report, Seen, Write, check

_KEYS = ("a", "b", "c")


@dataclass(frozen=True)
class _Run:
    """A correct run, and the versions of each key as they were committed."""

    evidence: Evidence
    writes: Sequence[Write]


@st.composite
def _runs(draw: st.DrawFn, ambiguous: bool = True) -> _Run:
    """Writers, a relay that may repeat what it sent, a projection with a version gate, readers that look at times."""
    versions: Counter[str] = Counter()
    writes: list[Write] = []
    for key in draw(st.lists(st.sampled_from(_KEYS), min_size=3, max_size=30)):
        versions[key] += draw(st.integers(1, 5))
        writes.append(Write(key, versions[key]))
    sent: list[Write] = []
    unsent = list(writes)
    while unsent:
        size = draw(st.integers(1, 5))
        # Killed between send and delete: the batch comes again, whole.
        sent += unsent[:size] * draw(st.integers(1, 2))
        unsent = unsent[size:]
    records = [Recorded(key, version, _KEYS.index(key) % 2, offset) for offset, (key, version) in enumerate(sent)]
    projection: dict[str, int] = {}
    seen: list[Seen] = []
    effects: list[Write] = []
    for write in sent:
        if write.version > projection.get(write.key, 0):
            projection[write.key] = write.version
            effects.append(write)
        if draw(st.booleans()):
            seen += [Seen(place, *write) for place in ("projection", "index") for write in projection.items()]
    unsure = [write for write in writes if ambiguous and draw(st.booleans())]
    never = [Write(key, versions[key] + 1) for key in _KEYS if draw(st.booleans())]
    return _Run(
        Evidence(
            acknowledged=[write for write in writes if write not in unsure],
            ambiguous=[*unsure, *never],
            rows=dict(versions),
            records=records,
            projection=projection,
            documents=[Write(key, version) for key, version in projection.items()],
            seen=seen,
            effects=effects,
        ),
        writes,
    )


def _kinds(evidence: Evidence) -> set[Kind]:
    return check(evidence).kinds


@given(_runs())
def test_a_correct_run_with_repeats_and_unanswered_commits_has_no_violation(run: _Run) -> None:
    report = check(run.evidence)
    assert report.violations == [], str(report)
    assert (report.lost, report.duplicated_in_effect) == (0, 0)
    assert report.records_twice == len(run.evidence.records) - len(run.writes)


@given(_runs(ambiguous=False), st.data())
def test_an_acknowledged_write_that_is_missing_anywhere_is_lost(run: _Run, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(sorted(run.evidence.rows)))
    for gone in _without(run.evidence, key).values():
        report = check(gone)
        assert {one.key for one in report.violations if one.kind is Kind.LOST} == {key}
        assert report.lost == sum(write.key == key for write in run.writes)


def _without(evidence: Evidence, key: str) -> dict[str, Evidence]:
    return {
        "rows": replace(evidence, rows=_but(evidence.rows, key)),
        "records": replace(evidence, records=[record for record in evidence.records if record.key != key]),
        "projection": replace(evidence, projection=_but(evidence.projection or {}, key)),
        "documents": replace(evidence, documents=[write for write in evidence.documents or () if write.key != key]),
    }


def _but(versions: Mapping[str, int], key: str) -> dict[str, int]:
    return {name: version for name, version in versions.items() if name != key}


@given(_runs(ambiguous=False), st.data())
def test_one_version_never_sent_is_lost_even_when_a_later_one_covers_it_unless_the_topic_was_made_anew(
    run: _Run, data: st.DataObject
) -> None:
    write = data.draw(st.sampled_from(list(run.writes)))
    records = [record for record in run.evidence.records if record.write != write]
    report = check(replace(run.evidence, records=records))
    assert Kind.LOST in report.kinds
    assert report.lost == 1
    covered = write.version < run.evidence.rows[write.key]
    assert (Kind.LOST in _kinds(replace(run.evidence, records=records, whole_topic=False))) is not covered


@given(_runs(), st.data())
def test_a_version_nobody_committed_is_invented_wherever_it_appears(run: _Run, data: st.DataObject) -> None:
    evidence, ghost = run.evidence, Write(data.draw(st.sampled_from([*_KEYS, "ghost"])), 10_000)
    everywhere = [
        replace(evidence, rows={**evidence.rows, ghost.key: ghost.version}),
        replace(evidence, records=[*evidence.records, Recorded(*ghost, 0, 10_000)]),
        replace(evidence, projection={**(evidence.projection or {}), ghost.key: ghost.version}),
        replace(evidence, documents=[*(evidence.documents or ()), ghost]),
        replace(evidence, seen=[*evidence.seen, Seen("index", *ghost)]),
    ]
    for one in everywhere:
        assert Kind.INVENTED in _kinds(one)
        assert ghost.key in {row.key for row in check(one).violations if row.kind is Kind.INVENTED}


@given(_runs(), st.data())
def test_an_older_version_sent_after_a_newer_one_is_out_of_order(run: _Run, data: st.DataObject) -> None:
    numbered = [(record.write, number) for number, record in enumerate(run.evidence.records)]
    first = dict(reversed(numbered))
    repeated = [key for key, count in Counter(key for key, _ in run.writes).items() if count > 1]
    if not repeated:
        return
    key = data.draw(st.sampled_from(repeated))
    ours = [write for write in run.writes if write.key == key]
    at = data.draw(st.integers(0, len(ours) - 2))
    swap = {ours[at]: ours[at + 1], ours[at + 1]: ours[at]}
    records = [
        record._replace(version=swap.get(record.write, record.write).version)
        for number, record in enumerate(run.evidence.records)
        if first[record.write] == number
    ]
    assert Kind.OUT_OF_ORDER in _kinds(replace(run.evidence, records=records))


@given(_runs(), st.data())
def test_somebody_elses_records_are_no_violation_on_the_topic_but_must_have_no_effect(
    run: _Run, data: st.DataObject
) -> None:
    old = [record._replace(offset=1000 + record.offset, foreign=True) for record in run.evidence.records]
    foreign = [*run.evidence.records, *data.draw(st.permutations(old))]
    assert _kinds(replace(run.evidence, records=foreign)) == set()
    ghost = Recorded("a", 10_000, 0, 5000, foreign=True)
    taken = {**(run.evidence.projection or {}), "a": 10_000}
    assert Kind.INVENTED in _kinds(replace(run.evidence, records=[*foreign, ghost], projection=taken))


@given(_runs(), st.sampled_from(["projection", "index"]))
def test_a_reader_that_saw_a_newer_version_before_went_backwards(run: _Run, place: str) -> None:
    key, version = max(run.evidence.rows.items())
    older = [*run.evidence.seen, Seen(place, key, version), Seen(place, key, version - 1)]
    report = check(replace(run.evidence, seen=older))
    assert (Kind.BACKWARDS, key, place) in {(one.kind, one.key, one.where) for one in report.violations}
    other_place = [*run.evidence.seen, Seen("here", key, version), Seen("there", key, version)]
    assert Kind.BACKWARDS not in _kinds(replace(run.evidence, seen=other_place))


@given(_runs(), st.data())
def test_an_effect_taken_twice_and_a_second_document_are_duplicates(run: _Run, data: st.DataObject) -> None:
    again = data.draw(st.sampled_from(list(run.evidence.effects)))
    report = check(replace(run.evidence, effects=[*run.evidence.effects, again]))
    assert report.kinds == {Kind.DUPLICATED}
    assert (report.duplicated_in_effect, report.violations[0].key) == (1, again.key)
    documents = [*(run.evidence.documents or ()), *(run.evidence.documents or ())[:1]]
    assert _kinds(replace(run.evidence, documents=documents)) == {Kind.DUPLICATED}


@given(_runs(), st.data())
def test_one_key_in_two_partitions_has_no_order(run: _Run, data: st.DataObject) -> None:
    record = data.draw(st.sampled_from(list(run.evidence.records)))
    elsewhere = record._replace(partition=7, offset=1000)
    assert Kind.SCATTERED in _kinds(replace(run.evidence, records=[*run.evidence.records, elsewhere]))


def test_the_report_names_the_key_and_the_place() -> None:
    evidence = Evidence([Write("a", 1)], [], {"a": 1}, [Recorded("a", 1, 0, 0)], {}, None)
    assert "acknowledged, but missing: a (projection) [1]" in str(check(evidence))


@pytest.mark.parametrize("ambiguous", [[], [Write("a", 2)]], ids=["acknowledged", "unanswered"])
def test_a_commit_without_an_answer_may_be_there_but_then_everywhere(ambiguous: list[Write]) -> None:
    acknowledged = [Write("a", 1), *([] if ambiguous else [Write("a", 2)])]
    both = [Recorded("a", 1, 0, 0), Recorded("a", 2, 0, 1)]
    there = Evidence(acknowledged, ambiguous, {"a": 2}, both, {"a": 2}, [Write("a", 2)])
    assert check(there).violations == []
    report: Report = check(replace(there, projection={"a": 1}))
    assert report.kinds == ({Kind.DIFFERS} if ambiguous else {Kind.LOST, Kind.DIFFERS})
