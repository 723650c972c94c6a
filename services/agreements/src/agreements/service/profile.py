"""The profiles that this process goes by: those of the release, or an operator's own."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from contracts.agreement_form import AgreementForm
from rules import agreement_profiles
from rules.agreement_profiles import Profile, Profiles

_chosen: list[Profiles] = []


def use(path: Path | None) -> None:
    """Go by an operator's file from now on; by the release's without one. Raises BadProfiles."""
    _chosen[:] = [agreement_profiles.read(path, frozenset(field_paths(AgreementForm)))] if path is not None else []


def profile_on(day: date) -> Profile:
    """The profile that holds on a Swedish day."""
    return (_chosen[0] if _chosen else agreement_profiles.shipped()).on(day)


def field_paths(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """Every field of a form as a profile may name it: `law`, `services.*.reimbursement.amount`."""
    for name, field in model.model_fields.items():
        yield f"{before}{name}"
        inner = list(_models(field.annotation))
        for one in inner:
            many = "*." if "tuple" in str(field.annotation) else ""
            yield from field_paths(one, f"{before}{name}.{many}")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
