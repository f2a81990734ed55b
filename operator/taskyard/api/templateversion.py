"""TemplateVersion: the Pod, the agent and the home that Tasks run in; immutable."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from taskyard.api.parameter import (
    MAP_BY_NAME,
    MAX_PARAMETERS,
    MAX_PRESETS,
    SPEC_RULES,
    TemplateParameter,
    TemplatePreset,
)
from taskyard.api.podtemplate import PodTemplate
from taskyard.api.schema import DNS_LABEL, Conditions, Duration, Model, rules
from taskyard.api.vocabulary import AgentProtocol, AgentType, PermissionPolicy
from taskyard.limits import MAX_DISPLAY_NAME_CHARACTERS, MAX_READY_CHARACTERS

IMMUTABLE = "A TemplateVersion cannot be changed; create another one and name it in the Tasks."


class TemplateAgent(Model):
    """The container that is the agent."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            ("!has(self.type) || self.protocol == 'Terminal'", "type is for protocol Terminal"),
            ("!has(self.ready) || self.protocol == 'Terminal'", "ready is for protocol Terminal"),
            # An expression that does not compile makes the rule itself fail, and the API server quotes the error.
            (
                "!has(self.ready) || ''.matches(self.ready) in [true, false]",
                "ready must be a regular expression (RE2)",
            ),
            ("!has(self.port) || self.protocol == 'AgentAPI'", "port is for protocol AgentAPI"),
            ("!has(self.permissions) || self.protocol == 'ACP'", "permissions is for protocol ACP"),
            ("!has(self.retries) || self.protocol == 'Command'", "retries is for protocol Command"),
        )
    )

    container: Annotated[
        str, Field(max_length=63, pattern=DNS_LABEL, description="Name of the agent's container in the Pod.")
    ] = "agent"
    protocol: Annotated[
        AgentProtocol,
        Field(
            description="How the agent is driven. Terminal: an interactive program in a terminal. ACP: a program that "
            "speaks the Agent Client Protocol on its standard input and output. Command: a program that runs once to "
            "its end with the prompt in TASKYARD_TASK_PROMPT; exit status 0 is Complete, any other Failed, and the "
            "workspace then stops by itself. A prompt of more than 120,000 bytes fits no variable: the command then "
            "does not start, and the Task is Failed, unless its command line names TASKYARD_TASK_PROMPT_FILE, which "
            "holds the path of a file with the prompt. AgentAPI: the image brings its own AgentAPI server, which "
            "listens on port."
        ),
    ] = AgentProtocol.TERMINAL
    type: Annotated[
        AgentType | None,
        Field(
            description="Which program the agent is (Terminal). The screens of claude, codex, gemini, opencode and "
            "aider are read and typed into as these programs need it; the other names are treated like custom, which "
            "is any other program. By default it is guessed from the program that the command starts, else from the "
            "banner on the screen. Needed where the command hides the program (a wrapper script, an alias, a program "
            "of another name), and as custom where command or screen name one of these programs that the agent is not."
        ),
    ] = None
    ready: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=MAX_READY_CHARACTERS,
            description="A regular expression (RE2) that the screen must show before the first prompt is typed "
            "(Terminal); ^ and $ are the beginning and the end of a row. By default the prompt is typed when the "
            "agent's program reads its terminal. Needed where something else reads the terminal first or nothing tells "
            "who reads: a start script that asks or shows something before it runs the agent, a multiplexer, a "
            "sandboxed kernel. It is waited for at each start, also after a pause. When the screen does not show it "
            "within startTimeoutSeconds, the Task's condition Ready is False with the reason NotReading. "
            "Example: '^> $'.",
        ),
    ] = None
    port: Annotated[
        int | None,
        Field(
            ge=1,
            le=65_535,
            description="Port of the agent's server, which may listen on loopback only (AgentAPI; by default 3284).",
            json_schema_extra=rules(("self < 8484 || self > 8486", "must not be 8484 to 8486, which Taskyard uses")),
        ),
    ] = None
    permissions: Annotated[
        PermissionPolicy | None,
        Field(
            description="How an agent's requests for permission are answered (ACP). allow, the default, since nobody "
            "watches and the container is the limit; deny; ask: the condition InputRequired holds the question until a "
            "TaskInput answers it."
        ),
    ] = None
    retries: Annotated[
        int | None,
        Field(
            ge=0,
            le=100,
            description="How often a command that fails is run again before it counts as failed: after 10 s, then "
            "after twice as long each time, at most 300 s (Command; by default 0).",
        ),
    ] = None


