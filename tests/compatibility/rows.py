"""The rows: what a client of the Tasks REST API can rely on. Ids are `<section>-<word>`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One row. With `better` the answer differs from upstream's on purpose, as the text says; `absent` is the reason
    why there is no counterpart here."""

    id: str
    text: str
    better: bool = False
    absent: str = ""


@dataclass(frozen=True)
class Section:
    """The rows of one route or subject."""

    title: str
    rows: tuple[Row, ...]


_NO_STORE = "there is no database between a request and its answer"
_ONE_WRITE = "a Task is one object, written once: the API server accepts it or says why not"
_ALWAYS = "a Task is never without its workspace: both are one object"

SECTIONS = (
    Section(
        "Model",
        (
            Row("1-object", "A Task has every field of the response object; unknown values are null."),
            Row("1-agent", "An active Task refers to its agent and app by the ids that its workspace lists."),
            Row("1-status", "Statuses are pending, initializing, active, paused, unknown and error."),
            Row("1-state", "States are working, idle, complete and failed; an agent's `failure` is shown as failed."),
            Row("1-log", "Entries of a log are of type input or output."),
            Row("1-reasons", "Builds have a reason: `task_manual_pause`, `task_auto_pause`, `task_resume`."),
            Row("1-delete", "A Task's snapshot is deleted with the Task."),
        ),
    ),
    Section(
        "All routes",
        (
            Row("2-error", "Errors are `{message, detail?, validations?: [{field, detail}]}`, on unknown routes too."),
            Row("2-nf", "What the caller may not see is answered as if it did not exist: 404, byte for byte the same."),
            Row("2-user", "`{user}` is `me`, a name in any case, or an id."),
            Row("2-empty", "An empty `{task}` is 400."),
            Row("2-uuid", "A UUID as `{task}` finds the Task for any `{user}`."),
            Row("2-name", "Any other `{task}` is the name of a Task of that user, in any case."),
            Row("2-token", "401 without a valid token; the token may be in either of the two headers."),
        ),
    ),
    Section(
        "Create: `POST /tasks/{user}`",
        (
            Row("2.1-1", "A body that is not JSON, or does not match the schema: 400."),
            Row("2.1-2", "A template version that is missing or unreadable: 400, not 404."),
            Row("2.1-3", "A failure to look up the version: 500.", absent=_NO_STORE),
            Row("2.1-4", "A version without an agent: 400, before the name is checked."),
            Row("2.1-5", "An invalid name: 400 with the reason."),
            Row("2.1-6", "A display name of more than 64 characters (not bytes): 400.", better=True),
            Row("2.1-7", "Missing names are generated."),
            Row("2.1-8", "No right to create there: 404."),
            Row("2.1-9", "A name that is in use, in any case: 409 with a validation of `name`."),
            Row("2.1-10", "A failure in the middle of the transaction: 500.", absent=_ONE_WRITE),
            Row("2.1-11", "A failure to read the new Task back: 500.", absent=_ONE_WRITE),
            Row("2.1-input", "An empty `input` is accepted."),
            Row("2.1-preset", "A preset is chosen by its id."),
            Row(
                "2.1-text",
                "Text that cannot be stored (NUL, half of a surrogate pair) or is too long: 400, as for a message.",
                better=True,
            ),
            Row("2.1-refused", "A Task that the API server refuses as invalid: 400 with its message.", better=True),
        ),
    ),
    Section(
        "List: `GET /tasks?q=`",
        (
            Row("2.2-list", "`{tasks, count}`, newest first, of what the caller may see."),
            Row("2.2-whole", "One Task whose template is gone does not fail the list.", better=True),
            Row("2.2-nothing", "Without a query, nothing is filtered."),
            Row("2.2-owner", "`owner:` with `me`, a name or an id; unknown or hidden: 400 with a validation."),
            Row("2.2-organization", "`organization:` with a name or an id; unknown: 400 with a validation."),
            Row("2.2-status", "`status:` filters; an unknown status: 400 with the list of valid ones.", better=True),
            Row("2.2-case", "Keys and values in any case; several keys in one query."),
            Row("2.2-bare", "A bare word, quoted or not, is an owner."),
            Row("2.2-colon", "A word that begins or ends with a colon: 400."),
            Row("2.2-colons", "A word with two colons: 400."),
            Row("2.2-key", "An unknown key: 400 with a validation."),
        ),
    ),
    Section(
        "Get, delete, edit: `GET`, `DELETE /tasks/{user}/{task}`, `PATCH …/input`",
        (
            Row("2.3-get", "200 with the response object; 404 as above."),
            Row("2.3-workspace", "A Task without its workspace: 500.", absent=_ALWAYS),
            Row("2.4-delete", "202 with an empty body; 403 with the right to read but not to delete; 404 as above."),
            Row("2.5-empty", "An empty or blank input: 400."),
            Row("2.5-text", "Text that cannot be stored, or is too long: 400, as for a message.", better=True),
            Row("2.5-paused", "A Task that is not paused: 409 with the remedy."),
            Row("2.5-edit", "204; the prompt is stored as sent and used at the next start."),
        ),
    ),
    Section(
        "Send: `POST …/send`",
        (
            Row("2.6-empty", "No input: 400; only blanks too, rather than 502.", better=True),
            Row("2.6-pending", "Pending or initializing: 409, wait."),
            Row("2.6-paused", "Paused: 409, resume."),
            Row("2.6-pausing", "Pausing: 409, resume later, rather than 400 as unknown.", better=True),
            Row("2.6-error", "Error or unknown: 400 with the status."),
            Row("2.6-right", "The right to read the Task but not to message its agent: 404."),
            Row("2.6-app", "No workspace, no app, or an unknown app id: 400.", absent=_ALWAYS),
            Row("2.6-url", "An app with an unusable URL: 500 or 400.", absent="an agent's address is its Pod's"),
            Row("2.6-dial", "An agent that cannot be reached in time: 502."),
            Row("2.6-gone", "A Pod that has been replaced is not contacted: 502."),
            Row("2.6-statusfails", "A failure to get the agent's status: 502."),
            Row(
                "2.6-busy",
                "A working agent: 409, also when it starts to work between the status request and the message.",
                better=True,
            ),
            Row("2.6-message", "A message that the agent does not accept: 502."),
            Row("2.6-sent", "204 once the agent has the message."),
        ),
    ),
    Section(
        "Logs: `GET …/logs`",
        (
            Row("2.7-live", "Active: the agent's current messages, without `snapshot`."),
            Row("2.7-livefails", "Messages that are unavailable or malformed: 502."),
            Row("2.7-stored", "Paused, pending, initializing: the snapshot, with `snapshot` and `snapshot_at`."),
            Row("2.7-none", "Without a snapshot: no entries, `snapshot`, and no `snapshot_at`."),
            Row("2.7-state", "Error or unknown: 409 with the status."),
            Row("2.7-right", "The right to see the Task but not to read its log: 404."),
            Row("2.7-broken", "A malformed snapshot, or one of another format: 500 that says which."),
        ),
    ),
    Section(
        "Pause and resume: `POST …/pause`, `POST …/resume`",
        (
            Row("2.8-workspace", "A Task without its workspace: 500.", absent=_ALWAYS),
            Row("2.8-running", "Resuming a running workspace: 409 with the status."),
            Row("2.8-other", "In every other state the workspace can be resumed."),
            Row("2.8-twice", "Pausing a paused workspace creates no second build.", better=True),
            Row("2.8-build", "202 with the requested build: stop or start, its number and reason."),
            Row("2.8-active", "While a build is in progress: 409."),
            Row("2.8-right", "The right to read but not to write: 403."),
            Row(
                "2.8-told",
                "Users are notified of pauses and resumes.",
                absent="Events do that, see operations.md",
            ),
        ),
    ),
    Section(
        "Snapshots of sidecars: `POST /workspaceagents/me/tasks/{task}/log-snapshot`",
        (
            Row("2.9-1", "A malformed id: 400, before the query is checked."),
            Row("2.9-2", "A missing, empty or repeated format, or any other parameter: 400."),
            Row("2.9-3", "An unknown format: 400 that names it."),
            Row("2.9-4", "A Task of another sidecar: 404, before the body is read."),
            Row("2.9-5", "A body of more than 65,536 bytes, or one that is not JSON: 400."),
            Row("2.9-6", "No messages: 400; an empty list is fine."),
            Row("2.9-7", "A snapshot that cannot be stored: 500."),
            Row("2.9-stored", "204; stored with its format and time, replacing the previous one."),
            Row("2.9-token", "401 without a token, and after the Task's deletion."),
        ),
    ),
    Section(
        "Reports of sidecars: `PATCH /workspaceagents/me/app-status`",
        (
            Row("2.10-long", "A message of more than 160 bytes: 400."),
            Row("2.10-state", "A state other than working, idle, complete, failure: 400."),
            Row("2.10-slug", "An unknown app: 400 that names it."),
            Row("2.10-clean", "Markup, escape sequences and superfluous blanks are removed from messages."),
            Row("2.10-taken", "200, and the report becomes the Task's state."),
        ),
    ),
    Section(
        "How status and state are derived",
        (
            Row("3-overall", "Build, then agent, then app: the first that is not active determines the status."),
            Row("3-build", "A build that is waiting, failed or canceled: pending or error."),
            Row("3-agent", "The status of a running build by the agent's lifecycle."),
            Row("3-app", "The status of a running agent by the app's health."),
            Row("3-last", "The last report is the state; a paused Task keeps it."),
            Row("3-stale", "A report of an earlier start is not shown after the next one."),
            Row("3-starting", "While the Task starts, the state is working; its message says what the Task waits for."),
            Row("3-null", "Otherwise there is no state: null."),
        ),
    ),
    Section(
        "Names",
        (
            Row("4-valid", "Which names are valid, and the reason for refusing others."),
            Row("4-model", "A language model names the Task; unusable parts of its answer are ignored."),
            Row("4-timely", "A slow or unavailable model is not waited for."),
            Row("4-prompt", "Otherwise the prompt's first words name the Task."),
            Row("4-random", "Otherwise the name is random."),
            Row("4-title", "A title keeps its first letter, also that of a prompt in another script.", better=True),
        ),
    ),
    Section(
        "Automatic pauses",
        (
            Row("5-idle", "An idle Task is paused after its time."),
            Row("5-reason", "The reason of such a pause's build says that it was automatic."),
            Row("5-events", "Users are notified of working, idle, completed, failed, paused and resumed."),
            Row("5-usage", "Starts are counted for a licence.", absent="there is none"),
        ),
    ),
    Section(
        "What clients look up",
        (
            Row("6-organizations", "`GET /users/{user}/organizations`: the organizations of a user: one."),
            Row("6-member", "`GET /organizations/{organization}/members/{user}`: the user as a member."),
            Row("6-templates", "`GET /organizations/{organization}/templates`: its templates."),
            Row("6-template", "`GET …/templates/{name}`: one template by its name, in any case."),
            Row(
                "6-ambiguous",
                "Templates of the namespace of `me` come first; a name that only others have, and several of them: 400 "
                "with the candidates, each of which can be asked for as `NAMESPACE/NAME`.",
                better=True,
            ),
            Row("6-version", "`GET …/templates/{name}/versions/{version}`: one version by its name."),
            Row("6-presets", "`GET /templateversions/{version}/presets`: its presets, each with an id."),
            Row(
                "6-search",
                "`GET /templates?q=`: `organization:`, `has-ai-task:`, `exact_name:`, `name:` and others, in quotes or "
                "not; bare words are a part of the title.",
            ),
            Row("6-searchkey", "An unknown key, or a value that is none: 400 with a validation."),
            Row("6-workspace", "`GET /users/{user}/workspace/{name}`: the workspace of a Task."),
            Row("6-workspaces", "`GET /workspaces?q=&limit=&offset=`: `{workspaces, count}`, the count of all."),
            Row("6-buildlog", "`GET /workspacebuilds/{id}/logs`: the log of a build; followed over a websocket."),
            Row("6-hidden", "What is missing, or not to be seen: 404 as everywhere."),
            Row(
                "6-missed",
                "What no route has is answered with 404, and logged at debug level, once a minute for each route.",
                better=True,
            ),
        ),
    ),
    Section(
        "The command line: the requests of `task …`, in its order",
        (
            Row("7-create", "`create PROMPT`: organizations, search for templates, create."),
            Row("7-template", "`create --template NAME`: organizations, template by name, create."),
            Row("7-version", "`create --template-version NAME`: organizations, version by name, create."),
            Row("7-preset", "`create --preset NAME`: the version's presets before the Task is created."),
            Row("7-list", "`list`, with its filters."),
            Row("7-status", "`status`: a Task by name, then by id."),
            Row("7-logs", "`logs`."),
            Row("7-send", "`send`."),
            Row("7-delete", "`delete`."),
            Row(
                "7-pause",
                "`pause`, since 2.31: pause, then the build, and its log over a websocket to its end.",
            ),
            Row("7-resume", "`resume`, since 2.31: the same."),
        ),
    ),
)
