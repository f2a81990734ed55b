"""How large an object of ours may be, by the chart's ValidatingAdmissionPolicy."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

import manifests
from integration.chart.installation import NAMESPACE, Cluster

POLICY = "templates/policy-objects.yaml"
NAME = "objects.taskyard.dev"
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
Object = dict[str, Any]


def build() -> Object:
    return {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "WorkspaceBuild",
        "metadata": {"name": "hello-1"},
        "spec": {
            "task": "hello",
            "number": 1,
            "transition": "Start",
            "reason": "Initial",
            "templateVersion": "shell-v1",
            "promptSHA256": "0" * 64,
        },
    }


KINDS = {
    "Task": manifests.task,
    "TaskInput": lambda: manifests.task_input("one", "hi"),
    "Template": manifests.template,
    "TemplateVersion": manifests.template_version,
    "WorkspaceBuild": build,
}


def with_metadata(manifest: Object, **metadata: Any) -> Object:
    return {**manifest, "metadata": {**manifest["metadata"], **metadata}}


def refusal(cluster: Cluster, namespace: str, manifest: Object, *arguments: str) -> str:
    """The API server's error for a create; empty when it accepts it. Nothing is stored."""
    result = cluster.kubectl(
        "create", "--dry-run=server", "-n", namespace, *arguments, "-f", "-", input=json.dumps(manifest)
    )
    return "" if result.returncode == 0 else result.stderr


def patched(cluster: Cluster, namespace: str, what: str, patch: Object, *arguments: str) -> str:
    """The API server's error for a merge patch; empty when it accepts it."""
    result = cluster.kubectl(
        "patch", what, "-n", namespace, "--type=merge", "--patch-file=/dev/stdin", *arguments, input=json.dumps(patch)
    )
    return "" if result.returncode == 0 else result.stderr


def bulky(name: str = "big", **fields: Any) -> Object:
    """An object as nobody may create it any more."""
    manifest = manifests.task(name, prompt="ü" * 65_536 + "", **fields)
    owners = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "n" * 300, "uid": f"uid-{number}"} for number in range(70)
    ]
    return with_metadata(
        manifest,
        annotations={f"example.org/{number}": "x" * 1000 for number in range(30)},
        labels={f"l{number}": "" for number in range(70)},
        finalizers=["example.org/held"],
        ownerReferences=owners,
    )


@pytest.fixture(scope="module")
def old(cluster: Cluster) -> Iterator[str]:
    """A namespace with an object from before the policy."""
    namespace = "object-sizes"
    cluster.kubectl("create", "namespace", namespace)
    cluster.must("create", "-n", namespace, "-f", "-", input=json.dumps(bulky()))
    many = with_metadata(manifests.task("many"), annotations={f"a{number}": "" for number in range(30_000)})
    cluster.must("create", "-n", namespace, "-f", "-", input=json.dumps(many))
    yield namespace
    for name in ("big", "many"):
        patched(cluster, namespace, f"tasks.taskyard.dev/{name}", {"metadata": {"finalizers": None}})
        cluster.kubectl("delete", "tasks.taskyard.dev", name, "-n", namespace, "--ignore-not-found")


@pytest.fixture(scope="module")
def guarded(cluster: Cluster, old: str) -> Iterator[Cluster]:
    """The cluster with the policy in force, as it is by default."""
    rendered = cluster.render("--show-only", POLICY, "--namespace", NAMESPACE)
    cluster.must("apply", "--server-side", "-f", "-", input=rendered)
    probe = with_metadata(manifests.task(), annotations={"a": "x" * 17_000})
    wait_until(lambda: refusal(cluster, old, probe) != "", "in force")
    yield cluster
    cluster.kubectl("delete", "-f", "-", input=rendered)
    wait_until(lambda: refusal(cluster, old, probe) == "", "out of force")


def wait_until(holds: Any, what: str) -> None:
    until = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until, f"the policy was not {what} after 30 s"
        time.sleep(0.2)


@pytest.mark.parametrize("kind", KINDS)
def test_annotations_are_bounded_for_each_kind(guarded: Cluster, namespace: str, kind: str) -> None:
    manifest = KINDS[kind]()
    name = manifest["metadata"]["name"]
    fits = {"example.org/a": "x" * 8000, "b": "x" * (16_384 - 8000 - len("example.org/a") - 1)}
    assert refusal(guarded, namespace, with_metadata(manifest, annotations=fits)) == ""
    one_more = {**fits, "c": ""}
    assert (
        f"{kind} {namespace}/{name}: its 3 annotations have 16385 bytes, and may have 16384 bytes together: keep such "
        "data in a ConfigMap, or have more allowed in the Helm values (policies.objects.maxAnnotationBytes)"
    ) in refusal(guarded, namespace, with_metadata(manifest, annotations=one_more))


