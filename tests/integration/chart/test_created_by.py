"""Who has created an object of ours, by the chart's policies for the annotation taskyard.dev/created-by."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import manifests
from integration.chart.installation import NAMESPACE, Cluster, Result
from localcluster.locations import REPOSITORY

POLICY = "templates/policy-created-by.yaml"
MUTATING = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
ANNOTATION = "taskyard.dev/created-by"
RESTORER = "system:serviceaccount:velero:velero"
ADMIN = "kubernetes-admin"
Object = dict[str, Any]

KINDS = [
    pytest.param(manifests.task("one"), id="Task"),
    pytest.param(manifests.task_input("one", "hi"), id="TaskInput"),
]


def by(user: str) -> tuple[str, ...]:
    """Options with which kubectl acts as somebody who may do everything."""
    return "--as", user, "--as-group", "system:masters"


def claiming(manifest: Object, name: str, **metadata: Any) -> Object:
    """The manifest with somebody's name in it."""
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": {ANNOTATION: name}, **metadata}}


def what(manifest: Object) -> str:
    return f"{manifest['kind'].lower()}s.taskyard.dev/{manifest['metadata']['name']}"


class Place:
    """A namespace in which the policies are in force."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace

    def run(self, *arguments: str, manifest: Object | None = None) -> Result:
        return self.cluster.kubectl(
            *arguments, "-n", self.namespace, input=None if manifest is None else json.dumps(manifest)
        )

    def create(self, manifest: Object, user: str, *arguments: str) -> str:
        """The API server's refusal, empty when the object is created."""
        result = self.run("create", "-f", "-", *by(user), *arguments, manifest=manifest)
        return "" if result.returncode == 0 else result.stderr

    def patch(self, manifest: Object, patch: Any, user: str, *arguments: str) -> str:
        """The refusal of a patch; a list is a JSON patch."""
        kind = "json" if isinstance(patch, list) else "merge"
        options = ("patch", what(manifest), f"--type={kind}", "-p", json.dumps(patch), *by(user), *arguments)
        result = self.run(*options)
        return "" if result.returncode == 0 else result.stderr

    def creator(self, manifest: Object) -> str | None:
        """The name in the stored object."""
        found = self.cluster.get(what(manifest), "-n", self.namespace)
        name: str | None = found["metadata"].get("annotations", {}).get(ANNOTATION)
        return name


def in_force(cluster: Cluster, *settings: str, mutating: bool) -> Iterator[Cluster]:
    """The cluster while the policies are in force, with these values."""
    served = ("--api-versions", MUTATING, "--set", f"policies.createdBy.setForEverybody={str(mutating).lower()}")
    rendered = cluster.render("--show-only", POLICY, "--namespace", NAMESPACE, *served, *settings)
    assert ("kind: MutatingAdmissionPolicy\n" in rendered) == mutating
    cluster.must("apply", "--server-side", "-f", "-", input=rendered)
    place = Place(cluster, "default")
    probe = claiming(manifests.task("probe"), "somebody else")

    def is_set() -> bool:
        result = place.run("create", "-f", "-", "--dry-run=server", "-o", "json", manifest=manifests.task("probe"))
        return ANNOTATION in json.loads(result.stdout)["metadata"].get("annotations", {})

    wait_until(lambda: place.create(probe, "probe", "--dry-run=server") != "", "in force")
    wait_until(lambda: is_set() == mutating, "in force")
    yield cluster
    cluster.kubectl("delete", "-f", "-", input=rendered)
    wait_until(lambda: place.create(probe, "probe", "--dry-run=server") == "", "out of force")
    wait_until(lambda: not is_set(), "out of force")


def wait_until(holds: Any, state: str) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, f"the policies were not {state} after 30 s"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def validating(cluster: Cluster) -> Iterator[Cluster]:
    """As before Kubernetes 1.36. Another module has the mutating one."""
    yield from in_force(cluster, "--set", f"policies.createdBy.mayRestore={{{RESTORER}}}", mutating=False)


@pytest.fixture
def place(validating: Cluster, namespace: str) -> Place:
    return Place(validating, namespace)


