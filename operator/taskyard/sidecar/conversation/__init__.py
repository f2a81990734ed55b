"""The conversation with the agent, how it is published, and how it is kept on the disk.

`journal` and `intents` guarantee that a message is typed at most once; `archive` stores the messages; `broadcast` and
`events` publish them to clients. `records` is the only module that writes files.
"""
