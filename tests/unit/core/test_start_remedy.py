"""What helps when a Pod does not start: each cause has a remedy, and no other's."""

from __future__ import annotations

import pytest

from taskyard.core import start_remedy
from taskyard.core.pod_view import SIDECAR, PodView
from taskyard.core.start_cause import StartCause
from unit.core.builders import container_status, pod, pod_manifest, running
from unit.core.starts import image, shown

PULLED = "It is pulled again by itself: "


@pytest.mark.parametrize(
    ("reason", "said", "helps"),
    [
        pytest.param(
            "CreateContainerConfigError",
            'secret "nothing" not found',
            "Create Secret nothing in this namespace, and the Pod starts by itself within minutes; or use a template "
            "version without it.",
            id="secret",
        ),
        pytest.param(
            "CreateContainerConfigError",
            'configmap "nothing" not found',
            "Create ConfigMap nothing in this namespace",
            id="configmap",
        ),
        pytest.param(
            "CreateContainerConfigError",
            "couldn't find key token in Secret team/keys",
            "Add key token to Secret keys in this namespace, and the Pod starts by itself",
            id="key of a secret",
        ),
        pytest.param(
            "CreateContainerConfigError",
            "couldn't find key a.b in ConfigMap team/names",
            "Add key a.b to ConfigMap names in this namespace",
            id="key of a configmap",
        ),
        pytest.param(
            "CreateContainerConfigError",
            'container has runAsNonRoot and image will run as root (pod: "web-1_team(1)", container: agent)',
            "sets securityContext.runAsUser to a user other than 0",
            id="root",
        ),
        pytest.param(
            "CreateContainerConfigError",
            "container's runAsUser breaks non-root policy (pod: web-1)",
            "sets securityContext.runAsUser to a user other than 0",
            id="root by the template",
        ),
        pytest.param(
            "CreateContainerConfigError",
            'failed to prepare subPath for volumeMount "data" of container "agent"',
            "mend what the message names, or use a template version whose container agent is without this fault. More: "
            "kubectl describe pod web-1 -n team",
            id="anything else",
        ),
        pytest.param("CreateContainerError", "no command specified", "mend what the message names", id="create"),
        pytest.param("RunContainerError", 'exec: "x": not found in $PATH', "mend what the message names", id="run"),
        pytest.param("InvalidImageName", "couldn't parse", "with the name of an image; pause the Task", id="no name"),
        pytest.param(
            "ErrImageNeverPull", "image is not present", "Load the image onto the node, and the Pod starts", id="never"
        ),
        pytest.param(
            "ErrImagePull",
            "failed to resolve reference: nothing:1: not found",
            f"{PULLED}push the image to the registry, or use a template version with a name and a tag that exist",
            id="no such image",
        ),
        pytest.param(
            "ErrImagePull",
            "pull access denied, repository does not exist or may require authorization",
            "check the image's name, and the credentials: the Pod has none, name a Secret of type "
            "kubernetes.io/dockerconfigjson in imagePullSecrets; or use a template version with another image.",
            id="denied",
        ),
        pytest.param("ImagePullBackOff", "unexpected status: 401 Unauthorized", "the Pod has none", id="401"),
        pytest.param(
            "ImagePullBackOff", "dial tcp: lookup registry.test: no such host", "reach the registry", id="host"
        ),
        pytest.param("ErrImagePull", "net/http: TLS handshake timeout", "reach the registry", id="time-out"),
        pytest.param("ErrImagePull", "x509: unknown authority", "do not trust the registry's certificate", id="tls"),
        pytest.param(
            "ErrImagePull", "429 Too Many Requests - toomanyrequests", "limits how much is pulled", id="limit"
        ),
        pytest.param("ErrImagePull", "write /x: no space left on device", "the node's disk is full", id="disk"),
        pytest.param("ErrImagePull", "no match for platform in manifest: not found", "node's processor", id="platform"),
        pytest.param("ImagePullBackOff", 'Back-off pulling image "a"', f"{PULLED}check the image's name", id="unknown"),
        pytest.param("SignatureValidationFailed", "policy", f"{PULLED}check the image's name", id="signature"),
    ],
)
def test_a_container_that_cannot_start_has_cause_and_remedy(reason: str, said: str, helps: str) -> None:
    _, conditions, message = shown(image(reason, said))
    assert conditions["Ready"] == ("False", reason)
    assert message.startswith(f"Container agent cannot start: {said}. ")
    assert helps in message and message.endswith((".", "-n team"))


def with_secrets(*names: str) -> PodView:
    manifest = pod_manifest()
    manifest["spec"]["imagePullSecrets"] = [{"name": name} for name in names] + [{}]
    return PodView.of(manifest)


@pytest.mark.parametrize(
    ("names", "helps"),
    [
        (
            ("regcred",),
            "Secret regcred (imagePullSecrets) must exist in namespace team and hold those of this registry",
        ),
        (("a", "b"), "Secrets a, b (imagePullSecrets) must exist in namespace team"),
    ],
)
def test_pull_secrets_are_named_since_the_kubelet_goes_on_without_those_that_are_missing(
    names: tuple[str, ...], helps: str
) -> None:
    assert helps in start_remedy.of_image("401 Unauthorized", with_secrets(*names))


@pytest.mark.parametrize(
    ("cause", "helps"),
    [
        pytest.param(
            StartCause("FailedMount", 'for volume "keys" : references non-existent secret key: token'),
            "Add key token to the Secret of that volume",
            id="a key in a volume",
        ),
        pytest.param(StartCause("Failed", "Failed to pull image: manifest unknown"), "push the image", id="an image"),
        pytest.param(StartCause("Failed", "Error: odd"), "when the cause is gone, the Pod starts", id="else"),
    ],
)
def test_causes_from_events(cause: StartCause, helps: str) -> None:
    assert helps in start_remedy.of_cause(cause, pod())


@pytest.mark.parametrize(
    ("container", "command"),
    [
        pytest.param(
            container_status("setup", "terminated", exit_code=3), "kubectl logs web-1 -n team -c setup", id="ended"
        ),
        pytest.param(
            container_status("setup", "waiting", reason="CrashLoopBackOff", last_exit_code=3),
            "kubectl logs web-1 -n team -c setup --previous",
            id="between two tries",
        ),
    ],
)
def test_an_init_container_that_fails_has_its_output_named(container: dict[str, object], command: str) -> None:
    seen = running(
        status={"workspace": {}}, pods=(pod(sidecar=container_status(SIDECAR, ready=False), init=(container,)),)
    )
    message = shown(seen)[2]
    assert "it ended with exit code 3" in message and message.endswith(f"Its output: {command}")


def test_the_remedy_is_kept_however_much_the_kubelet_says() -> None:
    message = shown(image("CreateContainerError", "line\n" * 4000))[2]
    assert len(message) < 1200 and "\n" not in message and message.endswith("kubectl describe pod web-1 -n team")
