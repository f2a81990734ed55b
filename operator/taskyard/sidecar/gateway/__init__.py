"""The gateway's client: enrolment, and delivery of the newest state, outputs and snapshot."""
