"""A spreadsheet to start from: agreements as a region would write them, right by every rule, at units the demo has."""

from pathlib import Path

from contracts.agreement_form import AgreementForm
from demo.sweden import Sweden
from intake.writing import Written, rows_of, write_xlsx


def write_sample(sweden: Sweden, region: str, to: Path, count: int = 20) -> int:
    """Write new agreements of a region as XLSX; how many. Their numbers are not those the demo has sent itself."""
    own = [one.body for one in sweden.in_time() if one.region == region and one.body["basis"] == "own_agreement"]
    rows: list[list[Written]] = []
    for number, body in enumerate(own[:count], start=1):
        form = AgreementForm.model_validate({**body, "number": f"EXEMPEL {region}-{number:03d}", "revision": 1})
        rows += rows_of({**form.as_json(), "revision": form.revision})
    to.parent.mkdir(parents=True, exist_ok=True)
    with to.open("wb") as file:
        write_xlsx(rows, file)
    return len(own[:count])
