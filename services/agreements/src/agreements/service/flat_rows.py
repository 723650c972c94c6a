"""An agreement as rows of a table: one per care service, a column per field that the reader may see."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel

from contracts.agreement_form import AgreementForm, Service
from contracts.audience import Audience, withheld

_CONTACT = ("purpose", "channel", "value", "note")
_OWN_COLUMNS = ("id", "state", "version", "published_at", "changed_at")


def columns(audience: Audience) -> tuple[str, ...]:
    """The headings: dotted paths of the form, those of a service without a number."""
    hidden = frozenset(withheld(AgreementForm, audience))
    paths = (path for path in (*_leaves(AgreementForm, ""), *_leaves(Service, "services.")) if not _in(path, hidden))
    return (*_OWN_COLUMNS, *paths)


def rows(line: Mapping[str, Any], heads: Sequence[str]) -> Iterator[list[str]]:
    """A line of agreements.json as rows under the headings."""
    body = line["agreement"]
    for service in body.get("services") or [{}]:
        content = {**body, "services": service}
        yield [_cell(line.get(steps[0]) if own else _at(content, steps)) for own, steps in _steps(tuple(heads))]


@cache
def _steps(heads: tuple[str, ...]) -> tuple[tuple[bool, tuple[str, ...]], ...]:
    """Each heading's path, and whether it is none of the form's."""
    return tuple((head in _OWN_COLUMNS, tuple(head.split("."))) for head in heads)


def _leaves(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        path = f"{prefix}{name}"
        if path in ("services", "revision", "confidential"):
            continue
        inner = next(iter(_parts(field.annotation)), None)
        if inner is not None and not _is_list(field.annotation):
            yield from _leaves(inner, f"{path}.")
        else:
            yield path


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _parts(part)


def _is_list(annotation: Any) -> bool:
    return getattr(annotation, "__origin__", None) is tuple or any(_is_list(part) for part in get_args(annotation))


def _in(path: str, hidden: frozenset[str]) -> bool:
    return any(path == one or path.startswith(f"{one}.") for one in hidden)


def _at(content: Any, steps: tuple[str, ...]) -> Any:
    for name in steps:
        content = content.get(name) if isinstance(content, Mapping) else None
    return content


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "ja" if value else "nej"
    if isinstance(value, Mapping):
        if "system" in value:
            return f"{value['system']}|{value['code']}"
        return " ".join(str(one) for name in _CONTACT if (one := value.get(name)))
    if isinstance(value, list | tuple):
        return ", ".join(_cell(one) for one in value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
