"""What helps when a Pod does not start, by the kubelet's words about the Pod or one of its containers."""

from __future__ import annotations

import re

from taskyard.core import kubectl
from taskyard.core.pod_view import ContainerView, PodView
from taskyard.core.start_cause import FAILED_PULL, StartCause, is_multi_attach

# What a remedy for an image begins with, once it is tried again without a person: the registry's answer stands before.
PULLED_AGAIN = "It is pulled again by itself: "
PULL_FAULTS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable", "SignatureValidationFailed"}
)

_KINDS = {"secret": "Secret", "configmap": "ConfigMap", "config": "ConfigMap"}
# In the kubelet's own words alone: a storage driver's Secrets are in namespaces of their own.
_MISSING = re.compile(
    r'^(?:Error: )?(?:MountVolume\.SetUp failed for volume "[^"]*" ?: )?\[?(secret|configmap)s? "([^"]+)" not found',
    re.IGNORECASE,
)
_MISSING_KEY = re.compile(r"couldn't find key (\S+) in (secret|configmap) (?:[^/\s]+/)?([^\s,;]+)", re.IGNORECASE)
_MISSING_IN_VOLUME = re.compile(r"references non-existent (secret|config) key: (\S+)", re.IGNORECASE)
_ROOT = re.compile(r"^container has runAsNonRoot and image|^container's runAsUser breaks non-root policy")
_BY_ITSELF = "and the Pod starts by itself within minutes; or use a template version without it."

# Names of images, hosts and files, which may be any words: what decides is what is said of them. "i/o" is none.
_NAMES = re.compile(
    r'https?://[^\s",]+|(?:image|reference|repository|manifest for|lookup) "?[^\s",]+"?|"[^\s"]*[/:@.][^\s"]*"|'
    r"\bsha256:\w+|(?<![\w/])(?!i/o\b)[\w.-]+(?:[/:@][\w.-]+)+|\b[\w-]+(?:\.[\w-]+)+",
    re.IGNORECASE,
)

# What registries and container runtimes say, the more certain first.
_LIMITED = re.compile(r"toomanyrequests|too many requests|rate limit", re.IGNORECASE)
_DENIED = re.compile(
    r"unauthorized|authentication required|authorization failed|access denied|no basic auth credentials|"
    r"403 forbidden|401 unauthorized|\bdenied\b",
    re.IGNORECASE,
)
_UNTRUSTED = re.compile(r"x509|certificate|server gave HTTP response to HTTPS client", re.IGNORECASE)
_UNREACHABLE = re.compile(
    r"no such host|i/o timeout|connection refused|connection reset|no route to host|network is unreachable|"
    r"server misbehaving|handshake timeout|deadline exceeded|\bEOF\b|status.*\b50\d\b|"
    r"\b50\d (?:internal server error|bad gateway|service unavailable|gateway time)",
    re.IGNORECASE,
)
_NO_PLATFORM = re.compile(r"no match for platform|no matching manifest|exec format", re.IGNORECASE)
_NOT_FOUND = re.compile(r"not found|notfound|manifest unknown|does not exist|no such", re.IGNORECASE)
_NO_SPACE = re.compile(r"no space left on device", re.IGNORECASE)


def of_cause(cause: StartCause, pod: PodView) -> str:
    """What helps against a cause from the Pod's Events."""
    missing = of_missing(cause.note)
    if missing:
        return missing
    match cause.reason:
        case "FailedAttachVolume" if is_multi_attach(cause.note):
            return (
                "The volume comes free when the Pod that uses it on another node is gone. If that node is lost for "
                "good, delete the Node."
            )
        case "FailedAttachVolume" | "FailedMount" | "FailedMapVolume":
            return (
                "It is tried again by itself: mend the volume, or use a template version with another one. The "
                "storage driver's log on the node tells more."
            )
        case "FailedCreatePodSandBox":
            return (
                "The node tries again by itself; an administrator finds the cause in its container runtime or network "
                "plugin."
            )
        case reason if reason == FAILED_PULL and "image" in cause.note:
            return of_image(cause.note, pod)
        case _:
            return "It is tried again by itself; when the cause is gone, the Pod starts."


