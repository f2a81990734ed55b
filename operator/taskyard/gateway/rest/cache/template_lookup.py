"""The template and the version that a Task uses, as far as they exist. Pure over the cache."""

from dataclasses import dataclass

from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.task import TaskView
from taskyard.gateway.rest.cache.objects.template import TemplateVersionView


@dataclass(frozen=True)
class TemplateFamily:
    """A template: a Template object, or only the name that its versions share."""

    id: str
    namespace: str
    name: str
    display_name: str
    description: str
    icon: str
    active: TemplateVersionView | None
    created_at: str

    @property
    def has_agent(self) -> bool:
        """Whether Tasks can be created from the active version."""
        return self.active is not None and self.active.has_agent


def family(cache: Cache, namespace: str, name: str) -> TemplateFamily:
    """The template of a name. Its active version is the one that the Template names or, without a Template, the
    newest."""
    found, versions = cache.templates.get((namespace, name)), cache.versions_of(namespace, name)
    active = versions[-1] if versions else None
    if found:
        active = next((version for version in versions if version.name == found.active_version), None)
    first = found or (versions[0] if versions else None)
    return TemplateFamily(
        id=found.uid if found else identifiers.template(namespace, name),
        namespace=namespace,
        name=name,
        display_name=(found and found.display_name) or (active.display_name if active else ""),
        description=(found and found.description) or (active.description if active else ""),
        icon=active.icon if active else "",
        active=active,
        created_at=first.created_at if first else "1970-01-01T00:00:00Z",
    )


def version_of(cache: Cache, task: TaskView) -> TemplateVersionView | None:
    """The TemplateVersion that a Task uses or is going to use."""
    name = task.template_version or task.wanted_version
    if name:
        return cache.template_versions.get((task.namespace, name))
    return family(cache, task.namespace, task.wanted_template).active


def family_of(cache: Cache, task: TaskView) -> TemplateFamily:
    """The template that a Task uses or is going to use."""
    version = version_of(cache, task)
    name = task.template or (version.template if version else task.wanted_template)
    return family(cache, task.namespace, name)
