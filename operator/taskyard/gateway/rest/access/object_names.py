"""The names that Kubernetes allows: no other reaches a review or a cache, since no object has another. Pure."""

import re

from taskyard.core import resources
from taskyard.limits import MAX_TASK_NAME_CHARACTERS

_MAX_LABEL_CHARACTERS, _MAX_SUBDOMAIN_CHARACTERS = 63, 253
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")


def is_namespace(text: str) -> bool:
    """Whether a namespace may have this name: a label of RFC 1123."""
    return _is_label(text, _MAX_LABEL_CHARACTERS)


def is_name(resource: str, text: str) -> bool:
    """Whether an object of this resource (its subresource after a slash) may have this name: a Task's is a label of at
    most 52 characters, any other one a subdomain of RFC 1123."""
    if resource.partition("/")[0] == resources.TASKS.plural:
        return _is_label(text, MAX_TASK_NAME_CHARACTERS)
    if len(text) > _MAX_SUBDOMAIN_CHARACTERS:
        return False
    return all(_LABEL.fullmatch(part) for part in text.split("."))


def _is_label(text: str, longest: int) -> bool:
    return len(text) <= longest and _LABEL.fullmatch(text) is not None
