"""A Task as decisions see it."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass, replace
from datetime import datetime

from taskyard.core import names, task_title, times
from taskyard.core.api_object import Manifest, shared, version_of
from taskyard.core.parameter_views import GivenView
from taskyard.core.security.keys import prompt_sha256


@dataclass(frozen=True, slots=True)
class TaskView:
    """A Task. `title` is its name for people, made from the prompt where it has none. `status` is the document as it is
    stored, without what only people read; if that is another Task's, with which this one was restored, it is empty,
    and `stale_status` are the names of its fields. Large parameters are not in `parameters` of what a cache keeps."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    created_at: datetime
    deleting: bool
    prompt_sha256: str
    title: str
    template_version: str | None
    paused: bool
    idle_timeout: str | None
    max_runtime: str | None
    ttl_seconds_after_finished: int | None
    resumed_at: str | None
    status: Manifest
    template: str | None = None
    preset: str | None = None
    parameters: tuple[GivenView, ...] = ()
    stale_status: tuple[str, ...] = ()
    has_large_parameters: bool = False

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def build(self) -> Manifest | None:
        """The reservation of the newest build, `status.build`."""
        return self.status.get("build")

    @property
    def reserved_number(self) -> int:
        """Highest number reserved so far; 0 before the first build."""
        return int(self.build["number"]) if self.build else 0

    def without_parameters(self) -> TaskView:
        """The same without its parameters, which are large."""
        return replace(self, parameters=(), has_large_parameters=True)

    @classmethod
    def of(cls, task: Manifest) -> TaskView:
        metadata, spec, status = task["metadata"], task["spec"], task.get("status", {})
        is_stale = status.get("observedUID", metadata["uid"]) != metadata["uid"]
        prompt, name = spec["prompt"], sys.intern(metadata["name"])
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=name,
            uid=sys.intern(metadata["uid"]),
            version=version_of(task),
            generation=metadata["generation"],
            created_at=times.parse(metadata["creationTimestamp"]),
            deleting="deletionTimestamp" in metadata,
            prompt_sha256=prompt_sha256(prompt),
            title=shared(spec.get("displayName") or task_title.display_name(prompt, fallback=name)),
            template_version=shared(spec.get("templateVersion")),
            paused=spec.get("paused", False),
            idle_timeout=spec.get("idleTimeout"),
            max_runtime=spec.get("maxRuntime"),
            ttl_seconds_after_finished=spec.get("ttlSecondsAfterFinished"),
            resumed_at=_mark((metadata.get("annotations") or {}).get(names.RESUMED_AT)),
            status={} if is_stale else shared(status),
            stale_status=tuple(status) if is_stale else (),
            template=shared(spec.get("template")),
            preset=shared(spec.get("preset")),
            parameters=tuple(map(GivenView.of, spec.get("parameters") or ())),
        )


def _mark(text: str | None) -> str | None:
    """The value of an annotation that is only compared with the one before; a digest stands for a long one."""
    return text if text is None or len(text) <= names.MAX_NAME_CHARACTERS else hashlib.sha256(text.encode()).hexdigest()
