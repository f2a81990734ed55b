"""The template and the version that a Task uses, as far as they exist. Pure over the cache."""

from dataclasses import dataclass

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.cache.cache import Cache


@dataclass(frozen=True)
class TemplateFamily:
    """A template: a Template object, or only the name that its versions share."""

    id: str
    namespace: str
    name: str
    display_name: str
    description: str
    icon: str
    active: Object | None
    created_at: str

    @property
    def has_agent(self) -> bool:
        """Whether Tasks can be created from the active version."""
        return self.active is not None and bool(self.active["spec"].get("agent"))


def family(cache: Cache, namespace: str, name: str) -> TemplateFamily:
    """The template of a name. Its active version is the one that the Template names or, without a Template, the
    newest."""
    found, versions = cache.templates.get((namespace, name)), cache.versions_of(namespace, name)
    active = versions[-1] if versions else None
    if found:
        wanted = found["spec"]["activeVersion"]
        active = next((version for version in versions if version["metadata"]["name"] == wanted), None)
    spec = found["spec"] if found else {}
    shown = active["spec"] if active else {}
    first = found or (versions[0] if versions else None)
    return TemplateFamily(
        id=found["metadata"]["uid"] if found else identifiers.template(namespace, name),
        namespace=namespace,
        name=name,
        display_name=spec.get("displayName") or shown.get("displayName") or "",
        description=spec.get("description") or shown.get("description") or "",
        icon=shown.get("icon") or "",
        active=active,
        created_at=first["metadata"]["creationTimestamp"] if first else "1970-01-01T00:00:00Z",
    )


def version_of(cache: Cache, task: Object) -> Object | None:
    """The TemplateVersion that a Task uses or is going to use."""
    namespace, spec = task["metadata"]["namespace"], task["spec"]
    name = task["status"].get("templateVersion") or spec.get("templateVersion")
    if name:
        return cache.template_versions.get((namespace, name))
    return family(cache, namespace, spec.get("template", "")).active


def family_of(cache: Cache, task: Object) -> TemplateFamily:
    """The template that a Task uses or is going to use."""
    version = version_of(cache, task)
    name = task["status"].get("template") or (version["spec"]["template"] if version else task["spec"].get("template"))
    return family(cache, task["metadata"]["namespace"], name or "")
