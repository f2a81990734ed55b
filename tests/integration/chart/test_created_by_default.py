"""The creator's name is set by the API server where the cluster has MutatingAdmissionPolicies (Kubernetes 1.36)."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

import manifests
from integration.chart.installation import Cluster
from integration.chart.test_created_by import ANNOTATION, KINDS, Place, by, claiming, in_force, what

Object = dict[str, Any]


@pytest.fixture(scope="module")
def mutating(cluster: Cluster) -> Iterator[Cluster]:
    yield from in_force(cluster, mutating=True)


@pytest.fixture
def place(mutating: Cluster, namespace: str) -> Place:
    return Place(mutating, namespace)


@pytest.mark.parametrize("manifest", KINDS)
@pytest.mark.parametrize("user", ["jane", "system:serviceaccount:team:bot", 'a "name" with/signs~1'])
def test_it_is_set_where_it_is_missing(place: Place, manifest: Object, user: str) -> None:
    assert place.create(manifest, user) == ""
    assert place.creator(manifest) == user


def test_other_annotations_stay(place: Place) -> None:
    manifest = manifests.task("one")
    manifest["metadata"]["annotations"] = {"example.org/a": "b"}
    place.create(manifest, "jane")
    found = place.cluster.get(what(manifest), "-n", place.namespace)["metadata"]["annotations"]
    assert found == {"example.org/a": "b", ANNOTATION: "jane"}


def test_anothers_name_is_refused_and_not_replaced(place: Place) -> None:
    assert "may only name" in place.create(claiming(manifests.task("one"), "joe"), "jane")
    assert place.create(claiming(manifests.task("one"), "jane"), "jane") == ""


@pytest.mark.parametrize("options", [(), ("--server-side",)], ids=["client-side", "server-side"])
def test_it_stays_when_a_manifest_without_it_is_applied_again(place: Place, options: tuple[str, ...]) -> None:
    """Argo CD and Flux apply what is in git for as long as the object lives."""
    for paused in (False, True, False):
        manifest = manifests.task("one", paused=paused)
        result = place.run("apply", "-f", "-", *by("flux"), *options, manifest=manifest)
        assert result.returncode == 0, result.stderr
        assert place.creator(manifest) == "flux"
    result = place.run("apply", "-f", "-", *by("jane"), *options, manifest=manifests.task("one", paused=True))
    assert result.returncode == 0, result.stderr
    assert place.creator(manifest) == "flux", "who changes it has not created it"


def test_an_object_that_is_replaced_by_force_is_created_by_who_does_it(place: Place) -> None:
    """As docs/backup.md has it for inputs."""
    manifest = manifests.task_input("one", "hi")
    place.create(manifest, "jane")
    result = place.run("replace", "--force", "-f", "-", *by("joe"), manifest=manifest)
    assert result.returncode == 0, result.stderr
    assert place.creator(manifest) == "joe"


@pytest.mark.parametrize(
    ("length", "is_set"), [pytest.param(1024, True, id="the longest"), pytest.param(1025, False, id="too long")]
)
def test_a_name_that_is_too_long_is_not_recorded_and_hinders_nobody(place: Place, length: int, is_set: bool) -> None:
    manifest, user = manifests.task("one"), "ü" * (length // 2) + "x" * (length % 2)
    assert place.create(manifest, user) == ""
    assert place.creator(manifest) == (user if is_set else None)


def test_inputs_with_generated_names_have_it_too(place: Place) -> None:
    manifest = manifests.task_input("x", "hi")
    manifest["metadata"] = {"generateName": "hello-"}
    result = place.run("create", "-f", "-", "-o", "json", *by("jane"), manifest=manifest)
    assert json.loads(result.stdout)["metadata"]["annotations"] == {ANNOTATION: "jane"}