def of_container(fault: ContainerView, pod: PodView, said: str) -> str:
    """What helps against the fault of a container that cannot start; `said` is what is known of its cause."""
    missing = of_missing(said)
    if missing:
        return missing
    if _ROOT.search(said):
        return (
            "Use a template version that sets securityContext.runAsUser to a user other than 0, which the image can "
            "run as; pause the Task, name that version, and resume it."
        )
    match fault.waiting_reason:
        case "InvalidImageName":
            return "Use a template version with the name of an image; pause the Task, name that version, and resume it."
        case "ErrImageNeverPull":
            return (
                "Load the image onto the node, and the Pod starts by itself; or use a template version with an "
                "imagePullPolicy other than Never."
            )
        case reason if reason in PULL_FAULTS:
            return of_image(said, pod)
        case "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" | "StartError":
            return (
                "It is tried again by itself: mend what the message names, or use a template version whose container "
                f"{fault.name} is without this fault. More: {kubectl.describe_pod(pod)}"
            )
        case _:
            return f"Its output: {kubectl.logs(pod, fault.name, previous=fault.exit_code is None)}"


def of_missing(said: str) -> str | None:
    """What helps when a Secret or a ConfigMap, or a key of one, does not exist; None when that is not the cause."""
    if found := _MISSING.search(said):
        return f"Create {_KINDS[found[1].lower()]} {found[2].rpartition('/')[2]} in this namespace, {_BY_ITSELF}"
    if found := _MISSING_KEY.search(said):
        return (
            f"Add key {found[1]} to {_KINDS[found[2].lower()]} {found[3].rstrip('.')} in this namespace, {_BY_ITSELF}"
        )
    if found := _MISSING_IN_VOLUME.search(said):
        key = found[2].rstrip(".")
        return f"Add key {key} to the {_KINDS[found[1].lower()]} of that volume, {_BY_ITSELF}"
    return None


def of_image(said: str, pod: PodView) -> str:
    """What helps when an image cannot be pulled, by the registry's answer."""
    other = "or use a template version with another image."
    said = _NAMES.sub("…", said)
    secrets = credentials(pod)
    if _LIMITED.search(said):
        found = f"the registry limits how much is pulled; {secrets}, {other}"
    elif _DENIED.search(said):
        found = f"check the image's name, and the credentials: {secrets}; {other}"
    elif _UNTRUSTED.search(said):
        found = (
            f"the nodes do not trust the registry's certificate; an administrator can add its authority there, {other}"
        )
    elif _UNREACHABLE.search(said):
        found = f"check that the nodes reach the registry (name, network, proxy), {other}"
    elif _NO_SPACE.search(said):
        found = "the node's disk is full; an administrator can free it, or move the Pod to another node."
    elif _NO_PLATFORM.search(said):
        found = f"the image is not made for the node's processor; choose nodes of another (nodeSelector), {other}"
    elif _NOT_FOUND.search(said):
        found = "push the image to the registry, or use a template version with a name and a tag that exist there."
    else:
        found = f"check the image's name, the registry, and the credentials: {secrets}; {other}"
    return f"{PULLED_AGAIN}{found}"


def credentials(pod: PodView) -> str:
    """Where the credentials for a registry come from. The kubelet goes on without a Secret that does not exist."""
    if not pod.pull_secrets:
        return "the Pod has none, name a Secret of type kubernetes.io/dockerconfigjson in imagePullSecrets"
    names = f"Secret{'s' if len(pod.pull_secrets) > 1 else ''} {', '.join(pod.pull_secrets)}"
    return f"{names} (imagePullSecrets) must exist in namespace {pod.namespace} and hold those of this registry"
