"""Server-sent events: what is told of one Task, of all Tasks, and of a conversation."""
