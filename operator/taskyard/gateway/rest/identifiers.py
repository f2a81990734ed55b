"""UUIDs of the REST API. Kubernetes gives objects theirs; what is no object of its own has one derived from what it is
part of, the same in every replica and before it exists."""

import functools
import uuid

_SPACE = uuid.UUID("6f1b0f2e-50a6-4c0e-9a51-0d7c53a1f6b4")
NONE = str(uuid.UUID(int=0))


@functools.lru_cache(maxsize=8192)
def derived(*parts: str) -> str:
    """The UUID of something, by what it is called."""
    return str(uuid.uuid5(_SPACE, "/".join(parts)))


def organization() -> str:
    """Of a cluster that does not show its own."""
    return derived("cluster")


def owner(namespace: str) -> str:
    """Of a namespace that is not there."""
    return derived("namespace", namespace)


def build(task_uid: str, number: int) -> str:
    """Of a Task's build, also before its WorkspaceBuild exists."""
    return derived(task_uid, "build", str(number))


def job(task_uid: str, number: int) -> str:
    """Of the work on a build."""
    return derived(task_uid, "job", str(number))


def resource(task_uid: str, number: int) -> str:
    """Of the Pod that a build makes."""
    return derived(task_uid, "resource", str(number))


def agent(task_uid: str, number: int) -> str:
    """Of the agent in that Pod."""
    return derived(task_uid, "agent", str(number))


def app(task_uid: str, number: int) -> str:
    """Of the sidecar's endpoint in that Pod."""
    return derived(task_uid, "app", str(number))


def template(namespace: str, family: str) -> str:
    """Of a family of template versions without a Template."""
    return derived("template", namespace, family)


def preset(version_uid: str, name: str) -> str:
    """Of a template version's preset."""
    return derived(version_uid, "preset", name)


def parsed(text: str) -> str | None:
    """A UUID in the form in which Kubernetes writes it; None for anything else."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        return None
