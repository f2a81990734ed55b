"""Which builds and inputs are a Task's."""

import json
import sys

import pytest

from taskyard.core import names
from taskyard.core.api_object import unpacked
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.cache.objects.task import task_kind
from unit.core.builders import owned_by_tekton
from unit.gateway.rest.objects import Object, build, cache_with, metadata, reserved, task, task_input

OWN = names.owner_reference(name="hello", uid="uid-hello")
FORMER = names.owner_reference(name="hello", uid="uid-former")


def tekton(manifest: Object) -> Object:
    """As it is when a Tekton Task controls it, which bears name and UID of the Task."""
    return owned_by_tekton(manifest, name="hello", uid="uid-hello")


def of_former(manifest: Object) -> Object:
    """As it is when a former Task of the name controls it."""
    return manifest | {"metadata": manifest["metadata"] | {"ownerReferences": [FORMER]}}


def test_only_the_builds_that_a_task_controls_are_its() -> None:
    shown = task()
    cache = cache_with(shown)
    for manifest in (build(1), of_former(build(2)), tekton(build(3))):
        cache.builds.put(manifest)
    assert list(cache.builds_of(shown)) == [1]


def test_a_build_is_found_by_its_own_id_and_by_the_one_that_the_rest_api_gives_it() -> None:
    shown, made = task(), build(2)
    cache = cache_with(shown)
    cache.builds.put(made)
    for identifier in (made["metadata"]["uid"], identifiers.build("uid-hello", 2)):
        assert cache.build_of_id(identifier) == (shown, 2)


@pytest.mark.parametrize(
    "manifest",
    [pytest.param(of_former(build(2)), id="a former Task"), pytest.param(tekton(build(2)), id="a Tekton Task")],
)
def test_a_build_of_another_owner_is_not_found(manifest: Object) -> None:
    cache = cache_with(task())
    cache.builds.put(manifest)
    for identifier in (manifest["metadata"]["uid"], identifiers.build("uid-hello", 2)):
        assert cache.build_of_id(identifier) is None


def test_a_build_that_is_only_reserved_is_found() -> None:
    shown = task(build=reserved(3))
    assert cache_with(shown).build_of_id(identifiers.build("uid-hello", 3)) == (shown, 3)


@pytest.mark.parametrize(
    ("status", "number"),
    [pytest.param({}, 1, id="the first"), pytest.param({"build": reserved(3)}, 4, id="another")],
)
def test_the_next_build_is_found_before_it_is_reserved(status: Object, number: int) -> None:
    """A client that has just asked for it knows its id."""
    shown = task(**status)
    cache = cache_with(shown)
    assert cache.build_of_id(identifiers.build("uid-hello", number)) == (shown, number)
    assert cache.build_of_id(identifiers.build("uid-hello", number + 1)) is None
    cache.tasks.keep(reserving := task(build=reserved(number)))
    assert cache.build_of_id(identifiers.build("uid-hello", number)) == (reserving, number)


def test_a_build_of_a_task_that_is_being_deleted_is_not_found() -> None:
    shown = task(build=reserved(3), deleting=True)
    for number in (3, 4):
        assert cache_with(shown).build_of_id(identifiers.build("uid-hello", number)) is None


def test_inputs_are_a_tasks_unless_a_former_one_of_its_name_controls_them() -> None:
    """Those that nothing controls are about to be adopted; those that something else controls are delivered, too."""
    shown = task()
    cache = cache_with(shown)
    inputs = {
        "own": task_input("own", owner=OWN),
        "fresh": task_input("fresh"),
        "tekton": owned_by_tekton(task_input("tekton"), name="hello", uid="uid-tekton"),
        "former": task_input("former", owner=FORMER),
    }
    for manifest in inputs.values():
        cache.inputs.put(manifest)
    assert {entry.name for entry in cache.inputs_of(shown)} == {"own", "fresh", "tekton"}


def test_an_input_that_is_older_than_the_task_is_not_its() -> None:
    older = task_input()
    older["metadata"]["creationTimestamp"] = "2026-01-31T11:59:59Z"
    cache = cache_with(task())
    cache.inputs.put(older)
    assert cache.inputs_of(task()) == []


@pytest.mark.parametrize(
    ("prompt", "most"),
    [
        pytest.param("x" * 60_000, 120_000, id="ASCII, of which any may be escaped"),
        pytest.param("\N{GRINNING FACE}" * 60_000, 240_000, id="four bytes each"),
        pytest.param("\N{GRINNING FACE}" + '"' * 60_000, 120_004, id="quotes beside another script"),
    ],
)
def test_a_prompt_takes_its_bytes_and_is_shown_as_it_is(prompt: str, most: int) -> None:
    """A `str` with one such character would take four bytes for each."""
    held: list[str | bytes] = []
    kind = task_kind(lambda uid, version, text: held.append(text))
    kept = kind.of({"metadata": metadata("hello"), "spec": {"prompt": prompt, "templateVersion": "shell-v1"}})
    assert kept.packed_prompt is None
    assert unpacked(held[0]) == prompt
    assert sys.getsizeof(held[0]) <= len(prompt.encode()) + 100
    assert len(json.dumps(prompt, ensure_ascii=False).encode()) - 2 <= kept.prompt_bytes <= most