@pytest.mark.parametrize("manifest", KINDS)
@pytest.mark.parametrize(
    ("user", "claimed"),
    [
        pytest.param("jane", "joe", id="another user's"),
        pytest.param("jane", "Jane", id="another case"),
        pytest.param("jane", "", id="empty"),
        pytest.param("jane", "jane ", id="a space more"),
        pytest.param("jane", RESTORER, id="that of a backup tool"),
        pytest.param("system:serviceaccount:a:bot", "system:serviceaccount:b:bot", id="another namespace's account"),
        pytest.param("system:serviceaccount:a:bot", "jane", id="an account claims a person's"),
        pytest.param("jane", "system:admin", id="an administrator's"),
    ],
)
def test_nobody_creates_an_object_in_anothers_name(place: Place, manifest: Object, user: str, claimed: str) -> None:
    refusal = place.create(claiming(manifest, claimed), user)
    assert (
        f'{manifest["kind"]} {place.namespace}/one: its annotation {ANNOTATION} names "{claimed}", and may only name '
        f'"{user}", who creates it: leave the annotation out.'
    ) in refusal
    assert "policies.createdBy.mayRestore" in refusal
    for claim in (claiming(manifest, user), manifest):
        assert place.create(claim, user, "--dry-run=server") == ""


def test_an_apply_that_creates_is_a_create(place: Place) -> None:
    manifest = claiming(manifests.task("one"), "joe")
    for options in ((), ("--server-side",), ("--server-side", "--force-conflicts")):
        result = place.run("apply", "-f", "-", *by("jane"), *options, manifest=manifest)
        assert "may only name" in result.stderr
    assert place.run("get", what(manifest)).returncode != 0


def test_an_object_with_a_generated_name_is_named_in_the_refusal(place: Place) -> None:
    manifest = claiming(manifests.task_input("x", "hi"), "joe")
    del manifest["metadata"]["name"]
    manifest["metadata"]["generateName"] = "hello-"
    assert f"TaskInput {place.namespace}/hello-" in place.create(manifest, "jane")


def test_a_long_name_is_shortened_in_the_refusal(place: Place) -> None:
    refusal = place.create(claiming(manifests.task("one"), "ü" * 2000), "jane")
    assert f"names {'ü' * 200}…, and may only name" in refusal


@pytest.mark.parametrize("manifest", KINDS)
def test_nobody_changes_or_removes_it(place: Place, manifest: Object) -> None:
    assert place.create(claiming(manifest, "jane"), "jane") == ""
    path = f"/metadata/annotations/{ANNOTATION.replace('/', '~1')}"
    attacks: list[tuple[Any, str]] = [
        ({"metadata": {"annotations": {ANNOTATION: "joe"}}}, "changed"),
        ({"metadata": {"annotations": {ANNOTATION: ""}}}, "changed"),
        ({"metadata": {"annotations": {ANNOTATION: None}}}, "removed"),
        ({"metadata": {"annotations": None}}, "removed"),
        ([{"op": "remove", "path": path}], "removed"),
        ([{"op": "replace", "path": path, "value": "joe"}], "changed"),
        ([{"op": "move", "from": path, "path": "/metadata/annotations/example.org~1mine"}], "removed"),
    ]
    for user in ("jane", "joe", ADMIN):
        for attack, done in attacks:
            refusal = place.patch(manifest, attack, user)
            named = f"{manifest['kind']} {place.namespace}/one"
            assert f'{named}: its annotation {ANNOTATION} names "jane" and cannot be {done}' in refusal, attack
    stored = place.cluster.get(what(manifest), "-n", place.namespace)
    del stored["metadata"]["annotations"]
    assert "cannot be removed" in place.run("replace", "-f", "-", *by("jane"), manifest=stored).stderr
    forced = ("apply", "--server-side", "--force-conflicts", "-f", "-", *by("joe"))
    assert "cannot be changed" in place.run(*forced, manifest=claiming(manifest, "joe")).stderr
    assert place.creator(manifest) == "jane"