@pytest.mark.parametrize(
    ("annotations", "says"),
    [
        pytest.param({"a": "ü" * 9000}, "have 18001 bytes", id="bytes, not characters"),
        pytest.param({f"a{n}": "" for n in range(4096)}, "its 4096 annotations have", id="many small ones"),
        pytest.param({f"a{n}": "" for n in range(40_000)}, "its 40000 annotations are more than", id="a huge number"),
    ],
)
def test_annotations_are_added_up(guarded: Cluster, namespace: str, annotations: Object, says: str) -> None:
    assert says in refusal(guarded, namespace, with_metadata(manifests.task(), annotations=annotations))


@pytest.mark.parametrize(
    "manifest",
    [
        pytest.param(manifests.task(prompt="say \"hi\"\n" * 6_500), id="a prompt of quotes and lines"),
        pytest.param(manifests.task(prompt="ü" * 65_536), id="a prompt of 128 KiB"),
        pytest.param(manifests.task_input("long", "x" * 65_536), id="an input"),
        pytest.param(
            manifests.template_version(command=["bash", "-c", *(["#" * 30_000] * 7)]),
            id="a template version with long scripts",
        ),
    ],
)  # fmt: skip
def test_the_largest_objects_can_be_applied_as_kubectl_does_by_default(
    guarded: Cluster, namespace: str, manifest: Object
) -> None:
    """It keeps a copy of the manifest in an annotation."""
    for _ in range(2):
        guarded.must("apply", "-n", namespace, "-f", "-", input=json.dumps(manifest))
    name, plural = manifest["metadata"]["name"], f"{manifest['kind'].lower()}s.taskyard.dev"
    assert len(guarded.get(plural, name, "-n", namespace)["metadata"]["annotations"][APPLIED]) > 60_000


def test_that_annotation_is_bounded_too(guarded: Cluster, namespace: str) -> None:
    manifest = with_metadata(manifests.task(), annotations={APPLIED: "x" * 163_841})
    path = f"/apis/taskyard.dev/v1alpha1/namespaces/{namespace}/tasks?dryRun=All"
    # `kubectl create` would replace the annotation.
    refused = guarded.kubectl("create", "--raw", path, "-f", "-", input=json.dumps(manifest)).stderr
    assert (
        f"Task {namespace}/hello: its annotation {APPLIED} has 163841 bytes, and may have 163840: use `kubectl apply "
        "--server-side`, which needs no such annotation"
    ) in refused


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        pytest.param(manifests.task(prompt="字" * 43_691), "prompt", id="a prompt"),
        pytest.param(manifests.task_input("hello", "字" * 43_691), "content", id="the content of an input"),
    ],
)
def test_text_is_bounded_in_bytes(guarded: Cluster, namespace: str, manifest: Object, field: str) -> None:
    assert (
        f"{manifest['kind']} {namespace}/hello: spec.{field} has 131073 bytes, and may have 131072: put long text into "
        "a file in the home and name it, or have more allowed in the Helm values (policies.objects.maxTextBytes)"
    ) in refusal(guarded, namespace, manifest)


def values(number: int, text: str) -> list[Object]:
    return [{"name": f"p{place}", "value": text} for place in range(number)]


@pytest.mark.parametrize(
    ("manifest", "what"),
    [
        pytest.param(manifests.task(parameters=values(9, "字" * 2_500)), "parameters", id="a Task"),
        pytest.param(
            manifests.template_version(
                "hello",
                parameters=[{"name": "p", "type": "string", "default": "x" * 2_000}],
                presets=[
                    {"name": f"s{number}", "parameters": [{"name": "p", "value": "x" * 8_000}]} for number in range(8)
                ],
            ),
            "parameters and presets",
            id="a TemplateVersion",
        ),
    ],
)
def test_values_of_parameters_are_bounded_together(
    guarded: Cluster, namespace: str, manifest: Object, what: str
) -> None:
    size = 67_500 if manifest["kind"] == "Task" else 66_000
    assert (
        f"{manifest['kind']} {namespace}/hello: the values of its {what} have {size} bytes, and may have 65536 bytes "
        "together: put long text into a file in the image or the home and name it, or have more allowed in the Helm "
        "values (policies.objects.maxParameterBytes)"
    ) in refusal(guarded, namespace, manifest)
    manifest["spec"]["parameters"] = manifest["spec"]["parameters"][:8] if manifest["kind"] == "Task" else []
    if manifest["kind"] == "Task":
        assert refusal(guarded, namespace, manifest) == ""


