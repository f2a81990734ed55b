"""Which Task an object belongs to."""

from __future__ import annotations

from taskyard.controller.stores import Stores, by_active_version, by_label, by_task, named_by, naming
from taskyard.core.resources import SECRETS, TEMPLATE_VERSIONS, TEMPLATES
from unit.core.builders import (
    build_manifest,
    input_manifest,
    pod_manifest,
    task_manifest,
    template_manifest,
    template_version_manifest,
)


def test_groups() -> None:
    assert by_label(pod_manifest()) == ("team", "web")
    assert by_task(build_manifest()) == ("team", "web")
    assert by_task(input_manifest()) == ("team", "web")
    assert by_active_version(template_manifest("shell-v2")) == ("team", "shell-v2")


def test_what_a_task_names() -> None:
    given = [{"name": "a", "value": "x"}, {"name": "b", "secretRef": {"name": "mine", "key": "k"}}]
    task = task_manifest(
        template="shell", templateVersion=None, parameters=given, status={"templateVersion": "shell-v0"}
    )
    assert set(named_by(task)) == {
        naming(TEMPLATES, ("team", "shell")),
        naming(TEMPLATE_VERSIONS, ("team", "shell-v0")),
        naming(SECRETS, ("team", "mine")),
    }
    assert named_by(task_manifest(status={})) == [naming(TEMPLATE_VERSIONS, ("team", "shell-v1"))]


def test_a_child_that_has_lost_its_labels_is_nobodys() -> None:
    pod = pod_manifest()
    del pod["metadata"]["labels"]
    assert by_label(pod) == ("team", "")


def test_each_kind_is_found_by_its_group() -> None:
    stores = Stores()
    stores.tasks.put(task_manifest())
    stores.template_versions.put(template_version_manifest())
    stores.inputs.put(input_manifest())
    stores.builds.put(build_manifest())
    stores.pods.put(pod_manifest())
    assert len(stores.tasks.grouped(naming(TEMPLATE_VERSIONS, ("team", "shell-v1")))) == 1
    assert len(stores.template_versions.grouped(("team", "shell-v1"))) == 1
    for store in (stores.inputs, stores.builds, stores.pods):
        assert len(store.grouped(("team", "web"))) == 1
    assert len(stores.claims) == 0
