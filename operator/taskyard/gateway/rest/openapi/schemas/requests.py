"""The bodies of requests."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from taskyard.limits import MAX_CONTENT_CHARACTERS, MAX_QUESTION_ID_CHARACTERS


def is_text(value: str) -> bool:
    """Whether it can be stored: JSON can contain NUL and halves of surrogate pairs, but YAML, UTF-8 and a terminal's
    line cannot."""
    return "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _text(value: str) -> str:
    if not is_text(value):
        raise ValueError("must have no NUL and no half of a surrogate pair among its characters")
    return value


# Any text of a request but a prompt or a message, whose faults have an answer of their own.
Text = Annotated[str, AfterValidator(_text)]


class CreateTask(BaseModel):
    """The body of `POST /tasks/{user}`. A template version is named by its UID, or by its name in the namespace; a
    preset by the id that `…/presets` gives, or by its name."""

    template_version_id: Annotated[Text, Field(min_length=1, max_length=253, examples=["claude-v3"])]
    template_version_preset_id: Annotated[Text | None, Field(max_length=253)] = None
    input: Annotated[str, Field(examples=["Fix the build"])]
    name: Annotated[str, Field(examples=["fix-the-build"])] = ""
    display_name: Annotated[Text, Field(examples=["Fix the build"])] = ""


class Input(BaseModel):
    """The body of `PATCH …/input` and `POST …/send`."""

    input: Annotated[str, Field(examples=["and now the tests"])]


class CreateInput(BaseModel):
    """The body of `POST …/inputs`. `user` is a message, said to the agent whatever it begins with; `control` is a
    command of the agent's program in one line, such as `/compact`; both wait their turn. `raw` is keystrokes, which do
    not wait, and are refused while nothing is on the agent's screen. `resume` also resumes the Task if it is paused.
    `answers` is the id of the question that it answers."""

    content: Annotated[str, Field(min_length=1, max_length=MAX_CONTENT_CHARACTERS, examples=["and now the tests"])]
    type: Literal["user", "control", "raw"] = "user"
    resume: Annotated[bool, Field(examples=[True])] = False
    answers: Annotated[
        str | None, Field(min_length=1, max_length=MAX_QUESTION_ID_CHARACTERS, pattern="^[a-z0-9-]+$")
    ] = None
