"""The checks of `make real-data`, run on small hand-made look-alikes of the files that may not be copied here."""

from pathlib import Path

from demo.real_data import Finding, check, main

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
    assert capsys.readouterr().out.count("is not there") == 4
