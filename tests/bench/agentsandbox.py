"""agent-sandbox's controller, another project's, beside which Taskyard's operator is measured.

It is no part of this repository: whoever wants the comparison builds it, and names it in AGENT_SANDBOX.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import burst
from bench.asyncclient import AsyncClient
from bench.installation import START_SECONDS, TEAM, Installation, apply_crds
from kube import Object

GROUP = "agents.x-k8s.io"
WORKERS = 100
FIRST = "first-sandbox"
PREFIX = "sandbox"

_CRD = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/sandboxes.{GROUP}"
# The controller sets it on each of its Pods.
_PODS = f"/api/v1/namespaces/{TEAM}/pods?labelSelector={GROUP}%2Fsandbox-name-hash"


@dataclass(frozen=True)
class AgentSandbox:
    """The controller's program, and its CRDs: a file, or a folder of them."""

    program: Path
    crds: Path


def given(environment: Mapping[str, str] = os.environ) -> AgentSandbox | None:
    """What AGENT_SANDBOX and AGENT_SANDBOX_CRDS name, None if they name nothing. Raises ValueError, with a text for
    people, when one of them is missing or names what does not exist."""
    program, crds = environment.get("AGENT_SANDBOX", ""), environment.get("AGENT_SANDBOX_CRDS", "")
    if not program and not crds:
        return None
    if not Path(program).is_file() or not os.access(program, os.X_OK):
        raise ValueError(f"AGENT_SANDBOX={program}: no such program; give the path of agent-sandbox's controller")
    if not crds or not Path(crds).exists():
        raise ValueError(
            f"AGENT_SANDBOX_CRDS={crds}: no such file or folder; give k8s/crds of the controller's version"
        )
    return AgentSandbox(Path(program).resolve(), Path(crds).resolve())


@dataclass(frozen=True)
class Controller:
    """A controller that runs. `version` is the API version of the Sandboxes that it is given."""

    pid: int
    version: str

    async def burst(self, client: AsyncClient, count: int) -> float:
        """The seconds from the first creation of so many Sandboxes until each has its Pod."""

        async def create(name: str) -> None:
            await client.request("POST", path(self.version), json.dumps(sandbox(name, self.version)).encode())

        return await burst.until_pods(client, _PODS, create, PREFIX, count)


def path(version: str) -> str:
    """The API server's path of the Sandboxes."""
    return f"/apis/{GROUP}/{version}/namespaces/{TEAM}/sandboxes"


def sandbox(name: str, version: str) -> Object:
    """A Sandbox with the smallest Pod, one container without volumes, where a Task's has the sidecar too. So the
    comparison errs in agent-sandbox's favour."""
    pod = {"automountServiceAccountToken": False, "containers": [{"name": "agent", "image": "localhost/agent:test"}]}
    spec = {"podTemplate": {"spec": pod}}
    return {"apiVersion": f"{GROUP}/{version}", "kind": "Sandbox", "metadata": {"name": name}, "spec": spec}


def stored_version(crd: Object) -> str:
    """The version of a CRD in which the API server stores its objects."""
    return next(str(version["name"]) for version in crd["spec"]["versions"] if version["storage"])


@contextmanager
def running(setting: Installation, files: AgentSandbox) -> Iterator[Controller]:
    """The controller, once it has made the Pod of a first Sandbox. Afterwards it and all of its objects are gone."""
    apply_crds(setting.control_plane, files.crds)
    # Nothing is converted as long as all use the stored version: the webhook, which needs a Service, can be left out.
    unconverted = {"spec": {"conversion": {"strategy": "None", "webhook": None}}}
    version = stored_version(setting.kube.request("PATCH", _CRD, unconverted, "application/merge-patch+json"))
    log = setting.folder / "agent-sandbox.log"
    environment = {**os.environ, "KUBECONFIG": str(setting.control_plane.kubeconfig)}
    environment.pop("KUBERNETES_SERVICE_HOST", None)
    command = [
        str(files.program),
        f"--sandbox-concurrent-workers={WORKERS}",
        "--leader-elect=false",
        "--enable-webhook=false",
        # No ports.
        "--metrics-bind-address=0",
        "--health-probe-bind-address=0",
    ]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_first(setting, process, version, log)
        yield Controller(process.pid, version)
    finally:
        process.kill()
        process.wait()
        setting.etcd.delete(
            f"/registry/{GROUP}/sandboxes/{TEAM}/",
            *(
                f"/registry/{folder}/{TEAM}/{name}"
                for folder in ("pods", "services/specs", "events")
                for name in (FIRST, f"{PREFIX}-")
            ),
        )


def _wait_first(setting: Installation, process: subprocess.Popen[bytes], version: str, log: Path) -> None:
    setting.kube.request("POST", path(version), sandbox(FIRST, version))
    end = time.monotonic() + START_SECONDS
    while setting.kube.get("pods", TEAM, FIRST) is None:
        told = log.read_text(errors="replace")[-1500:]
        assert process.poll() is None, f"agent-sandbox's controller ended with status {process.returncode}:\n{told}"
        assert time.monotonic() < end, f"the first Sandbox has no Pod after {START_SECONDS} s:\n{told}"
        time.sleep(0.1)
