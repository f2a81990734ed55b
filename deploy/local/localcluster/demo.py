"""The demo: a cluster with Taskyard, and the life of a Task shown with kubectl, step by step.

Leaves the cluster running. Another run starts from the beginning, even after a run that was killed.
"""

import argparse
import json
import shlex
import time
from pathlib import Path

from localcluster import demo_assertions, demo_output, install, locations, progress, target
from localcluster.demo_output import DemoOutput, Table
from localcluster.target import Target

EXAMPLE = Path("deploy/examples/01-shell")
NAMESPACE, TASK, TEMPLATE_VERSION = "shell-example", "hello", "shell-v1"
AFTER_RESUME = 'cat hello.txt && echo "and this is $(hostname)"'
_SECOND_INPUT = f"""\
apiVersion: taskyard.dev/v1alpha1
kind: TaskInput
metadata:
  name: after-resume
spec:
  task: {TASK}
  content: {AFTER_RESUME}
"""
_IN_NAMESPACE = ("-n", NAMESPACE)


def run(arguments: argparse.Namespace) -> int:
    """The command line's ``demo``."""
    began = time.monotonic()
    place = target.chosen()
    log = locations.LOGS / "demo.log"
    image = target.bring_up(place)
    install.install(place, image)
    demo_output.logs_at(log)
    told = DemoOutput(place.kubectl("demo.log"), NAMESPACE, TASK)
    clear(told)
    tell_story(told)
    demo_output.tell(closing(place, seconds=time.monotonic() - began))
    return 0


def clear(told: DemoOutput) -> None:
    """Removes the Task of an earlier run, with its Pod and its claim; takes no time when there is none."""
    kubectl = told.kubectl
    if kubectl.attempt("get", "namespace", NAMESPACE).status != 0:
        return
    title = "removing the Task of an earlier run"
    names = (f"ait/{TASK}", f"templateversion/{TEMPLATE_VERSION}", "taskinput/hello-again", "taskinput/after-resume")
    with progress.step(title, log=kubectl.log):
        said = kubectl.attempt(*_IN_NAMESPACE, "delete", *names, "--ignore-not-found", "--timeout=30s", seconds=40)
        if said.status != 0:
            raise progress.StepError(title, said.cause, kubectl.log)
        children = ("pods,persistentvolumeclaims", "--selector", f"taskyard.dev/task={TASK}")
        # The shell has been asked to exit, or garbage collection will do so in a moment; nobody is working in it.
        kubectl.attempt(*_IN_NAMESPACE, "delete", *children, "--grace-period=1", "--wait=false")
        said = kubectl.attempt(*_IN_NAMESPACE, "wait", *children, "--for=delete", "--timeout=60s", seconds=70)
        if said.status != 0:
            raise progress.StepError(title, said.cause, kubectl.log)


def tell_story(told: DemoOutput) -> None:
    """Shows the life of a Task. Raises ``StepError`` at the first step that does not finish in time."""
    with Table(told.kubectl, *_IN_NAMESPACE, "get", "ait").shown() as table:
        _start(told, table)
        _speak(told, table)
        _pause(told, table)
        _resume(told, table)
    demo_output.title("Its history as objects: one build for each start and stop.")
    told.run(*_IN_NAMESPACE, "get", "workspacebuilds,taskinputs")


def _start(told: DemoOutput, table: Table) -> None:
    demo_output.title("A Task is applied: a prompt, and the template version that it runs in.")
    told.run("apply", "-k", str(EXAMPLE))
    told.wait(f"ait/{TASK}", "condition=Ready", seconds=90)
    told.wait(f"ait/{TASK}", "jsonpath={.status.state.state}=Idle")
    prompt = told.kubectl.ask(*_IN_NAMESPACE, "get", "tasks.taskyard.dev", TASK) or {}
    _await_answer(told, str(prompt.get("spec", {}).get("prompt", "")))
    table.settle()


def _speak(told: DemoOutput, table: Table) -> None:
    demo_output.title("A message for the agent: it is queued until the agent is ready, and is delivered once.")
    told.run("apply", "-f", str(EXAMPLE / "input.yaml"))
    told.wait("taskinput/hello-again", "jsonpath={.status.phase}=Delivered")
    content = told.kubectl.ask(*_IN_NAMESPACE, "get", "taskinputs.taskyard.dev", "hello-again") or {}
    _await_answer(told, str(content.get("spec", {}).get("content", "")))
    table.settle()
    demo_output.title("The conversation so far, from the sidecar's log.")
    told.show_conversation(told.pod())


def _pause(told: DemoOutput, table: Table) -> None:
    demo_output.title("The Task is paused: its Pod is deleted, its home and its conversation are kept.")
    told.run(*_IN_NAMESPACE, "patch", f"ait/{TASK}", "--type=merge", "-p", json.dumps({"spec": {"paused": True}}))
    told.wait(f"ait/{TASK}", "jsonpath={.status.phase}=Paused")
    table.settle()
    told.run(*_IN_NAMESPACE, "get", "pods")
    demo_output.title("There is no Pod, but the conversation can still be read.")
    told.run(*_IN_NAMESPACE, "get", "configmap", f"{TASK}-snapshot", "-o", "jsonpath={.data.log\\.txt}")


def _resume(told: DemoOutput, table: Table) -> None:
    demo_output.title("The Task is resumed: a new Pod with the same home.")
    told.run(*_IN_NAMESPACE, "patch", f"ait/{TASK}", "--type=merge", "-p", json.dumps({"spec": {"paused": False}}))
    told.wait(f"ait/{TASK}", "jsonpath={.status.phase}=Active", seconds=90)
    table.settle()
    demo_output.title("The agent is asked for the file that it wrote before the pause.")
    told.run(*_IN_NAMESPACE, "apply", "-f", "-", stdin=_SECOND_INPUT)
    told.wait("taskinput/after-resume", "jsonpath={.status.phase}=Delivered")
    _await_answer(told, AFTER_RESUME)
    table.settle()
    told.show_conversation(told.pod())


def _await_answer(told: DemoOutput, asked: str) -> str:
    """The agent's answer in the sidecar's log."""
    return told.until(
        f"waiting for the agent's answer to {asked!r}",
        lambda: demo_assertions.answer_to(asked, demo_assertions.messages(told.log_of_sidecar(told.pod()))),
    )


def closing(place: Target, *, seconds: float) -> str:
    """How to continue, and how to clean up."""
    use = [f"export KUBECONFIG={shlex.quote(str(locations.KUBECONFIG))}"] if place.is_local else []
    use += [
        f"kubectl -n {NAMESPACE} get tasks.taskyard.dev",
        f"kubectl -n {NAMESPACE} describe tasks.taskyard.dev {TASK}",
        "kubectl explain ait.spec",
    ]
    kubectl = locations.REPOSITORY / ".venv" / "bin" / "kubectl"
    if place.is_local:
        hint = f"(no kubectl of your own? it is at {kubectl})"
        end = "make cluster-down      # leaves no process, mount, network interface or iptables rule behind"
    else:
        hint = ""
        end = f"kubectl delete namespace {NAMESPACE}; helm --namespace taskyard uninstall taskyard"
    commands = "\n".join(f"    {line}" for line in use)
    return (
        f"\nThat was the demo, {progress.duration(seconds)} in all. The Task still exists, try it:\n"
        f"{commands}\n{hint}\nTo clean up:\n    {end}".replace("\n\nTo", "\nTo")
    )
