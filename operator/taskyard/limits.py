"""Limits that more than one of the API models, the gateway and the sidecar enforce, each named for what it counts.

A limit that only one module uses is defined there.
"""

# A Task, and the messages to its agent; a command for the agent's program is one line.
MAX_TASK_NAME_CHARACTERS = 52
MAX_DISPLAY_NAME_CHARACTERS = 64
MAX_PROMPT_CHARACTERS = 65_536
MAX_CONTENT_CHARACTERS = 65_536
MAX_CONTROL_CHARACTERS = 4_096

# The state that the agent reports. A message of that many bytes has at most that many characters.
MAX_STATE_MESSAGE_BYTES = 160
MAX_LINK_CHARACTERS = 2_048

# The questions that the agent asks people.
MAX_QUESTION_ID_CHARACTERS = 63
MAX_QUESTION_CHARACTERS = 300
MAX_QUESTION_OPTIONS = 8
MAX_OPTION_CHARACTERS = 100

# What holds up the agent's start, as the sidecar reports it; the pattern that the screen must show.
MAX_STARTING_CHARACTERS = 300
MAX_READY_CHARACTERS = 256

# What ended a Pod, as its build keeps it.
MAX_END_REASON_CHARACTERS = 63
MAX_END_MESSAGE_CHARACTERS = 512

# The outputs of the agent. A value of that many bytes has at most that many characters.
MAX_OUTPUTS = 16
MAX_OUTPUT_NAME_CHARACTERS = 63
MAX_OUTPUT_VALUE_BYTES = 1_024

# The conversation as it is kept while there is no Pod.
MAX_SNAPSHOT_BYTES = 65_536
# Stands before a message of which the beginning is missing.
CUT_NOTE = "[… the beginning of this message was cut off …]\n"

# The notification sinks of a namespace that work, and so those of which a Task's status tells.
MAX_SINKS = 8
# The selections of a sink whose times its status keeps: the present one, and those before.
MAX_SELECTIONS = 4
MAX_NOTIFICATION_ID_CHARACTERS = 128
