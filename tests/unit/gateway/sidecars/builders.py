"""A Task whose first build has created its Pod, as the gateway reads it."""

from taskyard.api.vocabulary import BuildPhase, Transition
from taskyard.core.ownership import TaskOwner
from taskyard.core.security.keys import prompt_sha256
from taskyard.gateway.sidecars.objects import Build, Task
from taskyard.gateway.sidecars.pod_binding import Evidence

UID = "pod-uid-1"
BUILD = Build(
    namespace="demo",
    name="hello-1",
    number=1,
    transition=Transition.START,
    phase=BuildPhase.SUCCEEDED,
    prompt_sha256=prompt_sha256("say hello"),
    pod_uid=UID,
    owner=TaskOwner(name="hello", uid="task-uid"),
)
TASK = Task(
    namespace="demo",
    name="hello",
    uid="task-uid",
    resource_version="7",
    deleting=False,
    prompt="say hello",
    template_version="shell-1",
    newest_number=1,
    newest_transition=Transition.START,
    status={"template": "shell"},
)
EVIDENCE = Evidence(pod_uid=UID, build=BUILD, task=TASK, newest_start=1)
