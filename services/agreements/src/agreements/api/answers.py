"""What the answers look like, for OpenAPI alone: answers are written as they are, not through these models."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Body
from pydantic import BaseModel, GetJsonSchemaHandler, create_model
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from agreements.domain.agreement import State
from agreements.domain.transitions import Action
from contracts.agreement_form import AgreementForm


class Rejected(BaseModel):
    """Why the agreement is a draft again; to its own region."""

    reason: str
    at: datetime
    by: str


class _Told(BaseModel):
    """An agreement as the reader may see it: a field that is withheld is left out."""

    id: str
    state: State
    public_state: State | None
    version: int
    rejected: Rejected | None = None
    published_at: datetime | None
    created_at: datetime
    changed_at: datetime
    allowed_actions: list[Action]


_CONTENT: dict[str, Any] = {
    name: (field.annotation | None, None)
    for name, field in AgreementForm.model_fields.items()
    if name != "confidential" and field.annotation is not None
}
AgreementAnswer: type[BaseModel] = create_model("Agreement", __base__=_Told, __doc__=_Told.__doc__, **_CONTENT)


class Page(BaseModel):
    """Where in a list the answer stands."""

    total: int
    page: int
    limit: int


class AgreementList(Page):
    """A page of agreements."""

    items: list[AgreementAnswer]


class Fault(BaseModel):
    """One thing that is wrong."""

    field: str
    reason: str
    suggestion: str | None = None


class Validated(BaseModel):
    """All that is wrong with an agreement."""

    valid: bool
    errors: list[Fault]


class DifferenceAnswer(BaseModel):
    """One field that differs, and who sees it once it is public."""

    field: str
    before: Any
    after: Any
    audience: str


class Waiting(BaseModel):
    """One agreement that waits for the caller's gate."""

    gate: str
    waiting_since: datetime
    waiting_days: int
    new: bool
    replaces_edit_of: datetime | None
    """When what a newer sending replaces was written in the form; None where it replaces nothing of that."""
    agreement: AgreementAnswer
    differences: list[DifferenceAnswer]


class SubmissionReceived(BaseModel):
    """An upload that the worker will work off."""

    id: str
    status: str
    received_at: datetime
    repeated: bool


class WaitingCount(BaseModel):
    """How much waits at one gate, of one region."""

    gate: str
    region: str
    waiting: int
    oldest: datetime


class ReviewQueue(Page):
    """What waits for the caller."""

    items: list[Waiting]
    counts: list[WaitingCount]


class OneVerdict(BaseModel):
    """What became of one agreement in a bulk review."""

    id: str
    verdict: str
    state: State | None
    version: int | None
    errors: list[Fault]


class Verdicts(BaseModel):
    """What became of each, and how many of each kind."""

    items: list[OneVerdict]
    counts: dict[str, int]


class StepTold(BaseModel):
    """One step of an agreement's history."""

    version: int
    action: str
    state: State
    actor: str
    at: datetime
    reason: str | None
    differences: list[DifferenceAnswer]


class Steps(BaseModel):
    """An agreement's history, the last step first."""

    items: list[StepTold]
    total: int


ONE: dict[str, Any] = {"model": AgreementAnswer}


class _AsForm:
    """The form's own schema for content that is read by hand, so that all that is wrong is told at once."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(AgreementForm.__pydantic_core_schema__)


Content = Annotated[dict[str, Any], Body(), _AsForm()]
"""An agreement as it is sent, in the shape of AgreementForm."""
