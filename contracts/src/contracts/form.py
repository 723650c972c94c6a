"""What every form from outside shares: strictness about fields, and web addresses."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from rules.texts import may_be_repeated

_URL = TypeAdapter(AnyHttpUrl)


def _web_address(value: str) -> str:
    try:
        _URL.validate_python(value)
    except ValidationError:
        raise ValueError("must be a web address that begins with http:// or https://") from None
    return value


WebAddress = Annotated[str, Field(max_length=2000), AfterValidator(_web_address)]


class Form(BaseModel):
    """Unknown fields are faults: a misspelt field must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _only_names_that_may_be_repeated(cls, content: object) -> object:
        # An unknown field is told by its name, and a name may hold what must not be told.
        if isinstance(content, dict) and not all(may_be_repeated(name) for name in content):
            raise ValueError("holds a field with an odd name, not repeated here: it may be a personal number")
        return content
