"""The words of the API: what a field may say, and texts that more than one place says.

They are apart from the models, so that the processes that only read objects do without pydantic.
"""

from __future__ import annotations

from enum import StrEnum

OUTPUT_NAME = "^[A-Za-z_][A-Za-z0-9_.-]*$"

PROMPT_LOCKED = "Unable to update task input, task must be paused."


class Phase(StrEnum):
    """Status of a Task; the REST API shows it in lower case (`Pausing` as `unknown`)."""

    PENDING = "Pending"
    INITIALIZING = "Initializing"
    ACTIVE = "Active"
    PAUSING = "Pausing"
    PAUSED = "Paused"
    UNKNOWN = "Unknown"
    ERROR = "Error"


class State(StrEnum):
    """What the agent is doing, as the sidecar reports it."""

    WORKING = "Working"
    IDLE = "Idle"
    COMPLETE = "Complete"
    FAILED = "Failed"


class PausedReason(StrEnum):
    """Why a Task is paused."""

    MANUAL = "Manual"
    IDLE_TIMEOUT = "IdleTimeout"
    MAX_RUNTIME = "MaxRuntime"
    FINISHED = "Finished"


class InputType(StrEnum):
    """User is said to the agent; Control is a command of the agent's program; Raw is keystrokes."""

    USER = "User"
    CONTROL = "Control"
    RAW = "Raw"


class InputPhase(StrEnum):
    """How far an input has come."""

    QUEUED = "Queued"
    DELIVERED = "Delivered"
    REJECTED = "Rejected"


class InputReason(StrEnum):
    """Why there was no room for an input: too many wait for its Task, or in its namespace."""

    QUEUE_FULL = "QueueFull"
    NAMESPACE_QUEUE_FULL = "NamespaceQueueFull"


class Transition(StrEnum):
    """What a build does to the workspace."""

    START = "Start"
    STOP = "Stop"


class BuildReason(StrEnum):
    """Why a build was created."""

    INITIAL = "Initial"
    MANUAL_PAUSE = "ManualPause"
    AUTO_PAUSE = "AutoPause"
    MAX_RUNTIME = "MaxRuntime"
    FINISHED = "Finished"
    RESUME = "Resume"
    RECOVER = "Recover"


class BuildPhase(StrEnum):
    """How far a build has come."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELED = "Canceled"


class AgentProtocol(StrEnum):
    """How the sidecar drives the agent."""

    TERMINAL = "Terminal"
    ACP = "ACP"
    COMMAND = "Command"
    AGENT_API = "AgentAPI"


class AgentType(StrEnum):
    """Which program the agent is; the names are those of the AgentAPI contract."""

    CLAUDE = "claude"
    CODEX = "codex"
    GEMINI = "gemini"
    OPENCODE = "opencode"
    AIDER = "aider"
    GOOSE = "goose"
    COPILOT = "copilot"
    AMP = "amp"
    AUGGIE = "auggie"
    CURSOR = "cursor"
    AMAZONQ = "amazonq"
    CUSTOM = "custom"


class PermissionPolicy(StrEnum):
    """How an agent's request for permission is answered."""

    ALLOW = "allow"
    DENY = "deny"
    ASK = "ask"


class ParameterType(StrEnum):
    """What a parameter accepts: text, or a key of a Secret."""

    STRING = "string"
    SECRET = "secret"


class SinkType(StrEnum):
    """How notifications are sent: to an address as signed CloudEvents, or to a service of Apprise's."""

    WEBHOOK = "Webhook"
    APPRISE = "Apprise"


class NotificationEvent(StrEnum):
    """What is told of a Task. The first four are the agent's states."""

    WORKING = "Working"
    IDLE = "Idle"
    COMPLETE = "Complete"
    FAILED = "Failed"
    PAUSED = "Paused"
    RESUMED = "Resumed"
    INPUT_REQUIRED = "InputRequired"
    ERROR = "Error"
    TEST = "Test"
