"""The API server's objects that responses are built from, watched and kept in memory."""