@pytest.mark.parametrize("manifest", KINDS)
def test_nobody_adds_it_to_an_object_without_it(place: Place, manifest: Object) -> None:
    """An object from before the policies, or one that was created on a cluster without the mutating one."""
    assert place.create(manifest, "jane") == ""
    for user in ("jane", "joe", ADMIN):
        refusal = place.patch(manifest, {"metadata": {"annotations": {ANNOTATION: user}}}, user)
        assert f"its annotation {ANNOTATION} names nobody and cannot be added" in refusal
    assert place.creator(manifest) is None


def test_a_write_to_the_status_changes_no_annotation(place: Place) -> None:
    manifest = manifests.task("one")
    place.create(claiming(manifest, "jane"), "jane")
    patch = {"metadata": {"annotations": {ANNOTATION: "joe"}}, "status": {"phase": "Pending"}}
    assert place.patch(manifest, patch, "joe", "--subresource=status") == ""
    assert place.creator(manifest) == "jane"


@pytest.mark.parametrize("manifest", KINDS)
def test_other_changes_are_nobodys_business(place: Place, manifest: Object) -> None:
    """The operator's, the garbage collector's, and those of people."""
    operator, collector = (
        f"system:serviceaccount:{account}"
        for account in (f"{NAMESPACE}:taskyard-operator", "kube-system:generic-garbage-collector")
    )
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}
    for is_named in (True, False):
        assert place.create(claiming(manifest, "jane") if is_named else manifest, "jane") == ""
        for patch, user in [
            ({"metadata": {"annotations": {"taskyard.dev/resumed-at": "now"}}}, "joe"),
            ({"metadata": {"annotations": {"taskyard.dev/resumed-at": None}}}, "joe"),
            ({"metadata": {"labels": {ANNOTATION: "gateway"}}}, "joe"),
            ({"metadata": {"ownerReferences": [owner]}}, operator),
            ({"metadata": {"finalizers": ["example.org/held"]}}, collector),
            ({"metadata": {"ownerReferences": None, "finalizers": None}}, collector),
        ]:
            assert place.patch(manifest, patch, user) == "", patch
        assert place.creator(manifest) == ("jane" if is_named else None)
        place.cluster.must("delete", what(manifest), "-n", place.namespace)


def test_a_manifest_without_it_can_be_applied_again_and_again(place: Place) -> None:
    for name, options in (("client", ()), ("server", ("--server-side", "--force-conflicts"))):
        manifest = manifests.task(name)
        assert place.create(claiming(manifest, "jane"), "jane") == ""
        for paused in (True, False):
            changed = manifests.task(name, paused=paused)
            result = place.run("apply", "-f", "-", *by("argocd"), *options, manifest=changed)
            assert result.returncode == 0, result.stderr
        assert place.creator(manifest) == "jane"


def test_the_account_of_a_backup_tool_restores_names(place: Place) -> None:
    manifest = claiming(manifests.task("one"), "jane")
    assert place.create(manifest, RESTORER) == ""
    assert place.creator(manifest) == "jane"
    assert place.patch(manifest, {"metadata": {"annotations": {ANNOTATION: "joe"}}}, RESTORER) == ""
    assert place.create(claiming(manifests.task("two"), "jane"), "system:serviceaccount:velero:other") != ""
    assert place.create(claiming(manifests.task("two"), "jane"), RESTORER.upper()) != ""


@pytest.mark.parametrize("manifest", KINDS)
def test_what_is_saved_as_the_page_on_backups_says_can_be_created_by_anybody(place: Place, manifest: Object) -> None:
    """A test on a real node follows the whole page; here the saved object is somebody else's."""
    page = (REPOSITORY / "docs" / "backup.md").read_text()
    clean = re.search(r"^CLEAN='(.*?)'$", page, re.MULTILINE | re.DOTALL)
    assert clean
    assert place.create(claiming(manifest, "jane"), "jane") == ""
    stored = place.cluster.get(what(manifest), "-n", place.namespace)
    place.cluster.must("delete", what(manifest), "-n", place.namespace)
    assert "may only name" in place.create(stored, ADMIN)
    saved = place.run(
        "patch", "--local", "-f", "-", "--type=merge", "-p", clean[1], "-o", "json", manifest=stored
    ).stdout
    assert place.create(json.loads(saved), ADMIN) == ""
    assert place.creator(manifest) is None, "it is not a lie; where there is the mutating policy, it is the restorer"
