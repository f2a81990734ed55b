"""docs/audit.md: its commands find in real logs of a gateway and of an API server who did what. Neither has a text."""

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import manifests
from integration.chart.installation import NAMESPACE, Cluster
from integration.gateway.administrator import Administrator
from integration.gateway.gatewayprocess import Gateway
from integration.gateway.rest.auditlog import lines_of
from integration.gateway.rest.rest_namespace import RestNamespace, active, paused
from localcluster.controlplane import ControlPlane
from localcluster.locations import REPOSITORY
from taskyard.core.security.keyring import Keyring

PAGE = (REPOSITORY / "docs" / "audit.md").read_text()
POLICY = REPOSITORY / "deploy" / "audit" / "policy.yaml"
BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Those of the page's commands.
TEAM, TASK = "team", "hello"
OWNER, READER = f"system:serviceaccount:{TEAM}:owner", f"system:serviceaccount:{TEAM}:reader"
SECRET = "SAID"

Object = dict[str, Any]


def section(heading: str) -> str:
    _, found, rest = PAGE.partition(f"\n{heading}\n")
    assert found, f"no section {heading!r}"
    return re.split(r"^#{2,3} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def commands(heading: str) -> str:
    found = "".join(BLOCK.findall(section(heading)))
    assert found, f"no commands under {heading!r}"
    return found


@dataclass
class Logs:
    """Both logs of what has been done, in a folder."""

    folder: Path
    gateway: Gateway
    audit_log: Path
    said: list[str] = field(default_factory=list)

    def ask(self, heading: str) -> list[list[str]]:
        """The rows that the commands of a section print."""
        gathering = re.search(r"\| (grep '[^']*') > gateway.log", PAGE)
        assert gathering, "how the lines are gathered"
        script = f"{gathering[1]} {self.gateway.log} > gateway.log\n" + commands("## Questions") + commands(heading)
        (self.folder / "asked").mkdir(exist_ok=True)
        shutil.copy(self.audit_log, self.folder / "asked" / "audit.log")
        result = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder / "asked",
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode, result.stderr) == (0, ""), result.stderr
        return [line.split("\t") for line in result.stdout.splitlines()]

    def events(self) -> list[Any]:
        return [json.loads(line) for line in self.audit_log.read_text().splitlines()]


@pytest.fixture(scope="module")
def logs(control_plane: ControlPlane, keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logs]:
    """An API server with the audit policy and the chart's policies, a gateway, and the life of a Task. (The shared API
    server is named only because its fixture skips where there can be none.)"""
    if shutil.which("jq") is None:
        assert os.environ.get("CI") != "true", "jq is not installed"
        pytest.skip("jq is not installed")
    folder = tmp_path_factory.mktemp("audited")
    policy, log = folder / "policy.yaml", folder / "api-audit.log"
    system = f"taskyard-{uuid.uuid4().hex[:8]}"
    policy.write_text(POLICY.read_text().replace("serviceaccount:taskyard:", f"serviceaccount:{system}:"))
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={log}")
    with ControlPlane(folder / "control-plane", apiserver_flags=flags) as running:
        cluster = Cluster(running.kubeconfig)
        crds = str(REPOSITORY / "crds")
        cluster.must("apply", "--server-side", "-f", crds)
        cluster.must("wait", "--for=condition=Established", "--timeout=30s", "-f", crds)
        served = ("--api-versions", "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")
        served += ("--set", "policies.createdBy.setForEverybody=true")
        for name in ("policy-audit.yaml", "policy-created-by.yaml"):
            rendered = cluster.render("--show-only", f"templates/{name}", "--namespace", NAMESPACE, *served)
            cluster.must("apply", "--server-side", "-f", "-", input=rendered)
        admin = Administrator(running.kubeconfig)
        gateway = Gateway(admin, folder, system=system)
        cluster.must("create", "namespace", TEAM)
        cluster.must("create", "serviceaccount", "default", "-n", TEAM)
        until_in_force(cluster, log)
        with gateway.serving(keyring):
            ns = RestNamespace(admin, gateway, keyring, TEAM)
            found = Logs(folder, gateway, log)
            live(found, cluster, ns)
            ns.close()
        admin.close()
        yield found


