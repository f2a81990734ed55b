"""The objects of the API server that answers are made of, watched and kept in memory."""
