"""An agent that uses ACP and asks before it acts: the question is a condition, a TaskInput answers it."""

from __future__ import annotations

import re
from typing import Any

import yaml

from e2e.kubectl_namespace import KubectlNamespace
from kube import phase_is
from localcluster import locations

EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell" / "templateversion.yaml"

# A minimal agent of this kind: it asks for permission at each prompt and reports the answer.
AGENT = r"""
update() {
  printf '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":%s}}\n' "$1"
}
while read -r line; do
  id=$(sed -n 's/.*"id":\([0-9]*\).*/\1/p' <<< "$line")
  reply=
  case $line in
    *'"method":"initialize"'*) reply='{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}' ;;
    *'"method":"session/load"'*) reply='null' ;;
    *'"method":"session/new"'*) reply='{"sessionId":"s"}' ;;
    *'"method":"session/prompt"'*)
      prompt=$id
      call='"toolCall":{"toolCallId":"t","title":"write a file"}'
      allow='{"optionId":"o","name":"Allow","kind":"allow_once"}'
      reject='{"optionId":"r","name":"Reject","kind":"reject_once"}'
      ask='"method":"session/request_permission"'
      printf '{"jsonrpc":"2.0","id":"p%s",%s,"params":{"sessionId":"s",%s,"options":[%s,%s]}}\n' \
        "$prompt" "$ask" "$call" "$allow" "$reject" ;;
    *'"outcome":"selected"'*)
      heard=$(sed -n 's/.*"optionId":"\([a-z]\)".*/\1/p' <<< "$line")
      update '{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"you chose '"$heard"'"}}'
      id=$prompt reply='{"stopReason":"end_turn"}' ;;
  esac
  [ -z "$reply" ] || printf '{"jsonrpc":"2.0","id":%s,"result":%s}\n' "$id" "$reply"
done
"""


def condition(status: dict[str, Any]) -> dict[str, Any] | None:
    return next((found for found in status.get("conditions", ()) if found["type"] == "InputRequired"), None)


def is_asking(status: dict[str, Any]) -> bool:
    found = condition(status)
    return found is not None and found["status"] == "True"


def test_a_question_is_answered_by_an_input_that_names_it(ns: KubectlNamespace) -> None:
    version = yaml.safe_load(EXAMPLE.read_text())
    del version["metadata"]["namespace"]
    version["spec"]["agent"] = {"protocol": "ACP", "permissions": "ask"}
    version["spec"]["pod"]["spec"]["containers"][0]["command"] = ["bash", "-c", AGENT]
    task = {
        "apiVersion": "taskyard.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": "asks"},
        "spec": {"templateVersion": version["metadata"]["name"], "prompt": "write it"},
    }
    ns.apply(version, task)
    asking = ns.wait("it asks", is_asking, task="asks")
    found = condition(asking["status"])
    assert found is not None
    assert found["reason"] == "PermissionRequested"
    assert 'The agent asks: write a file? Possible answers: "Allow", "Reject", yes or no.' in found["message"]
    [question] = re.findall(r"q-[0-9a-f]{12}", found["message"])

    ns.say("waits", "and now again", task="asks")
    ns.say("wrong", "yes", task="asks", answers="q-000000000000")
    ns.kube.wait("it is rejected", "taskinputs", ns.name, "wrong", phase_is("Rejected"))
    ns.say("right", "yes", task="asks", answers=question)
    ns.kube.wait("it is delivered", "taskinputs", ns.name, "right", phase_is("Delivered"))
    ns.wait_answer("you chose o", task="asks")

    ns.kube.wait("the next message is delivered", "taskinputs", ns.name, "waits", phase_is("Delivered"))
    ns.wait("it asks again", lambda status: is_asking(status) and question not in str(condition(status)), task="asks")
    ns.pause(True, task="asks")
    paused = ns.wait("it is paused", lambda status: status["phase"] == "Paused", task="asks")
    assert condition(paused["status"]) is None
