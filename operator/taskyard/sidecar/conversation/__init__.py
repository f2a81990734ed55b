"""What was said, what was promised, and what of it is on the disk.

`journal` and `intents` hold promises (a message is typed at most once), `archive` holds words; `broadcast` and
`events` tell those who listen. `records` is the one module that writes files.
"""