@pytest.mark.parametrize(
    ("metadata", "says"),
    [
        pytest.param({"labels": {f"l{n}": "" for n in range(65)}}, "it has 65 labels, and may have 64", id="labels"),
        pytest.param({"finalizers": [f"example.org/f{n}" for n in range(65)]}, "it has 65 finalizers", id="finalizers"),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": str(n)} for n in range(65)]},
            "it has 65 ownerReferences",
            id="owners",
        ),
        pytest.param(
            {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": "x" * 100_000}]},
            "an entry of its ownerReferences is longer than any name, kind or uid can be: remove it",
            id="an owner with a long uid",
        ),
    ],
)
def test_lists_in_the_metadata_are_bounded(guarded: Cluster, namespace: str, metadata: Object, says: str) -> None:
    assert f"Task {namespace}/hello: {says}" in refusal(guarded, namespace, with_metadata(manifests.task(), **metadata))


def test_what_exists_may_be_changed_and_made_smaller_but_not_larger(guarded: Cluster, old: str) -> None:
    task = "tasks.taskyard.dev/big"
    assert patched(guarded, old, task, {"spec": {"paused": True}}) == ""
    assert patched(guarded, old, task, {"metadata": {"annotations": {"example.org/0": None}}}) == ""
    assert "annotations have" in patched(guarded, old, task, {"metadata": {"annotations": {"more": "x" * 2000}}})
    assert "labels" in patched(guarded, old, task, {"metadata": {"labels": {"more": ""}}})
    assert patched(guarded, old, "tasks.taskyard.dev/many", {"spec": {"paused": True}}) == ""
    assert patched(guarded, old, "tasks.taskyard.dev/many", {"metadata": {"annotations": {"more": ""}}}) != ""


def test_a_status_is_written_whatever_the_size(guarded: Cluster, old: str) -> None:
    status = {"status": {"displayName": "large"}}
    assert patched(guarded, old, "tasks.taskyard.dev/big", status, "--subresource=status") == ""


def test_the_operator_may_become_nobodys_victim(guarded: Cluster, old: str) -> None:
    """It adds an owner, whatever else there is."""
    operator = ("--as", f"system:serviceaccount:{NAMESPACE}:taskyard-operator", "--as-group", "system:masters")
    more = {"metadata": {"annotations": {"operator": "x" * 2000}}}
    assert patched(guarded, old, "tasks.taskyard.dev/big", more, "--dry-run=server", *operator) == ""


def test_what_is_large_can_be_deleted(guarded: Cluster, old: str) -> None:
    guarded.must("create", "-n", old, "-f", "-", "--as", f"system:serviceaccount:{NAMESPACE}:taskyard-operator",
                 "--as-group", "system:masters", input=json.dumps(bulky("leaving")))  # fmt: skip
    guarded.must("delete", "tasks.taskyard.dev", "leaving", "-n", old, "--wait=false")
    assert guarded.get("tasks.taskyard.dev", "leaving", "-n", old) is not None, "its finalizer holds it"
    held = {"metadata": {"finalizers": ["example.org/held", "example.org/more"], "annotations": {"more": "x"}}}
    assert patched(guarded, old, "tasks.taskyard.dev/leaving", held) != "", "Kubernetes takes no new finalizer"
    assert patched(guarded, old, "tasks.taskyard.dev/leaving", {"metadata": {"finalizers": None}}) == ""
    assert guarded.get("tasks.taskyard.dev", "leaving", "-n", old) is None


def test_the_policy_compiles_without_a_warning(guarded: Cluster) -> None:
    result = json.loads(guarded.must("get", "validatingadmissionpolicy", NAME, "-o", "json"))
    assert result.get("status", {}).get("typeChecking", {}) == {}


def test_bounds_are_set_by_the_installation(guarded: Cluster, namespace: str) -> None:
    values = "policies.objects.maxAnnotationBytes=2048,policies.objects.maxTextBytes=4096"
    default = guarded.render("--show-only", POLICY, "--namespace", NAMESPACE)
    strict = guarded.render("--show-only", POLICY, "--namespace", NAMESPACE, "--set", values)
    long = manifests.task(prompt="x" * 4097)
    try:
        guarded.must("apply", "--server-side", "-f", "-", input=strict)
        wait_until(lambda: "4097 bytes, and may have 4096" in refusal(guarded, namespace, long), "in force")
        many = with_metadata(manifests.task(), annotations={"a": "x" * 2048})
        assert "have 2049 bytes, and may have 2048" in refusal(guarded, namespace, many)
    finally:
        guarded.must("apply", "--server-side", "-f", "-", input=default)
        wait_until(lambda: refusal(guarded, namespace, long) == "", "the default again")


def test_there_is_no_policy_where_it_is_not_wanted(cluster: Cluster) -> None:
    assert NAME not in cluster.render("--set", "policies.objects.enabled=false")
    assert NAME in cluster.render()
