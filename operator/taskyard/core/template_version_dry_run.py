"""The condition Valid of a TemplateVersion: whether the API server would accept its Pod."""

from __future__ import annotations

from taskyard.api.vocabulary import BuildPhase, BuildReason, Transition
from taskyard.core import ready_pattern, times
from taskyard.core.api_object import Manifest
from taskyard.core.build_view import BuildView
from taskyard.core.conditions import Verdict
from taskyard.core.installation import Installation
from taskyard.core.manifests import pod
from taskyard.core.parameters import Chosen, default_resources, preset_problem
from taskyard.core.security.keys import prompt_sha256
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.core.text_limits import quoted

# No Task has this name: it is longer than a Task's name may be.
NAME = "taskyard-dry-run-" + "x" * 36


def probe(version: TemplateVersionView, installation: Installation, *, namespace: str, uid: str, now: str) -> Manifest:
    """The Pod of a Task that uses the version, to be created in a dry run."""
    task = TaskView(
        namespace=namespace,
        name=NAME,
        uid=uid,
        generation=1,
        version=0,
        created_at=times.parse(now),
        deleting=False,
        prompt_sha256=prompt_sha256(""),
        title=NAME,
        template_version=version.name,
        paused=False,
        idle_timeout=None,
        max_runtime=None,
        ttl_seconds_after_finished=None,
        resumed_at=None,
        status={},
    )
    build = BuildView(
        namespace=namespace,
        name=NAME,
        uid=uid,
        version=0,
        owners=(),
        task=NAME,
        deleting=False,
        number=1,
        transition=Transition.START,
        reason=BuildReason.INITIAL,
        template_version=version.name,
        prompt_sha256=prompt_sha256(""),
        phase=BuildPhase.PENDING,
        pod_uid=None,
        message=None,
        created_at=times.parse(now),
        finished_at=None,
    )
    chosen = Chosen(resources=default_resources(version))
    return pod.manifest(task, build, version, installation, chosen=chosen)


def problem(version: TemplateVersionView) -> str | None:
    """What is wrong with the version, as far as that shows without the API server."""
    agent = version.agent_problem
    return agent or ready_pattern.problem(version.agent_ready) or preset_problem(version)


def verdict(refusal: str | None, remedy: str | None = None) -> Verdict:
    """The condition; `refusal` is why the Pod was refused, None when it was accepted. `remedy` is what helps, if not
    another version."""
    if refusal is None:
        return Verdict("Valid", True, "DryRunPassed", "The API server would accept the Pod.")
    remedy = remedy or "Create a version without this fault."
    return Verdict("Valid", False, "PodRefused", f"{quoted(refusal)}. {remedy}")
