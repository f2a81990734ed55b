"""The routes of the REST API, one module for each subject, and the code that several of them share."""