def until_in_force(cluster: Cluster, log: Path) -> None:
    """Returns once events have the policy's annotations, and objects their creators."""
    until = time.monotonic() + 30
    while True:
        probe = json.dumps(manifests.task("probe"))
        # Shortly after its kinds were established, the API server may not find them yet.
        made = cluster.kubectl("create", "-n", TEAM, "-f", "-", "-o", "json", input=probe)
        cluster.kubectl("delete", "-n", TEAM, "tasks.taskyard.dev/probe")
        if "audit.taskyard.dev/act" in log.read_text() and "taskyard.dev/created-by" in made.stdout:
            return
        assert time.monotonic() < until, f"the policies are not in force {made.stderr}"
        time.sleep(0.2)


def live(logs: Logs, cluster: Cluster, ns: RestNamespace) -> None:
    """The life of a Task by both ways, with refusals."""

    def text() -> str:
        logs.said.append(f"{SECRET}-{uuid.uuid4().hex}")
        return logs.said[-1]

    def kubectl(*arguments: str, user: str = "jane", manifest: Object | None = None) -> None:
        options = ("-n", TEAM, "--as", user, *(("--as-group", "system:masters") if user != "joe" else ()))
        cluster.kubectl(*arguments, *options, input=None if manifest is None else json.dumps(manifest))

    def patch(patch: Object, user: str = "jane") -> None:
        kubectl("patch", f"tasks.taskyard.dev/{TASK}", "--type=merge", "-p", json.dumps(patch), user=user)

    body = {"template_version_id": "shell-v1", "name": TASK, "input": text()}
    assert ns.owner.post("/tasks/me", json=body).status_code == 201
    # Another one, which is not asked about.
    kubectl("create", "-f", "-", manifest=manifests.task("other", prompt=text()))
    kubectl("patch", "tasks.taskyard.dev/other", "--type=merge", "-p", '{"spec":{"paused":true}}', user="mallory")

    ns.change(TASK, paused())
    assert ns.owner.patch(f"/tasks/me/{TASK}/input", json={"input": text()}).status_code == 204
    patch({"spec": {"prompt": text()}})
    assert ns.owner.post(f"/tasks/me/{TASK}/resume").status_code == 202
    patch({"spec": {"paused": True}})
    patch({"metadata": {"annotations": {"taskyard.dev/resumed-at": "now"}}, "spec": {"paused": False}})
    patch({"metadata": {"annotations": {"example.org/mark": "1"}}}, user="nobody-special")
    patch({"spec": {"displayName": "another title"}})
    assert ns.owner.get(f"/tasks/me/{TASK}/logs").status_code == 200

    ns.change(TASK, active("none"))
    assert ns.owner.post(f"/tasks/me/{TASK}/pause").status_code == 202
    said = {"content": text(), "answers": "q-1"}
    assert ns.owner.post(ns.url(f"/tasks/me/{TASK}/inputs"), json=said).status_code == 201
    kubectl("create", "-f", "-", manifest=manifests.task_input("by-hand", "and now the tests"))
    kubectl("delete", "taskinputs.taskyard.dev/by-hand")
    assert ns.owner.post(ns.url(f"/tasks/me/{TASK}/inputs"), json={"content": "and now the tests"}).status_code == 201
    assert ns.owner.get(ns.url(f"/tasks/me/{TASK}/inputs")).status_code == 200
    # To the agent itself, without an object. It has no address here.
    assert ns.owner.post(f"/tasks/me/{TASK}/send", json={"input": text()}).status_code == 502

    # Reads of the conversation.
    snapshot = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": f"{TASK}-snapshot"},
        "data": {"a": text()},
    }
    kubectl("create", "-f", "-", manifest=snapshot)
    kubectl("get", "configmap", f"{TASK}-snapshot", user="reading-joe")
    kubectl("get", "configmaps", user="listing-joe")
    kubectl("get", "taskinputs.taskyard.dev", user="input-joe")
    kubectl("get", "configmap", "another", user="innocent-joe")

    # Refusals.
    kubectl("delete", f"tasks.taskyard.dev/{TASK}", user="joe")
    forged = manifests.task("forged", prompt=text())
    forged["metadata"]["annotations"] = {"taskyard.dev/created-by": "joe"}
    kubectl("create", "-f", "-", manifest=forged)
    wrong: list[Object] = [{"prompt": text() * 2000}, {"prompt": [text()]}, {"prompt": {text(): 1}}, {"prompt": ""}]
    wrong += [{"paused": text()}, {"prompt": text(), "prompts": text()}]
    for fields in wrong:
        # Without kubectl's own look at the fields, so that the API server has to.
        manifest = {**forged, "spec": {**forged["spec"], **fields}}
        kubectl("create", "--validate=false", "-f", "-", manifest=manifest)
    for fields in ({"content": text() * 2000}, {"content": [text()]}, {"content": text(), "answers": "Not An Id"}):
        manifest = manifests.task_input("x", "x")
        kubectl("create", "--validate=false", "-f", "-", manifest={**manifest, "spec": {**manifest["spec"], **fields}})
    kubectl("create", "-f", "-", manifest=manifests.task_input("x", text(), type="Shout"))
    assert ns.as_("reader").delete(f"/tasks/me/{TASK}").status_code == 403
    assert ns.client("made.up.token").delete(f"/tasks/{TEAM}/{TASK}").status_code == 401

    # What is only tried out is done by nobody.
    dry = ("--dry-run=server",)
    kubectl("delete", f"tasks.taskyard.dev/{TASK}", *dry, user="trying-tom")
    for change in ({"paused": True}, {"prompt": text()}):
        change_it = ("patch", f"tasks.taskyard.dev/{TASK}", "--type=merge", "-p", json.dumps({"spec": change}))
        kubectl(*change_it, *dry, user="trying-tom")
    kubectl("delete", f"tasks.taskyard.dev/{TASK}")
    many = f"/apis/taskyard.dev/v1alpha1/namespaces/{TEAM}/tasks?fieldSelector=metadata.name%3Dother"
    kubectl("delete", "--raw", many, user="clearing-kim")
    ns.wait(f"/tasks/me/{TASK}", lambda answer: answer.status_code == 404)
    assert ns.owner.delete(f"/tasks/me/{TASK}").status_code == 404


