"""The routes of the REST API, one module a subject, and what several of them share."""
