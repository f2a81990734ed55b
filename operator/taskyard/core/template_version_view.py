"""A TemplateVersion as decisions see it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import timedelta

from taskyard.core.api_object import Manifest, version_of, without_nulls
from taskyard.core.parameter_views import ParameterView, PresetView


@dataclass(frozen=True, slots=True)
class TemplateVersionView:
    """A TemplateVersion. `status` is the document as it is stored. `pod` is empty in the stores; `agent_problem` tells
    what is wrong with its agent's container, if anything. Large parameters and presets are not in what a store keeps
    either."""

    namespace: str
    name: str
    uid: str
    version: int
    generation: int
    deleting: bool
    status: Manifest
    template: str
    agent_container: str | None
    protocol: str | None
    pod: Manifest
    home: Manifest | None
    grace_period_seconds: int
    start_timeout: timedelta
    idle_timeout: str | None
    runtime_class_name: str | None
    parameters: tuple[ParameterView, ...] = ()
    presets: tuple[PresetView, ...] = ()
    port: int | None = None
    permissions: str | None = None
    retries: int | None = None
    agent_type: str | None = None
    agent_ready: str | None = None
    agent_problem: str | None = None
    has_large_parameters: bool = False

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def has_patterns(self) -> bool:
        """Whether values of its parameters are matched with patterns, as far as these are known here."""
        return any(parameter.pattern is not None for parameter in self.parameters)

    def without_parameters(self, *, pod: Manifest) -> TemplateVersionView:
        """The same with this Pod, without its parameters and presets, which are large."""
        return replace(self, pod=pod, parameters=(), presets=(), has_large_parameters=True)

    @classmethod
    def of(cls, version: Manifest) -> TemplateVersionView:
        spec = version["spec"]
        pod = without_nulls(spec["pod"])
        agent = spec.get("agent")
        metadata = version["metadata"]
        return cls(
            namespace=sys.intern(metadata["namespace"]),
            name=sys.intern(metadata["name"]),
            uid=metadata["uid"],
            version=version_of(version),
            generation=metadata["generation"],
            deleting="deletionTimestamp" in metadata,
            status=version.get("status") or {},
            template=sys.intern(spec["template"]),
            agent_container=agent["container"] if agent else None,
            protocol=agent["protocol"] if agent else None,
            pod=pod,
            home=spec.get("home"),
            grace_period_seconds=spec["gracePeriodSeconds"],
            start_timeout=timedelta(seconds=spec["startTimeoutSeconds"]),
            idle_timeout=spec.get("idleTimeout"),
            runtime_class_name=spec.get("runtimeClassName"),
            parameters=tuple(map(ParameterView.of, spec.get("parameters") or ())),
            presets=tuple(map(PresetView.of, spec.get("presets") or ())),
            port=agent.get("port") if agent else None,
            permissions=agent.get("permissions") if agent else None,
            retries=agent.get("retries") if agent else None,
            agent_type=agent.get("type") if agent else None,
            agent_ready=agent.get("ready") if agent else None,
            agent_problem=agent_problem(pod, agent["container"]) if agent else None,
        )


def agent_problem(pod: Manifest, container: str) -> str | None:
    """What is wrong with the agent's container in a template's Pod, if anything."""
    containers = pod.get("spec", {}).get("containers", [])
    agent = next((c for c in containers if c.get("name") == container), None)
    if agent is None:
        return f'spec.pod has no container "{container}", which spec.agent.container names'
    if not agent.get("command"):
        return f'container "{container}" has no command, which is needed to run it'
    return None
