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


PUSH = "push the image to the registry"
REACH = "check that the nodes reach the registry"
TRUST = "the nodes do not trust the registry's certificate"
ALLOW = "check the image's name, and the credentials"


@pytest.mark.parametrize(
    ("said", "helps"),
    [
        ('image "certificate-tool/app:1": failed to resolve reference "r.test/certificate-tool:1": not found', PUSH),
        ('failed to pull image "certificate-tool": not found', PUSH),
        ('reference "docker.test/acme/unauthorized-proxy:1": docker.test/acme/unauthorized-proxy:1: not found', PUSH),
        ("failed to resolve reference: unauthorized-proxy:1: not found", PUSH),
        ("manifest for denied/x509:1 not found: manifest unknown", PUSH),
        ('failed to resolve reference "r.test/app@sha256:1504": not found', PUSH),
        ("r.test/app@sha256:ab504 not found", PUSH),
        ('Head "https://certificate.test/v2/": dial tcp: lookup certificate.test on 10.0.0.2:53: no such host', REACH),
        ("dial tcp: lookup certificates: no such host", REACH),
        ("dial tcp 10.0.0.3:443: i/o timeout", REACH),
        ("failed open: unexpected status code https://r.test/v2/x509: 503 Service Unavailable", REACH),
        ("received unexpected HTTP status: 502 Bad Gateway", REACH),
        ('Get "https://r.test/v2/denied": tls: failed to verify certificate: x509: unknown authority', TRUST),
        ('Get "https://r.test/v2/": http: server gave HTTP response to HTTPS client', TRUST),
        ("unexpected status from GET request to https://r.test/token: 401 Unauthorized", ALLOW),
        ('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}', ALLOW),
        ("pull access denied for acme/certificate, repository does not exist", ALLOW),
        ("pull QPS exceeded: toomanyrequests: You have reached your limit", "limits how much is pulled"),
        ("no match for platform in manifest: not found", "not made for the node's processor"),
    ],
)
def test_what_is_said_of_an_image_decides_and_not_its_name(said: str, helps: str) -> None:
    assert start_remedy.of_image(said, pod()).startswith(PULLED)
    assert helps in start_remedy.of_image(said, pod())


SET_UP = 'MountVolume.SetUp failed for volume "v" : '


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (f'{SET_UP}secret "keys" not found', "Secret keys"),
        (f'{SET_UP}configmap "names" not found', "ConfigMap names"),
        (f'{SET_UP}secrets "keys" not found', "Secret keys"),
        (f'{SET_UP}[secret "a" not found, configmap "b" not found]', "Secret a"),
        ('Error: secret "keys" not found', "Secret keys"),
        (f'{SET_UP}rpc error: code = Internal desc = node publish secret "csi" not found', None),
        ('MountVolume.MountDevice failed for volume "v" : rpc error: node stage secret "csi" not found', None),
        (
            f"{SET_UP}fetching NodePublishSecretRef kube-system/csi failed: kubernetes.io/csi: failed to find the "
            'secret csi in the namespace kube-system with error: secrets "csi" not found',
            None,
        ),
        ('AttachVolume.Attach failed for volume "v" : rpc error: secret "csi" not found', None),
    ],
)
def test_only_what_the_kubelet_itself_misses_is_to_be_created_in_this_namespace(
    note: str, expected: str | None
) -> None:
    helps = start_remedy.of_cause(StartCause("FailedMount", note), pod())
    if expected is None:
        assert "in this namespace" not in helps and "The storage driver's log" in helps
    else:
        assert helps.startswith(f"Create {expected} in this namespace")


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
