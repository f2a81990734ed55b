"""The routes of the listener for sidecars, one module for each subject."""
