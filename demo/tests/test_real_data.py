"""The checks of `make real-data`, run on small hand-made look-alikes of the files that may not be copied here."""

import json
from pathlib import Path

from demo.real_data import Finding, check, main
from demo.real_lists import Loaded, load

LOOK_ALIKES = Path(__file__).parent / "look_alikes"


def test_each_file_is_checked_and_its_bad_rows_are_counted():
    found = {one.file: one for one in check(LOOK_ALIKES) if isinstance(one, Finding)}
    assert {name: (one.checked, len(one.faults)) for name, one in found.items()} == {
        "kva_nomesco_description_thehyve.csv": (3, 1),
        "se_postal_to_municipality.csv": (2, 2),
        "swedish_municipalities.geojson": (2, 1),
        "kchd_fhir_measurereport_bundle.json": (2, 1),
    }


def test_a_refused_number_is_never_printed():
    faults = [fault for one in check(LOOK_ALIKES) if isinstance(one, Finding) for fault in one.faults]
    assert not any("1912121212" in fault for fault in faults)


def test_missing_files_are_named_and_an_empty_folder_is_a_failure(tmp_path: Path, capsys):
    assert main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.count("is not there") == 8


def test_each_row_of_a_hospital_list_is_as_it_was_repaired_or_rejected():
    found = {one.file: one for one in load(LOOK_ALIKES) if isinstance(one, Loaded)}
    lists = [found["eu_healthcare_SE.csv"], found["sjukhus_care_site_thehyve.csv"]]
    assert [(one.rows, one.as_they_are, one.repaired_rows, one.rejected_rows) for one in lists] == [
        (8, 0, 7, 1),
        (4, 0, 2, 2),
    ]
    assert lists[0].repaired["region misspelt"] == 1
    assert lists[0].repaired["point shared with other rows: dropped: no place in the name"] == 2
    assert not any(one.faults for one in lists)


def test_machines_get_the_same_as_one_json_object(capsys):
    main([str(LOOK_ALIKES), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"checked", "loaded", "missing"}
    assert told["loaded"][0]["file"] == "eu_healthcare_SE.csv"
    assert told["loaded"][0]["repaired"]["region misspelt"] == 1


def test_the_columns_of_the_tables_stand_under_their_heads(capsys):
    main([str(LOOK_ALIKES)])
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if line.endswith("rejected"))
    row = next(line for line in lines if line.startswith("eu_healthcare_SE.csv"))
    assert len(row) == len(head)
    assert row.split()[1:] == ["8", "0", "7", "1"]
