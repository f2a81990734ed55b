"""Which Task an object belongs to."""

from __future__ import annotations

from taskyard.controller.cache.stores import (
    Stores,
    groups_of_child,
    groups_of_pod,
    groups_of_task,
    groups_of_template,
    naming,
    of_namespace,
    of_task,
)
from taskyard.core.pod_view import PodView
from taskyard.core.resources import SECRETS, TEMPLATE_VERSIONS, TEMPLATES
from unit.core.builders import (
    build,
    build_manifest,
    claim,
    claim_manifest,
    input_manifest,
    pod,
    pod_manifest,
    task,
    task_input,
    task_manifest,
    template,
    template_manifest,
    template_version_manifest,
)

WEB, TEAM = ("team", "web"), of_namespace("team")


def test_groups() -> None:
    for child in (build(), claim(), pod(), task_input()):
        assert of_task(child) == WEB
    for child in (build(), claim(), task_input()):
        assert list(groups_of_child(child)) == [WEB]
    assert list(groups_of_pod(pod())) == [WEB, TEAM]
    assert list(groups_of_template(template("shell-v2"))) == [("team", "shell-v2")]


def test_what_a_task_names() -> None:
    given = [{"name": "a", "value": "x"}, {"name": "b", "secretRef": {"name": "mine", "key": "k"}}]
    of = task(template="shell", templateVersion=None, parameters=given, status={"templateVersion": "shell-v0"})
    assert set(groups_of_task(of)) == {
        TEAM,
        naming(TEMPLATES, ("team", "shell")),
        naming(TEMPLATE_VERSIONS, ("team", "shell-v0")),
        naming(SECRETS, ("team", "mine")),
    }
    assert list(groups_of_task(task(status={}))) == [TEAM, naming(TEMPLATE_VERSIONS, ("team", "shell-v1"))]


def test_a_child_that_has_lost_its_labels_is_nobodys() -> None:
    manifest = pod_manifest()
    del manifest["metadata"]["labels"]
    assert of_task(PodView.of(manifest)) == ("team", "")


def test_each_kind_is_found_by_its_group() -> None:
    stores = Stores()
    stores.tasks.put(task_manifest())
    stores.templates.put(template_manifest("shell-v1"))
    stores.template_versions.put(template_version_manifest())
    stores.inputs.put(input_manifest())
    stores.builds.put(build_manifest())
    stores.pods.put(pod_manifest())
    assert len(stores.tasks.grouped(naming(TEMPLATE_VERSIONS, ("team", "shell-v1")))) == 1
    assert len(stores.templates.grouped(("team", "shell-v1"))) == 1
    assert stores.template_versions.get(("team", "shell-v1")) is not None
    for store in (stores.inputs, stores.builds, stores.pods):
        assert len(store.grouped(WEB)) == 1
    assert stores.tasks.has(TEAM) and stores.pods.has(TEAM)
    assert not stores.pods.has(of_namespace("other"))
    assert len(stores.claims) == 0
    stores.claims.put(claim_manifest())
    assert len(stores.claims.grouped(WEB)) == 1
