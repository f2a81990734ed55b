"""Installing the chart: helm's arguments, and how a failure is explained."""

import stat
from pathlib import Path
from typing import Any

import pytest

from localcluster import current, diagnostics, install, locations, progress, target


def container(name: str = "operator", *, restarts: int = 0, ready: bool = False, **state: Any) -> dict[str, Any]:
    last = state.pop("last", None)
    found = {"name": name, "restartCount": restarts, "ready": ready, "state": state}
    return {**found, "lastState": {"terminated": last}} if last else found


def pod(*containers: dict[str, Any], name: str = "taskyard-operator-1", ready: bool = False, **more: Any) -> Any:
    status = {"conditions": [{"type": "Ready", "status": str(ready)}], "containerStatuses": list(containers)}
    return {"metadata": {"namespace": "taskyard", "name": name}, "status": {**status, **more}}


UNSCHEDULED = {
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}]
}


@pytest.mark.parametrize(
    ("image", "repository", "tag"),
    [
        pytest.param("localhost/taskyard:0a1b2c", "localhost/taskyard", "0a1b2c", id="of this machine"),
        pytest.param("taskyard:0.1.0", "taskyard", "0.1.0", id="short"),
        pytest.param("registry.test:5000/a/taskyard:1", "registry.test:5000/a/taskyard", "1", id="a registry's port"),
    ],
)
def test_helm_gets_repository_and_tag_of_the_image(image: str, repository: str, tag: str) -> None:
    arguments = install.helm_arguments(image, chart=Path("/chart"))
    assert arguments[:4] == ["upgrade", "taskyard", "/chart", "--install"]
    assert f"image.repository={repository},image.tag={tag}" in arguments


def test_helm_waits_and_creates_the_namespace() -> None:
    arguments = install.helm_arguments("taskyard:1", chart=Path("/chart"))
    assert {"--wait", "--create-namespace"} <= set(arguments)


@pytest.mark.parametrize(
    ("image", "cause"),
    [
        pytest.param("taskyard", "no tag", id="no tag"),
        pytest.param("registry.test:5000/taskyard", "no tag", id="a port is no tag"),
        pytest.param("taskyard:", "no tag", id="an empty tag"),
        pytest.param("taskyard@sha256:00", "digest", id="a digest"),
        pytest.param("", "no tag", id="nothing"),
    ],
)
def test_an_image_that_helm_cannot_name_is_refused(image: str, cause: str) -> None:
    with pytest.raises(progress.StepError, match=cause):
        install.helm_arguments(image, chart=Path("/chart"))


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        pytest.param(
            pod(container(waiting={"reason": "ErrImageNeverPull", "message": "not\n there"})),
            "Pod taskyard-operator-1, container operator: ErrImageNeverPull: not there",
            id="an image that does not exist",
        ),
        pytest.param(
            pod(container(waiting={"reason": "CrashLoopBackOff"}, last={"exitCode": 2}, restarts=4)),
            "Pod taskyard-operator-1, container operator: CrashLoopBackOff: it ended with exit code 2, 4 restarts",
            id="a container that ends again and again",
        ),
        pytest.param(
            pod(container(running={})),
            "Pod taskyard-operator-1, container operator: NotReady: it is running but does not answer yet",
            id="a container that does not answer",
        ),
        pytest.param(
            pod(container(terminated={"reason": "OOMKilled", "exitCode": 137})),
            "Pod taskyard-operator-1, container operator: OOMKilled: it ended with exit code 137",
            id="a container that ended",
        ),
        pytest.param(
            pod(**UNSCHEDULED), "Pod taskyard-operator-1: Unschedulable: 0/1 nodes", id="a Pod that fits no node"
        ),
    ],
)
def test_a_pods_diagnosis_is_one_line(broken: dict[str, Any], text: str) -> None:
    assert [one.text for one in diagnostics.of_pods([broken])] == [text]


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param(pod(container(running={}, ready=True), ready=True), id="ready"),
        pytest.param(pod(container(waiting={"reason": "ContainerCreating"})), id="about to start"),
        pytest.param(pod(container(terminated={"exitCode": 0})), id="succeeded"),
        pytest.param(pod(), id="nothing known yet"),
        pytest.param(
            {"metadata": {"name": "x", "deletionTimestamp": "now"}, "status": UNSCHEDULED}, id="being deleted"
        ),
    ],
)
def test_the_ordinary_states_of_a_pod_are_no_diagnosis(fine: dict[str, Any]) -> None:
    assert diagnostics.of_pods([fine]) == []


