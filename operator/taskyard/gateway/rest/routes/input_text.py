"""What text a prompt or a message may be."""

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest.openapi.schemas.requests import is_text
from taskyard.limits import MAX_CONTENT_CHARACTERS

_RULE = f"It has at most {MAX_CONTENT_CHARACTERS} characters, no NUL and no half of a surrogate pair among them."


def check_input(content: str, *, field: str = "input", may_be_blank: bool = False) -> None:
    """Raise HttpError 400 for text that an agent cannot receive, or that Kubernetes would store as another text."""
    if not may_be_blank and not content.strip():
        raise HttpError(400, "Task input is required.")
    if len(content) > MAX_CONTENT_CHARACTERS or not is_text(content):
        raise invalid_input(field, _RULE)


def invalid_input(field: str, detail: str) -> HttpError:
    """The refusal of an input, with what its field must be."""
    return HttpError(400, "Task input is not valid.", validations=[{"field": field, "detail": detail}])