class TemplateHome(Model):
    """A PersistentVolumeClaim for each Task, which survives pauses."""

    size: Annotated[
        str,
        Field(
            max_length=32,
            pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$",
            description="Size of the claim, such as 10Gi.",
        ),
    ]
    storage_class_name: Annotated[
        str | None, Field(max_length=253, description="Storage class; without it the cluster's default.")
    ] = None
    mount_path: Annotated[
        str,
        Field(
            max_length=1024,
            pattern="^/[^:]*$",
            description="Where it is mounted in the agent's container.",
            json_schema_extra=rules(
                (
                    "!self.startsWith('/taskyard') && !self.startsWith('/var/lib/taskyard') && self != '/'",
                    "must not be the root or lie in /taskyard or /var/lib/taskyard, which Taskyard uses",
                )
            ),
        ),
    ] = "/home/agent"


class TemplateVersionSpec(Model):
    """What a template version is made of. Immutable."""

    model_config = ConfigDict(json_schema_extra=rules(("self == oldSelf", IMMUTABLE), *SPEC_RULES))

    template: Annotated[
        str,
        Field(min_length=1, max_length=63, pattern=DNS_LABEL, description="Template that this is a version of."),
    ]
    display_name: Annotated[
        str | None, Field(max_length=MAX_DISPLAY_NAME_CHARACTERS, description="Title for people.")
    ] = None
    icon: Annotated[str | None, Field(max_length=2048, description="URL of a picture.")] = None
    description: Annotated[str | None, Field(max_length=4096, description="What it is for.")] = None
    agent: Annotated[TemplateAgent | None, Field(description="The agent; a version without it cannot run Tasks.")] = (
        None
    )
    pod: Annotated[
        PodTemplate,
        Field(
            description="A PodTemplateSpec (metadata.labels, metadata.annotations, spec). Its agent container needs a "
            "command. The condition Valid says whether the API server would accept the Pod."
        ),
    ]
    home: Annotated[
        TemplateHome | None,
        Field(description="Home volume of each Task; without it, the files are lost when a Task is paused."),
    ] = None
    parameters: Annotated[
        list[TemplateParameter] | None,
        Field(
            max_length=MAX_PARAMETERS,
            description="What a Task may choose; nothing else of the Pod can be set from a Task.",
            json_schema_extra=MAP_BY_NAME,
        ),
    ] = None
    presets: Annotated[
        list[TemplatePreset] | None,
        Field(
            max_length=MAX_PRESETS,
            description="Named sets of values and resources, of which a Task may choose one.",
            json_schema_extra=MAP_BY_NAME,
        ),
    ] = None
    grace_period_seconds: Annotated[
        int, Field(ge=10, le=86_400, description="Time for the agent to end by itself when it is stopped.")
    ] = 300
    start_timeout_seconds: Annotated[
        int,
        Field(
            ge=1,
            le=86_400,
            description="Time from the Pod's creation until it is bound to a node and started, and from the agent's "
            "start until its program reads the first prompt (Terminal).",
        ),
    ] = 600
    idle_timeout: Annotated[
        Duration | None, Field(description="Pauses Tasks after this time without work (0s: never).")
    ] = None
    runtime_class_name: Annotated[
        str | None, Field(max_length=253, description="RuntimeClass of the Pods, such as gvisor.")
    ] = None


class TemplateVersionStatus(Model):
    """Whether the API server would accept the Pod."""

    observed_generation: Annotated[
        int | None, Field(description="Generation of the spec that the status is based on.")
    ] = None
    conditions: Annotated[
        Conditions | None,
        Field(
            description="Valid: the Pod passed a server-side dry run. True with the reason UnknownField or "
            "DryRunWarned: the API server drops fields that it does not know, or warns; the message names them. "
            "Unknown: the dry run waits, for room in a quota for example."
        ),
    ] = None


class TemplateVersion(Model):
    """An immutable description of the workspace that Tasks run in: Pod, agent and home volume."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "self.metadata.name.size() <= 63",
                "metadata.name must have at most 63 characters, since it is a label's value on the Pods",
            )
        )
    )

    spec: Annotated[TemplateVersionSpec, Field(description="What the template version is made of.")]
    status: Annotated[
        TemplateVersionStatus | None, Field(description="Whether the API server would accept the Pod.")
    ] = None
