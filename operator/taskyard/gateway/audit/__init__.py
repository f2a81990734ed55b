"""The audit log: one JSON line on standard output for each act of a person on a Task, and for each refusal of one.

- `line`: the fields of a line, as a model, and its text. Pure.
- `schema_file`: docs/audit.schema.json, which is made from that model.
- `act`: what a request in progress tells about itself.
- `request_id`: the identifier of a request.
- `middleware`: writes the line of each request whose route is audited.
- `writer`: the thread that writes the lines.

No token and no text of a prompt or a message is in any line: of a text it has the length and the SHA-256.
"""
