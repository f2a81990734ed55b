"""The rows: what a client of the Tasks REST API may rely on. Ids are `<section>-<word>`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One row. With `better` the answer is another one than upstream's on purpose, and the text says which; with
    `absent` there is nothing of the kind here, for the reason that it gives."""

    id: str
    text: str
    better: bool = False
    absent: str = ""


@dataclass(frozen=True)
class Section:
    """Rows of one route, or of one subject."""

    title: str
    rows: tuple[Row, ...]


_NO_STORE = "there is no database between a request and its answer"
_ONE_WRITE = "a Task is one object, written once: the API server takes it or says why not"
_ALWAYS = "a Task is never without its workspace: both are one object"

SECTIONS = (
    Section(
        "1. Model",
        (
            Row("1-object", "A Task has every field of the response object; what is not known yet is null."),
            Row("1-agent", "An active Task tells of its agent and app by the ids under which its workspace has them."),
            Row("1-status", "Statuses are pending, initializing, active, paused, unknown and error."),
            Row("1-state", "States are working, idle, complete and failed; an agent's `failure` is shown as failed."),
            Row("1-log", "Entries of a log are of type input or output."),
            Row("1-reasons", "Builds tell why: `task_manual_pause`, `task_auto_pause`, `task_resume`."),
            Row("1-delete", "What was stored for a Task (the snapshot) goes with the Task."),
        ),
    ),
    Section(
        "2. All routes",
        (
            Row("2-error", "Errors are `{message, detail?, validations?: [{field, detail}]}`, on unknown routes too."),
            Row("2-nf", "What the caller may not see answers as what does not exist: 404, byte for byte the same."),
            Row("2-user", "`{user}` is `me`, a name in any case, or an id."),
            Row("2-empty", "An empty `{task}` is 400."),
            Row("2-uuid", "A UUID as `{task}` finds the Task whatever `{user}` is."),
            Row("2-name", "Any other `{task}` is a name of the user's, in any case."),
            Row("2-token", "Without a valid token 401; the token may be in either of the two headers."),
        ),
    ),
    Section(
        "2.1 Create: `POST /tasks/{user}`",
        (
            Row("2.1-1", "A body that is no JSON, or not of the form: 400."),
            Row("2.1-2", "A template version that is missing or unreadable: 400, not 404."),
            Row("2.1-3", "A fault while the version is looked up: 500.", absent=_NO_STORE),
            Row("2.1-4", "A version without an agent: 400, before the name is looked at."),
            Row("2.1-5", "A name that is not valid: 400 with the reason."),
            Row("2.1-6", "A display name of more than 64: 400. Characters count, not bytes.", better=True),
            Row("2.1-7", "Names that are missing are made."),
            Row("2.1-8", "Who may not create there: 404."),
            Row("2.1-9", "A name that is taken, in any case: 409 with a validation of `name`."),
            Row("2.1-10", "A fault half-way through the transaction: 500.", absent=_ONE_WRITE),
            Row("2.1-11", "A fault while the new Task is read again: 500.", absent=_ONE_WRITE),
            Row("2.1-input", "An empty `input` is taken."),
            Row("2.1-preset", "A preset by its id."),
            Row("2.1-refused", "What the API server refuses by its rules: 400 with its word.", better=True),
        ),
    ),
    Section(
        "2.2 List: `GET /tasks?q=`",
        (
            Row("2.2-list", "`{tasks, count}`, newest first, of what the caller may see."),
            Row("2.2-whole", "One Task whose template is gone does not fail the list.", better=True),
            Row("2.2-nothing", "No query, no filter."),
            Row("2.2-owner", "`owner:` with `me`, a name or an id; unknown or hidden: 400 with a validation."),
            Row("2.2-organization", "`organization:` with a name or an id; unknown: 400 with a validation."),
            Row("2.2-status", "`status:` filters; one that there is not: 400 that lists those there are.", better=True),
            Row("2.2-case", "Keys and values in any case; several keys in one query."),
            Row("2.2-bare", "A bare word, quoted or not, is an owner."),
            Row("2.2-colon", "A word that begins or ends with a colon: 400."),
            Row("2.2-colons", "A word with two colons: 400."),
            Row("2.2-key", "A key that there is not: 400 with a validation."),
        ),
    ),
    Section(
        "2.3 Get, 2.4 delete, 2.5 edit: `GET`, `DELETE /tasks/{user}/{task}`, `PATCH …/input`",
        (
            Row("2.3-get", "200 with the response object; 404 as above."),
            Row("2.3-workspace", "A Task without its workspace: 500.", absent=_ALWAYS),
            Row("2.4-delete", "202 with an empty body; 403 for who may read and not delete; 404 as above."),
            Row("2.5-empty", "An input of nothing, or of blanks: 400."),
            Row("2.5-paused", "A Task that is not paused: 409 with the way out."),
            Row("2.5-edit", "204; the prompt is stored as it was sent, and is the next start's."),
        ),
    ),
    Section(
        "2.6 Send: `POST …/send`",
        (
            Row("2.6-empty", "No input: 400; blanks alone too, rather than 502.", better=True),
            Row("2.6-pending", "Pending or initializing: 409, wait."),
            Row("2.6-paused", "Paused: 409, resume."),
            Row("2.6-pausing", "Pausing: 409, resume later, rather than 400 as unknown.", better=True),
            Row("2.6-error", "Error or unknown: 400 with the status."),
            Row("2.6-right", "Who may read the Task and not speak with its agent: 404."),
            Row("2.6-app", "No workspace, no app, an app id that leads nowhere: 400.", absent=_ALWAYS),
            Row("2.6-url", "An app whose URL cannot be used: 500 or 400.", absent="where an agent is, its Pod says"),
            Row("2.6-dial", "An agent that cannot be reached within the time: 502."),
            Row("2.6-gone", "A Pod that is another one by now is not spoken to: 502."),
            Row("2.6-statusfails", "A status that cannot be had: 502."),
            Row(
                "2.6-busy",
                "An agent at work: 409, also when it begins between the question and the message.",
                better=True,
            ),
            Row("2.6-message", "A message that is not taken: 502."),
            Row("2.6-sent", "204 once the agent has it."),
        ),
    ),
    Section(
        "2.7 Logs: `GET …/logs`",
        (
            Row("2.7-live", "Active: what the agent says now, without `snapshot`."),
            Row("2.7-livefails", "Messages that cannot be had, or that are none: 502."),
            Row("2.7-stored", "Paused, pending, initializing: the snapshot, with `snapshot` and `snapshot_at`."),
            Row("2.7-none", "Without a snapshot: no entries, `snapshot`, and no `snapshot_at`."),
            Row("2.7-state", "Error or unknown: 409 with the status."),
            Row("2.7-right", "Who may see the Task and not read its log: 404."),
            Row("2.7-broken", "A snapshot that is none, or of another format: 500 that says which."),
        ),
    ),
    Section(
        "2.8 Pause and resume: `POST …/pause`, `POST …/resume`",
        (
            Row("2.8-workspace", "A Task without its workspace: 500.", absent=_ALWAYS),
            Row("2.8-running", "Resuming what runs: 409 with the status."),
            Row("2.8-other", "Whatever else its workspace is in, it may be resumed."),
            Row("2.8-twice", "Pausing what is paused makes no second build.", better=True),
            Row("2.8-build", "202 with the build that was asked for: stop or start, its number and reason."),
            Row("2.8-active", "While a build is on its way: 409."),
            Row("2.8-right", "Who may read and not write: 403."),
            Row(
                "2.8-told", "Pauses and resumes are told to people.", absent="by Events of the Task, see operations.md"
            ),
        ),
    ),
    Section(
        "2.9 Snapshots of sidecars: `POST /workspaceagents/me/tasks/{task}/log-snapshot`",
        (
            Row("2.9-1", "An id that is none: 400, before the query is looked at."),
            Row("2.9-2", "A format that is missing, empty or twice, and any other parameter: 400."),
            Row("2.9-3", "Another format: 400 that names it."),
            Row("2.9-4", "Another's Task: 404, before the body is read."),
            Row("2.9-5", "A body of more than 65,536 bytes, or that is no JSON: 400."),
            Row("2.9-6", "No messages: 400; an empty list is fine."),
            Row("2.9-7", "A snapshot that cannot be stored: 500."),
            Row("2.9-stored", "204; stored with its format and time, in place of the one before."),
            Row("2.9-token", "401 without a token, and once the Task is deleted."),
        ),
    ),
    Section(
        "2.10 Reports of sidecars: `PATCH /workspaceagents/me/app-status`",
        (
            Row("2.10-long", "A message of more than 160 bytes: 400."),
            Row("2.10-state", "Another state than working, idle, complete, failure: 400."),
            Row("2.10-slug", "Another app: 400 that names it."),
            Row("2.10-clean", "Messages lose markup, escape sequences and superfluous blanks."),
            Row("2.10-taken", "200, and it is the Task's state."),
        ),
    ),
    Section(
        "3. What the status and the state are made of",
        (
            Row("3-overall", "Build, then agent, then app: the first that is not active is the status."),
            Row("3-build", "A build that waits, failed or was canceled: pending or error."),
            Row("3-agent", "What the agent's lifecycle makes of a running build."),
            Row("3-app", "What the app's health makes of a running agent."),
            Row("3-last", "The last report is the state; a paused Task keeps it."),
            Row("3-stale", "A report of a former start is not shown after the next one."),
            Row("3-starting", "While it starts the state is working, with a word on what is waited for."),
            Row("3-null", "Else there is none: null."),
        ),
    ),
    Section(
        "4. Names",
        (
            Row("4-valid", "What a name may be, and the reason why another is not."),
            Row("4-model", "A language model names the Task; what is no use of its answer is not taken."),
            Row("4-timely", "A model that is slow or away is not waited for."),
            Row("4-prompt", "Else the prompt's first words do."),
            Row("4-random", "Else chance does."),
            Row("4-title", "A title keeps its first letter, and that of a prompt in any script.", better=True),
        ),
    ),
    Section(
        "5. Pauses by themselves",
        (
            Row("5-idle", "An idle Task is paused after its time."),
            Row("5-reason", "The build of such a pause tells that nobody asked for it."),
            Row("5-events", "Working, idle, completed, failed, paused, resumed are told to people."),
            Row("5-usage", "Starts are counted for a licence.", absent="there is none"),
        ),
    ),
)
