"""The protocol of taskyard-init's socket, and its client."""
