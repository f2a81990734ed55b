"""An agent that speaks ACP, as small as one can be: it asks for each prompt whether it may, and tells what it heard."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from localcluster import locations

Object = dict[str, Any]
EXAMPLE = locations.REPOSITORY / "deploy" / "examples" / "01-shell" / "templateversion.yaml"
# Every line that it was sent.
HEARD = "/home/agent/heard.jsonl"

AGENT = r"""
exec < <(tee -a "$HOME/heard.jsonl")
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


def version(name: str) -> Object:
    """The example's template version with this agent in it."""
    version: Object = yaml.safe_load(EXAMPLE.read_text())
    version["metadata"] = {"name": name}
    version["spec"]["agent"] = {"protocol": "ACP", "permissions": "ask"}
    version["spec"]["pod"]["spec"]["containers"][0]["command"] = ["bash", "-c", AGENT]
    return version


def condition(status: Object) -> Object | None:
    """InputRequired, if the Task has it."""
    return next((found for found in status.get("conditions", ()) if found["type"] == "InputRequired"), None)


def question(status: Object) -> str | None:
    """Id of what the agent asks, if it asks."""
    found = condition(status)
    if found is None or found["status"] != "True":
        return None
    [identity] = re.findall(r"q-[0-9a-f]{12}", found["message"])
    return str(identity)


def prompts(heard: str) -> list[str]:
    """The prompts among the lines that the agent was sent."""
    sent = [json.loads(line) for line in heard.splitlines()]
    prompts = [message["params"]["prompt"] for message in sent if message.get("method") == "session/prompt"]
    return ["".join(part["text"] for part in prompt) for prompt in prompts]
