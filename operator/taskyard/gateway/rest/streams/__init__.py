"""Server-sent events about one Task, about all Tasks, and about a conversation."""
