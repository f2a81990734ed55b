"""What a Task has chosen, with all that is too large to be kept of it and of its template version."""

from __future__ import annotations

from dataclasses import replace

from taskyard.controller.cache.stores import Stores
from taskyard.controller.cluster import Cluster
from taskyard.controller.steps.task_reader import TaskReader
from taskyard.core import parameters
from taskyard.core.observed import Observed
from taskyard.core.parameter_views import GivenView
from taskyard.core.parameters import Chosen, Examined, Violation
from taskyard.core.task_view import TaskView
from taskyard.core.template_version_view import TemplateVersionView
from taskyard.watchcache.kind import key_of


class ChoiceReader:
    """Takes what is held of them, and reads what is not. All methods raise ApiError."""

    def __init__(self, cluster: Cluster, stores: Stores, reader: TaskReader) -> None:
        self._cluster = cluster
        self._stores = stores
        self._reader = reader

    async def examine(self, observed: Observed) -> None:
        """Keep in the stores what is wrong with the choices, if anything. Where Task or version have changed meanwhile
        the stores show that, and nothing is known yet."""
        found = await self._whole(observed)
        if found is None:
            return
        task, version = found
        result = parameters.choose(version, task, usable_secrets=self._stores.usable_secrets(task))
        violation = result if isinstance(result, Violation) else None
        self._stores.examined[key_of(task)] = Examined(task.uid, task.generation, version.uid, violation)

    async def chosen(self, observed: Observed) -> Chosen | Violation | None:
        """What goes into the agent's container; None when Task or version have changed meanwhile, or are gone."""
        if observed.template_version is None:
            return Chosen()
        found = await self._whole(observed)
        if found is None:
            return None
        task, version = found
        result = parameters.choose(version, task, usable_secrets=self._stores.usable_secrets(task))
        if isinstance(result, Violation):
            # A Secret has changed since they were examined.
            self._stores.examined.pop(key_of(task), None)
        return result

    async def _whole(self, observed: Observed) -> tuple[TaskView, TemplateVersionView] | None:
        task, known = observed.task, observed.template_version
        assert known is not None
        given = self._stores.task_choices.known(task)
        if given is None:
            live = await self._reader.look_again(observed)
            if live is None or (live["metadata"]["uid"], live["metadata"]["generation"]) != (task.uid, task.generation):
                return None
            given = tuple(map(GivenView.of, live["spec"].get("parameters") or ()))
        version = await self._stores.pod_templates.choices(self._cluster, known)
        if version is None:
            self._stores.template_versions.remove(key_of(known), uid=known.uid)
            return None
        return replace(task, parameters=given, has_large_parameters=False), version
