"""Installs Taskyard's chart: release ``taskyard`` in namespace ``taskyard``. Repeating it changes nothing."""

import argparse
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from localcluster import diagnostics, guarded, locations, progress, target
from localcluster.kubectl import Kubectl
from localcluster.target import Target

RELEASE = NAMESPACE = "taskyard"
CHART = locations.REPOSITORY / "charts" / "taskyard"
SECONDS = 120.0
_LOOK_EVERY = 2.0
_TITLE = "installing Taskyard"
# helm's error message after an earlier run was interrupted.
_LOCKED = "another operation (install/upgrade/rollback) is in progress"
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")


def run(arguments: argparse.Namespace) -> int:
    """The command line's ``up --install``: the cluster with Taskyard in it."""
    place = target.chosen()
    install(place, target.bring_up(place))
    if place.is_local:
        print(f"Taskyard is running: export KUBECONFIG={locations.KUBECONFIG}")
    else:
        print("Taskyard is running in the cluster of the current context.")
    return 0


def install(place: Target, image: str, *, chart: Path = CHART, values: Sequence[str] = ()) -> None:
    """Installs the chart with this image and these values (`name=value`, as `helm --set` takes them), or upgrades to
    it, and waits until all Pods are ready.

    Raises :class:`progress.StepError` with the Pod's waiting reason, or the last line of the log of the container that
    ended.
    """
    helm, kubectl = place.helm(), place.kubectl("kubectl.log")
    log = locations.LOGS / "helm.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    command = [str(helm), *helm_arguments(image, chart=chart, values=values)]
    with progress.step(_TITLE, log=log) as step:
        ended_badly = _watched(step, command, place, kubectl, log)
        if ended_badly and _LOCKED in log.read_text(errors="replace") and place.is_local:
            # Nobody else installs into this cluster, so the process that held the lock is gone.
            step.note("removing what an earlier run left behind")
            _unlock(kubectl)
            ended_badly = _watched(step, command, place, kubectl, log)
        if ended_badly:
            cause, file = _cause(kubectl, log)
            raise progress.StepError(_TITLE, cause, file)
        step.note(image)


def helm_arguments(image: str, *, chart: Path, values: Sequence[str] = ()) -> list[str]:
    """helm's arguments for an image named ``[registry/]name:tag``. Raises ``StepError`` for other names."""
    repository, tag = split_image(image)
    return [
        *("upgrade", RELEASE, str(chart), "--install"),
        *("--namespace", NAMESPACE, "--create-namespace"),
        *("--wait", "--timeout", f"{int(SECONDS)}s", "--history-max", "3"),
        *("--set-string", f"image.repository={repository},image.tag={tag}"),
        *(part for value in values for part in ("--set", value)),
    ]


def split_image(image: str) -> tuple[str, str]:
    """Repository and tag of an image's name; a colon before the last slash introduces a registry's port."""
    repository, colon, tag = image.rpartition(":")
    if "@" in image:
        raise progress.StepError(_TITLE, f"the image {image} is named by its digest: give it a tag")
    if not colon or "/" in tag or not repository or not _TAG.match(tag):
        raise progress.StepError(_TITLE, f"the image {image!r} has no tag: name it as repository:tag")
    return repository, tag


def pods_note(pods: list[diagnostics.Object]) -> str:
    """The progress of the installation's Pods in a few words: what keeps one from being ready, else how many are."""
    found = diagnostics.of_pods(pods)
    if found:
        return f"{found[0].pod}: {found[0].reason}"
    current = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return f"{sum(map(diagnostics.is_ready, current))} of {len(current)} Pods ready" if current else ""


def _watched(step: progress.Step, command: list[str], place: Target, kubectl: Kubectl, log: Path) -> bool:
    """Runs helm and shows the progress of its Pods; True when it failed, or was stopped since waiting was pointless."""
    until = time.monotonic() + SECONDS + 30
    with log.open("ab") as output:
        child = guarded.start(
            command, environment=place.environment, folder=locations.REPOSITORY, output=output, errors=subprocess.STDOUT
        )
        try:
            while True:
                try:
                    return child.wait(_LOOK_EVERY) != 0
                except subprocess.TimeoutExpired:
                    pods = _pods(kubectl)
                    step.note(pods_note(pods))
                    if time.monotonic() > until or any(one.hopeless for one in diagnostics.of_pods(pods)):
                        return True
        finally:
            guarded.end(child)


def _pods(kubectl: Kubectl) -> list[diagnostics.Object]:
    return kubectl.items("--namespace", NAMESPACE, "get", "pods", "--selector", "app.kubernetes.io/name=taskyard")


def _unlock(kubectl: Kubectl) -> None:
    selector = f"owner=helm,name={RELEASE},status in (pending-install,pending-upgrade,pending-rollback)"
    kubectl.attempt("--namespace", NAMESPACE, "delete", "secrets", "--selector", selector, "--ignore-not-found")


def _cause(kubectl: Kubectl, log: Path) -> tuple[str, Path]:
    """Why the installation does not become ready, and the file with details."""
    found = diagnostics.of_pods(_pods(kubectl))
    if not found:
        return progress.telling_line_of(log), log
    first = found[0]
    cause = first.text
    if first.has_logs:
        words = _last_words(kubectl, first)
        if words:
            file = locations.LOGS / f"{first.pod}.log"
            file.write_text(words)
            return f"{cause}: {progress.telling_line(words)}", file
    return cause, log


def _last_words(kubectl: Kubectl, found: diagnostics.Diagnosis) -> str:
    """The log of the container that ended, else of the running one."""
    where = ("--namespace", found.namespace, "logs", found.pod, "--container", found.container, "--tail=200")
    for more in (("--previous",), ()):
        said = kubectl.attempt(*where, *more)
        if said.status == 0 and said.output.strip():
            return said.output
    return ""
