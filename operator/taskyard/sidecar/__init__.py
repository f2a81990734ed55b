"""The sidecar: the endpoint beside the agent, one in every Task's Pod.

It drives the agent through taskyard-init's socket, keeps the conversation, serves the AgentAPI contract over TLS
and reports the agent's state to the gateway. Its packages and modules, none of which imports one listed above it:

- `http`: the routes for the operator and the gateway, for the agent, and for the kubelet.
- `session` is what the routes and the driver see; `prompt_delivery` and `message_delivery` send each message exactly
  once, `publication` tells what happens, `reported_state` decides what is reported to the gateway.
- `drivers` hide how an agent is driven: whatever the protocol, the routes are the same.
- `gateway` alone talks to the gateway.
- `screen` reads a terminal, `conversation` keeps the messages, `init` talks to taskyard-init.

Rules of this folder:

- The sidecar is small, since it runs in every Pod: no pydantic, no Kubernetes client, no cryptography library.
- Only `conversation.records` writes files, and only `init.client` uses the agent's socket.
- `screen` is pure, and so is most of `conversation`: bytes or values in, values out.
- The agent's own reports arrive through `http.agent_reports`; they change the reported state and the outputs, and
  nothing else.
- The intent of a message is written before the message is typed, and is on the disk before it is sent off. Nothing is
  typed twice.
"""
