"""A namespace with Tasks, builds and Pods in a real API server, created as the operator would create them."""

from dataclasses import dataclass, field

from integration.gateway.administrator import Administrator
from kube import Object
from taskyard.core import names
from taskyard.core.security.keys import prompt_sha256

TASKYARD = "/apis/taskyard.dev/v1alpha1"


@dataclass
class Workspace:
    """One namespace with Tasks, builds and Pods, created as the operator would create them."""

    admin: Administrator
    namespace: str

    def path(self, plural: str, name: str = "", group: str = TASKYARD) -> str:
        return f"{group}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def task(self, name: str = "hello", prompt: str = "say hello") -> Object:
        return self.admin.create(
            self.path("tasks"),
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "Task",
                "metadata": {"name": name, "namespace": self.namespace},
                "spec": {"prompt": prompt, "templateVersion": "shell-1"},
            },
        )

    def build(self, task: Object, number: int, transition: str = "Start", reason: str = "Initial") -> Object:
        """Reserves the number in the Task's status, then creates the build."""
        name = task["metadata"]["name"]
        self.patch_task(
            name,
            {
                "templateVersion": "shell-1",
                "template": "shell",
                "build": {
                    "name": names.build_name(name, number),
                    "number": number,
                    "transition": transition,
                    "reason": reason,
                    "phase": "Pending",
                    "createdAt": "2026-01-01T00:00:00Z",
                },
            },
        )
        return self.admin.create(
            self.path("workspacebuilds"),
            {
                "apiVersion": "taskyard.dev/v1alpha1",
                "kind": "WorkspaceBuild",
                "metadata": {
                    "name": names.build_name(name, number),
                    "namespace": self.namespace,
                    "labels": {names.TASK_LABEL: name},
                    "ownerReferences": [names.owner_reference(name=name, uid=task["metadata"]["uid"])],
                },
                "spec": {
                    "task": name,
                    "number": number,
                    "transition": transition,
                    "reason": reason,
                    "templateVersion": "shell-1",
                    "promptSHA256": prompt_sha256(task["spec"]["prompt"]),
                },
            },
        )

    def pod(self, name: str, labels: dict[str, str] | None = None) -> Object:
        return self.admin.create(
            self.path("pods", group="/api/v1"),
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": self.namespace, "labels": labels or {}},
                "spec": {
                    "serviceAccountName": "default",
                    "automountServiceAccountToken": False,
                    "containers": [{"name": "agent", "image": "localhost/none"}],
                },
            },
        )

    def record(self, build: Object, pod: Object) -> None:
        """Records the Pod in the build, as the operator does once the Pod is bound to a node."""
        self.admin.patch(
            self.path("workspacebuilds", build["metadata"]["name"]) + "/status",
            {"status": {"phase": "Succeeded", "podUID": pod["metadata"]["uid"]}},
        )

    def patch_task(self, name: str, status: Object) -> None:
        self.admin.patch(self.path("tasks", name) + "/status", {"status": status})

    def task_status(self, name: str = "hello") -> Object:
        status: Object = self.admin.get(self.path("tasks", name))["status"]
        return status

    def token(self, pod: Object, audience: str = "taskyard") -> str:
        return self.admin.token(self.namespace, "default", audience=audience, pod=pod)

    def running_task(self, name: str = "hello", prompt: str = "say hello") -> "RunningTask":
        """A Task with its first build, in which its Pod is recorded."""
        task = self.task(name, prompt)
        build = self.build(task, 1)
        pod = self.pod(build["metadata"]["name"])
        self.record(build, pod)
        return RunningTask(task=task, build=build, pod=pod, token=self.token(pod))


@dataclass(frozen=True)
class RunningTask:
    """`token` is the service-account token of the Pod."""

    task: Object
    build: Object
    pod: Object
    token: str = field(repr=False)
