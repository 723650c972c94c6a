"""What pydantic finds wrong is told in plain words that never repeat the refused value."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from rules.validation_errors import fault_of

SECRET = "19121212-1212"


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Owner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    pets: list[Annotated[Cat | Dog, Field(discriminator="kind")]] = []
    number: str = ""

    @field_validator("number")
    @classmethod
    def _right(cls, number: str) -> str:
        if number:
            raise ValueError("must be right")
        return number


def told(content: Any) -> dict[str, str]:
    try:
        Owner.model_validate(content)
    except ValidationError as error:
        return dict(fault_of(row) for row in error.errors())
    return {}


def test_each_wrong_field_is_told_by_its_dotted_path_and_a_reason_in_plain_words() -> None:
    content = {"pets": [{"kind": "cat"}, {"kind": SECRET}], "number": SECRET, "nickname": SECRET}
    assert told(content) == {
        "name": "field required",
        "pets.1": "must be one of 'cat', 'dog'",
        "number": "must be right",
        "nickname": "is not a known field",
    }


def test_a_thing_that_is_wrong_as_a_whole_has_no_path() -> None:
    assert list(told([SECRET])) == [""]
    assert SECRET not in str(told([SECRET]))
