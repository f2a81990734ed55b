"""The sidecar: the endpoint beside the agent, one in every Task's Pod.

It drives the agent through taskyard-init's socket, keeps the conversation, serves the AgentAPI contract over TLS
and tells the gateway what the agent does. Its rooms, each unaware of those above it:

- `http`: the routes for the operator and the gateway, for the agent, and for the kubelet.
- `session` delivers messages exactly once; `reported_state` decides what the gateway is told.
- `drivers` hide how an agent is driven: whatever the protocol, the routes are the same.
- `gateway` talks to the gateway, and nothing else does.
- `screen` reads a terminal, `conversation` holds what was said, `init` talks to taskyard-init.

Rules of this folder:

- It is small, since it is in every Pod: no pydantic, no Kubernetes client, no cryptography library.
- Only `conversation.records` writes files, only `init.client` uses the agent's socket.
- `screen` is pure, and so is most of `conversation`: bytes or values in, values out.
- What the agent says of itself comes in by `http.agent_reports`; it changes the reported state and the outputs, and
  nothing else.
- Nothing is typed before its intent is on the disk, and nothing is typed twice.
"""