def short(rows: list[list[str]]) -> list[tuple[str, ...]]:
    """Without the time, the identifier of the request, and the program."""
    return [tuple(row[1:4]) for row in rows]


def test_who_created_it(logs: Logs) -> None:
    rows = logs.ask("### Who created it?")
    assert short(rows) == [(OWNER, "create", "allowed"), (OWNER, "create", "201")]
    assert rows[1][4] == "taskyard-gateway"


def test_who_prompted_it_or_said_something(logs: Logs) -> None:
    rows = short(logs.ask("### Who prompted it, or said something to its agent?"))
    rest = [(OWNER, "create", "allowed"), (OWNER, "change-prompt", "allowed"), (OWNER, "answer", "allowed")]
    rest += [(OWNER, "queue-input", "allowed"), (OWNER, "send", "failed")]
    api = [(OWNER, "create", "201"), (OWNER, "change-prompt", "200"), ("jane", "change-prompt", "200")]
    api += [(OWNER, "answer", "201"), ("jane", "queue-input", "201"), (OWNER, "queue-input", "201")]
    # A text is found by its hash; only the gateway's log has that.
    by_text = [(OWNER, "queue-input", TEAM)]
    assert rows == rest + api + by_text


def test_who_paused_it_and_who_resumed_it(logs: Logs) -> None:
    rows = short(logs.ask("### Who paused it, who resumed it?"))
    rest = [(OWNER, "resume", "allowed"), (OWNER, "pause", "allowed")]
    api = [(OWNER, "resume", "200"), ("jane", "pause", "200"), ("jane", "resume", "200"), (OWNER, "pause", "200")]
    assert rows == rest + api


