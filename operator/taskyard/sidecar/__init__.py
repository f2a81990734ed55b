"""The sidecar: the endpoint beside the agent, one in every Task's Pod.

It drives the agent through taskyard-init's socket, keeps the conversation, serves the AgentAPI contract over TLS
and tells the gateway what the agent does. Contract of this folder:

- It is small, since it is in every Pod: no pydantic, no Kubernetes client, no cryptography library.
- Only `gateway` talks to the gateway, only `agent` to the agent's socket, only `records` writes files.
- `frames`, `escapes`, `screen`, `terminal`, `answer`, `programs`, `transcript`, `conversation`, `content`, `acp`,
  `acp_questions`, `snapshot`, `reports`, `outputs` and `mcp` are pure: bytes or values in, values out.
- What the agent says of itself comes in by `report_routes`; it changes the state that is shown (`standing`) and the
  outputs, nothing else.
- A driver (`driver.Driver`) hides how an agent is driven; whatever the protocol, the routes are the same.
- Nothing is typed before its intent is on the disk, and nothing is typed twice.
"""
