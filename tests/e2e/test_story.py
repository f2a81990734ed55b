"""The life of a Task on a real node, with a plain shell as the agent."""

from __future__ import annotations

import re

from e2e.kubectl_namespace import KubectlNamespace
from kube import phase_is


def test_a_task_works_gets_a_message_pauses_and_resumes(shell: KubectlNamespace) -> None:
    """The demo of the README."""
    shell.wait("it starts", lambda status: status.get("phase") in ("Initializing", "Active"))
    task = shell.wait_state("Idle", build=1)
    assert task["status"]["workspace"]["appHealth"] == "Healthy"
    assert task["status"]["promptSHA256"]
    messages = shell.wait_answer("Hello from hello-1")
    prompts = [message for message in messages if message["role"] == "user"]
    assert [message["content"] for message in prompts] == [task["spec"]["prompt"]]

    shell.say("again", "cat hello.txt && echo the sum is $((40 + 2))")
    shell.wait_answer("the sum is 42")
    shell.kube.wait("it is delivered", "taskinputs", shell.name, "again", phase_is("Delivered"))

    shell.pause(True)
    task = shell.wait("it is paused", lambda status: status["phase"] == "Paused")
    assert task["status"]["pausedReason"] == "Manual"
    assert shell.kube.list("pods", shell.name) == []
    messages = shell.messages()
    assert any("the sum is 42" in message["content"] for message in messages)
    log = shell.kubectl("get", "configmap", "hello-snapshot", "-o", r"jsonpath={.data.log\.txt}")
    assert "the sum is 42" in log

    shell.pause(False)
    shell.wait_state("Idle", build=3)
    shell.say("still-there", "echo it still says: $(cat hello.txt)")
    shell.wait_answer("it still says: Hello from hello-1")
    prompts = [message["content"] for message in shell.messages() if message["role"] == "user"]
    assert prompts.count(task["spec"]["prompt"]) == 1, "the prompt was typed again"


def test_the_prompt_changes_while_paused_and_is_typed_at_the_resume(shell: KubectlNamespace) -> None:
    shell.wait_state("Idle", build=1)
    refused = shell.attempt("patch", "task", "hello", "--type=merge", "-p", '{"spec":{"prompt":"echo changed"}}')
    assert refused.returncode != 0
    assert "Unable to update task input, task must be paused." in refused.stderr
    shell.pause(True)
    shell.wait("it is paused", lambda status: status["phase"] == "Paused")
    shell.kubectl("patch", "task", "hello", "--type=merge", "-p", '{"spec":{"prompt":"echo changed $((6 * 7))"}}')
    shell.pause(False)
    shell.wait_answer("changed 42")


def test_agent_and_sidecar_are_different_users_and_isolated(shell: KubectlNamespace) -> None:
    shell.wait_state("Idle", build=1)
    shell.wait_answer("Hello from")
    agent = shell.inside("hello-1", "agent", "id", "-u").stdout.strip()
    assert agent == "1000"
    assert shell.inside("hello-1", "agent", "stat", "-c", "%u", "/home/agent/hello.txt").stdout.strip() == "1000"
    script = """if True:
        import os
        folder = "/var/lib/taskyard"
        print(os.getuid(), *{os.lstat(f"{folder}/{name}").st_uid for name in os.listdir(folder)})
    """
    sidecar = shell.inside("hello-1", "taskyard-sidecar", "python3", "-c", script)
    assert sidecar.stdout.split() == ["64484", "64484"], sidecar.stderr
    for path in ("/var/lib/taskyard", "/var/run/secrets/taskyard", "/var/run/secrets/kubernetes.io"):
        assert shell.inside("hello-1", "agent", "ls", path).returncode != 0, f"the agent sees {path}"
    environment = shell.inside("hello-1", "agent", "cat", "/proc/1/environ").stdout
    assert "KEY" not in environment and "TOKEN" not in environment
    pod = shell.kubectl("get", "pod", "hello-1", "-o", "yaml")
    assert "tee hello.txt" not in pod, "the prompt is in the Pod's spec"


def test_kubectl_shows_the_columns_that_a_user_needs(shell: KubectlNamespace) -> None:
    assert "condition met" in shell.kubectl("wait", "--for=condition=Ready", "task/hello", "--timeout=60s")
    shell.wait_state("Idle", build=1)
    row = shell.kubectl("get", "tasks", "--no-headers").split()
    assert row[:3] == ["hello", "Active", "Idle"]
    assert "shell" in row
    wide = shell.kubectl("get", "tasks", "-o", "wide", "--no-headers")
    assert "hello-1" in wide and "Say hello" in wide
    described = shell.kubectl("describe", "task", "hello")
    assert re.search(r"Phase:\s+Active", described)
    assert "The agent is there and answers." in described
    assert "jsonpath" not in shell.kubectl("wait", "--for=jsonpath={.status.state.state}=Idle", "task/hello")
    logs = shell.kubectl("logs", "hello-1", "-c", "taskyard-sidecar")
    assert '"role": "user"' in logs or '"role":"user"' in logs