def test_the_most_severe_diagnosis_comes_first() -> None:
    found = diagnostics.of_pods(
        [
            pod(container(running={}), name="slow"),
            pod(container(waiting={"reason": "InvalidImageName"}), name="hopeless"),
        ]
    )
    assert [(one.pod, one.hopeless) for one in found] == [("hopeless", True), ("slow", False)]


def test_progress_shows_what_keeps_a_pod_from_being_ready_or_how_many_are_ready() -> None:
    ready = pod(ready=True)
    assert install.pods_note([]) == ""
    assert install.pods_note([ready, pod()]) == "1 of 2 Pods ready"
    assert install.pods_note([ready, pod(container(waiting={"reason": "ErrImagePull"}))]) == (
        "taskyard-operator-1: ErrImagePull"
    )


@pytest.mark.parametrize(
    ("environment", "is_local", "image"),
    [
        pytest.param({}, True, None, id="unset"),
        pytest.param({"TASKYARD_CLUSTER": ""}, True, None, id="empty"),
        pytest.param({"TASKYARD_CLUSTER": "current"}, False, None, id="current"),
        pytest.param({"TASKYARD_CLUSTER": "current", "TASKYARD_IMAGE": "r/t:1"}, False, "r/t:1", id="with an image"),
    ],
)
def test_the_environment_chooses_the_cluster(environment: dict[str, str], is_local: bool, image: str | None) -> None:
    chosen = target.chosen(environment)
    assert (chosen.is_local, chosen.image) == (is_local, image)
    assert chosen.environment == ({"KUBECONFIG": str(locations.KUBECONFIG)} if is_local else {})


def test_an_unknown_cluster_is_refused_with_the_possible_values() -> None:
    with pytest.raises(progress.StepError, match="current"):
        target.chosen({"TASKYARD_CLUSTER": "kind"})


ARCHIVE = Path("/images/taskyard.tar")


@pytest.mark.parametrize(
    ("context", "archive", "command"),
    [
        pytest.param("kind-dev", None, "kind load docker-image t:1 --name dev", id="kind"),
        pytest.param("kind-dev", ARCHIVE, f"kind load image-archive {ARCHIVE} --name dev", id="kind, buildah"),
        pytest.param("k3d-my-own", None, "k3d image import t:1 --cluster my-own", id="k3d"),
        pytest.param("minikube", ARCHIVE, f"minikube image load {ARCHIVE}", id="minikube"),
        pytest.param("docker-desktop", None, "", id="a desktop cluster has Docker's images"),
        pytest.param("docker-desktop", ARCHIVE, None, id="but not those of buildah"),
        pytest.param("production", None, None, id="a cluster that pulls"),
        pytest.param("kind", None, None, id="a context that only has kind in its name"),
    ],
)
def test_the_context_determines_how_an_image_is_loaded(context: str, archive: Path | None, command: str | None) -> None:
    way = current.loading(context, "t:1", archive)
    assert (None if way is None else " ".join(way.command)) == command


def executable(folder: Path, name: str, script: str) -> str:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def test_buildah_is_used_when_dockers_daemon_does_not_run(tmp_path: Path) -> None:
    programs = {"docker": executable(tmp_path, "docker", "exit 1"), "buildah": executable(tmp_path, "buildah", "")}
    assert current.find_engine(programs.get) == current.Engine("buildah", programs["buildah"])


def test_without_an_engine_nothing_is_built() -> None:
    assert current.find_engine(lambda name: None) is None
