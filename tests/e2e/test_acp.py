"""An agent that uses ACP and asks before it acts: the question is a condition, a TaskInput answers it."""

from __future__ import annotations

from e2e import acp_agent
from e2e.kubectl_namespace import KubectlNamespace
from kube import phase_is


def test_a_question_is_answered_by_an_input_that_names_it(ns: KubectlNamespace) -> None:
    version = acp_agent.version("asks-v1")
    task = {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "asks"},
        "spec": {"templateVersion": version["metadata"]["name"], "prompt": "write it"},
    }
    ns.apply(version, task)
    asking = ns.wait("it asks", acp_agent.question, task="asks")
    found = acp_agent.condition(asking["status"])
    assert found is not None
    assert found["reason"] == "PermissionRequested"
    assert 'The agent asks: write a file? Possible answers: "Allow", "Reject", yes or no.' in found["message"]
    question = acp_agent.question(asking["status"])
    assert question

    ns.say("waits", "and now again", task="asks")
    ns.say("wrong", "yes", task="asks", answers="q-000000000000")
    ns.kube.wait("it is rejected", "taskinputs", ns.name, "wrong", phase_is("Rejected"))
    ns.say("right", "yes", task="asks", answers=question)
    ns.kube.wait("it is delivered", "taskinputs", ns.name, "right", phase_is("Delivered"))
    ns.wait_answer("you chose o", task="asks")

    ns.kube.wait("the next message is delivered", "taskinputs", ns.name, "waits", phase_is("Delivered"))
    ns.wait("it asks again", lambda status: acp_agent.question(status) not in (None, question), task="asks")
    ns.pause(True, task="asks")
    paused = ns.wait("it is paused", lambda status: status["phase"] == "Paused", task="asks")
    ended = acp_agent.condition(paused["status"])
    assert ended is not None
    assert (ended["status"], ended["reason"]) == ("False", "NothingAsked")
