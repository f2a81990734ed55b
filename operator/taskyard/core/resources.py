"""The kinds that Taskyard reads and writes at the API server, each declared once, and the paths of their objects."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from taskyard.api import API_VERSION
from taskyard.core.names import NETWORK_POLICY, TASK_LABEL
from taskyard.core.parameter_views import USABLE_LABEL, USABLE_VALUE


@dataclass(frozen=True)
class Resource:
    """A kind as it appears in the API server's paths. `selector` and `named` (the objects of that name, in any
    namespace) restrict lists and watches; with `metadata_only` they return only the metadata of the objects. None of
    the three affects reads and writes of a single object."""

    prefix: str
    plural: str
    selector: str = ""
    metadata_only: bool = False
    named: str = ""

    @property
    def bounds(self) -> dict[str, str]:
        """`selector` and `named` as query parameters."""
        query = {"labelSelector": self.selector} if self.selector else {}
        return query | ({"fieldSelector": f"metadata.name={self.named}"} if self.named else {})

    def path(self, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Path of all objects, of those of a namespace, or of one object; namespace and name are quoted."""
        parts = [self.prefix]
        if namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name is not None:
            parts.append(quote(name, safe=""))
        if subresource is not None:
            parts.append(subresource)
        return "/".join(parts)


_CORE = "/api/v1"
_TASKYARD = f"/apis/{API_VERSION}"

TASKS = Resource(_TASKYARD, "tasks")
TEMPLATES = Resource(_TASKYARD, "templates")
TEMPLATE_VERSIONS = Resource(_TASKYARD, "templateversions")
WORKSPACE_BUILDS = Resource(_TASKYARD, "workspacebuilds")
TASK_INPUTS = Resource(_TASKYARD, "taskinputs")
NOTIFICATION_SINKS = Resource(_TASKYARD, "notificationsinks")

# Only those that are children of a Task are watched.
PODS = Resource(_CORE, "pods", selector=TASK_LABEL)
CLAIMS = Resource(_CORE, "persistentvolumeclaims", selector=TASK_LABEL)
CONFIG_MAPS = Resource(_CORE, "configmaps")
SECRETS = Resource(_CORE, "secrets")
# Secrets that their owners let Tasks use. Their values never leave the API server: only metadata is requested.
USABLE_SECRETS = Resource(_CORE, "secrets", selector=f"{USABLE_LABEL}={USABLE_VALUE}", metadata_only=True)
NAMESPACES = Resource(_CORE, "namespaces", metadata_only=True)

NETWORK_POLICIES = Resource("/apis/networking.k8s.io/v1", "networkpolicies", named=NETWORK_POLICY)
ENDPOINT_SLICES = Resource("/apis/discovery.k8s.io/v1", "endpointslices")
EVENTS = Resource("/apis/events.k8s.io/v1", "events")
LEASES = Resource("/apis/coordination.k8s.io/v1", "leases")

TOKEN_REVIEWS = Resource("/apis/authentication.k8s.io/v1", "tokenreviews")
SUBJECT_ACCESS_REVIEWS = Resource("/apis/authorization.k8s.io/v1", "subjectaccessreviews")