def test_who_read_its_conversation(logs: Logs) -> None:
    rows = logs.ask("### Who read its conversation?")
    rest, api = [row for row in rows if row[1] == OWNER], [row for row in rows if row[1] != OWNER]
    assert short(rest) == [(OWNER, "read-log", "allowed"), (OWNER, "read-inputs", "allowed")]
    assert [tuple(row[1:5]) for row in api] == [
        ("reading-joe", "get", "configmaps", f"{TASK}-snapshot"),
        ("listing-joe", "list", "configmaps", "all"),
        ("input-joe", "list", "taskinputs", "all"),
    ]


def test_who_deleted_it(logs: Logs) -> None:
    rows = short(logs.ask("### Who deleted it?"))
    assert (READER, "delete", "refused") in rows
    done = [row for row in rows if row[2] in ("allowed", "200")]
    assert done == [("jane", "delete", "200"), ("clearing-kim", "deletecollection", "200")]


def test_who_was_refused(logs: Logs) -> None:
    rows = logs.ask("### Who was refused?")
    rest = [tuple(row[1:]) for row in rows if len(row) == 7]
    assert (READER, "127.0.0.1", "delete", TASK, "403", "Forbidden.") in rest
    assert ("nobody", "127.0.0.1", "delete", TASK, "401", "The token is not valid.") in rest
    assert (OWNER, "127.0.0.1", "delete", TASK, "404", "There is no such Task.") in rest
    api = [tuple(row[1:]) for row in rows if len(row) == 6]
    assert ("joe", "delete", "tasks", TASK, "403") in api
    assert (READER, "delete", "tasks", TASK, "403") in api
    assert ("jane", "create", "tasks", "-", "422") in api or ("jane", "create", "tasks", "forged", "422") in api


def test_a_write_is_found_in_both_logs_by_its_identifier(logs: Logs) -> None:
    acts = {event["auditID"]: event for event in logs.events() if event["userAgent"].startswith("taskyard-gateway")}
    written = [
        line
        for line in lines_of(logs.gateway.log.read_text())
        if line["outcome"] == "allowed" and line["verb"] not in ("send", "read-log", "read-inputs", "follow")
    ]
    assert len(written) == 6
    for line in written:
        event = acts[line["request"]]
        assert event["user"]["username"] == line["who"]["user"]
        assert line["verb"] in event["annotations"]["audit.taskyard.dev/act"].split()
        assert event["annotations"]["audit.taskyard.dev/task"] == line["task"]["name"]
        if line["text"]:
            assert event["annotations"]["audit.taskyard.dev/text-bytes"] == str(line["text"]["bytes"])
        if not line["input"]:
            assert event["annotations"]["audit.taskyard.dev/uid"] == line["task"]["uid"]


def test_what_changes_nothing_has_no_act(logs: Logs) -> None:
    [mark] = [event for event in logs.events() if event.get("impersonatedUser", {}).get("username") == "nobody-special"
              and event["verb"] == "patch"]  # fmt: skip
    assert mark["responseStatus"]["code"] == 200
    assert not [key for key in mark.get("annotations", {}) if key.startswith("audit.taskyard.dev/")]
    acts = [event.get("annotations", {}).get("audit.taskyard.dev/act", "") for event in logs.events()]
    assert "change-spec" in acts, "another title"
    assert "delete-input" in acts


def test_neither_log_has_a_text_or_a_body(logs: Logs) -> None:
    assert len(logs.said) > 12
    for name, text in (("gateway", logs.gateway.log.read_text()), ("API server", logs.audit_log.read_text())):
        for said in logs.said:
            assert said.lower() not in text.lower(), name
        assert "and now the tests" not in text, name
    for event in logs.events():
        assert "requestObject" not in event
        assert "responseObject" not in event


def test_what_taskyard_does_by_itself_is_left_out(logs: Logs) -> None:
    own = f"system:serviceaccount:{logs.gateway.system}:taskyard-gateway"
    assert {event["objectRef"]["resource"] for event in logs.events() if event["user"]["username"] == own} == set()
    kinds = {event["objectRef"]["resource"] for event in logs.events()}
    assert {"tasks", "taskinputs", "configmaps"} <= kinds
    assert kinds & {"secrets", "namespaces", "serviceaccounts", "roles", "events"} == set()
