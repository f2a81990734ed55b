"""Everything that the operator knows about the cluster: one store for each kind, grouped by Task."""

from __future__ import annotations

from collections.abc import Iterator

from taskyard.api.vocabulary import InputPhase
from taskyard.controller.cache import kinds
from taskyard.controller.cache.agent_starts import AgentStarts
from taskyard.controller.cache.held_removals import COUNTED, HeldRemovals
from taskyard.controller.cache.lost_pods import LostPods
from taskyard.controller.cache.own_writes import OwnWrites
from taskyard.controller.cache.pod_templates import PodTemplates
from taskyard.controller.cache.task_choices import TaskChoices
from taskyard.controller.cache.unkept import Unkept
from taskyard.core import input_bounds
from taskyard.core.build_view import BuildView
from taskyard.core.claim_view import ClaimView
from taskyard.core.input_bounds import Lane
from taskyard.core.input_view import InputView
from taskyard.core.parameter_views import SecretKey, TemplateView
from taskyard.core.parameters import Examined
from taskyard.core.pod_view import PodView
from taskyard.core.resources import SECRETS, TEMPLATE_VERSIONS, TEMPLATES, Resource
from taskyard.core.start_cause import Reading
from taskyard.core.task_view import TaskView
from taskyard.watchcache.kind import Key
from taskyard.watchcache.store import Group, Store


def of_task(child: BuildView | InputView | PodView | ClaimView) -> Key:
    """The Task that a child names, or is labelled with."""
    return child.namespace, child.task


def naming(resource: Resource, key: Key) -> Group:
    """The group of the Tasks that name an object: its kind, namespace and name."""
    return resource.plural, *key


def naming_any(resource: Resource, namespace: str) -> Group:
    """The group of the Tasks of which nobody remembers which objects of a kind they name."""
    return resource.plural, namespace, ""


def of_namespace(namespace: str) -> Group:
    """The group of all objects of a namespace."""
    return (namespace,)


def groups_of_task(task: TaskView) -> Iterator[Group]:
    """A Task's namespace, and what it names: its Template or template version, the version that it uses, Secrets. One
    with large parameters may name any Secret of its namespace."""
    yield of_namespace(task.namespace)
    if task.has_large_parameters:
        yield naming_any(SECRETS, task.namespace)
    named = [
        (TEMPLATES, task.template),
        (TEMPLATE_VERSIONS, task.template_version),
        (TEMPLATE_VERSIONS, task.status.get("templateVersion")),
        *((SECRETS, given.chosen.name) for given in task.parameters if isinstance(given.chosen, SecretKey)),
    ]
    for resource, name in named:
        if name:
            yield naming(resource, (task.namespace, name))


def groups_of_template(template: TemplateView) -> Iterator[Group]:
    """The template version that a Template makes active."""
    yield template.namespace, template.active_version


def groups_of_child(child: BuildView | ClaimView) -> Iterator[Group]:
    """The child's Task."""
    yield of_task(child)


def groups_of_pod(pod: PodView) -> Iterator[Group]:
    """The Pod's Task, and its namespace."""
    yield of_task(pod)
    yield of_namespace(pod.namespace)


def in_line(namespace: str, lane: Lane) -> Group:
    """The group of a namespace's inputs that wait in a lane and have their place."""
    return "in line", namespace, lane


def groups_of_input(entry: InputView) -> Iterator[Group]:
    """The input's Task, and the line of the namespace in which it waits."""
    yield of_task(entry)
    if entry.phase is InputPhase.QUEUED and entry.has_order:
        yield in_line(entry.namespace, input_bounds.lane_of(entry))


class Stores:
    """The stores, the only source of what decisions read.

    `secrets` holds the Secrets that their owners let Tasks use, without their values; None where Tasks can use none.
    `own_writes` are the states of Tasks that this process has written and followed up. `readings` are those of the
    Events of Pods that do not start, by Task. `agent_starts` are restarts of agents by clocks that are ahead.
    `held_builds` are the Tasks whose old builds are refused to be deleted, `freed_builds` those of which one was just
    deleted to make room. `examined` is what was found about the choices of Tasks where they, or what their version
    offers, are too large to be kept.
    """

    def __init__(self, *, secret_parameters: bool = True) -> None:
        self.unkept = Unkept()
        self.task_choices = TaskChoices()
        self.tasks = Store(kinds.task_kind(self.task_choices), groups_of_task)
        self.examined: dict[Key, Examined] = {}
        self.templates = Store(kinds.TEMPLATE, groups_of_template)
        self.pod_templates = PodTemplates()
        self.template_versions = Store(kinds.template_version_kind(self.pod_templates))
        self.secrets = Store(kinds.SECRET) if secret_parameters else None
        self.inputs = Store(kinds.INPUT, groups_of_input)
        self.builds = Store(kinds.build_kind(self.unkept), groups_of_child)
        self.pods = Store(kinds.POD, groups_of_pod)
        self.claims = Store(kinds.CLAIM, groups_of_child)
        self.network_policies = Store(kinds.POLICY)
        self.lost_pods = LostPods()
        self.pods.observe(self.lost_pods.saw)
        self.readings: dict[Key, Reading] = {}
        self.own_writes = OwnWrites()
        self.agent_starts = AgentStarts()
        self.held_builds = HeldRemovals()
        self.freed_builds = HeldRemovals(COUNTED)

    def usable_secrets(self, task: TaskView) -> frozenset[str] | None:
        """Names of the Secrets that a Task names, exist and are labelled; None where Secret parameters are off."""
        if self.secrets is None:
            return None
        named = {given.chosen.name for given in task.parameters if isinstance(given.chosen, SecretKey)}
        return frozenset(name for name in named if self.secrets.get((task.namespace, name)))
