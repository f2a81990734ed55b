"""Reads the objects that show which Task a Pod belongs to."""

from taskyard.gateway.context import Context
from taskyard.gateway.sidecars.objects import Build, Task, build_from, task_from
from taskyard.gateway.sidecars.pod_binding import Evidence, needs_builds, newest_start


async def gather(context: Context, *, namespace: str, build: str, pod_uid: str) -> Evidence:
    """Read the objects that relate the Pod to its Task. Raises ApiError when they cannot be read."""
    found_build = await read_build(context, namespace, build)
    if found_build is None or found_build.owner is None:
        return Evidence(pod_uid=pod_uid, build=found_build)
    found_task = await read_task(context, namespace, found_build.owner.name)
    if found_task is None:
        return Evidence(pod_uid=pod_uid, build=found_build)
    builds = []
    if needs_builds(found_task):
        builds = [build_from(item) for item in await context.cluster.builds(namespace, found_task.name)]
    return Evidence(pod_uid=pod_uid, build=found_build, task=found_task, newest_start=newest_start(found_task, builds))


async def read_build(context: Context, namespace: str, name: str) -> Build | None:
    """A WorkspaceBuild; None when it does not exist."""
    item = await context.cluster.build(namespace, name)
    return None if item is None else build_from(item)


async def read_task(context: Context, namespace: str, name: str) -> Task | None:
    """A Task; None when it does not exist."""
    item = await context.cluster.task(namespace, name)
    return None if item is None else task_from(item)
