"""UUIDs of the REST API. Kubernetes objects have their UIDs; anything that is not an object of its own has a UUID
derived from the object that it is part of, the same in every replica and known before it exists."""

import hashlib
import uuid

_SPACE = uuid.UUID("6f1b0f2e-50a6-4c0e-9a51-0d7c53a1f6b4").bytes
# The digit that holds the variant of RFC 9562, by the digit of the hash.
_VARIANTS = {f"{digit:x}": f"{8 | digit & 3:x}" for digit in range(16)}
NONE = str(uuid.UUID(int=0))


def derived(*parts: str) -> str:
    """The UUID, version 5, derived from names: `uuid.uuid5` in a fifth of its time, since a page has two for each
    Task."""
    found = hashlib.sha1(_SPACE + "/".join(parts).encode(), usedforsecurity=False).hexdigest()
    return f"{found[:8]}-{found[8:12]}-5{found[13:16]}-{_VARIANTS[found[16]]}{found[17:20]}-{found[20:32]}"


def organization() -> str:
    """The UUID of a cluster whose own one is not known."""
    return derived("cluster")


def owner(namespace: str) -> str:
    """The UUID of a namespace that does not exist."""
    return derived("namespace", namespace)


def build(task_uid: str, number: int) -> str:
    """The UUID of a Task's build, also before its WorkspaceBuild exists."""
    return derived(task_uid, "build", str(number))


def job(task_uid: str, number: int) -> str:
    """The UUID of a build's job."""
    return derived(task_uid, "job", str(number))


def resource(task_uid: str, number: int) -> str:
    """The UUID of the Pod that a build creates."""
    return derived(task_uid, "resource", str(number))


def agent(task_uid: str, number: int) -> str:
    """The UUID of the agent in that Pod."""
    return derived(task_uid, "agent", str(number))


def app(task_uid: str, number: int) -> str:
    """The UUID of the sidecar's endpoint in that Pod."""
    return derived(task_uid, "app", str(number))


def template(namespace: str, family: str) -> str:
    """The UUID of a family of template versions without a Template."""
    return derived("template", namespace, family)


def preset(version_uid: str, name: str) -> str:
    """The UUID of a template version's preset."""
    return derived(version_uid, "preset", name)


def parsed(text: str) -> str | None:
    """A UUID in the notation of Kubernetes; None for any other text."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
