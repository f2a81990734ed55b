"""What the lists show: their queries, and the objects that a query selects and the caller may see."""
