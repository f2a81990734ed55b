"""kubectl and helm against an API server, for installing the chart there."""

import itertools
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from auditrun import RUN
from localcluster import programs
from localcluster.locations import REPOSITORY

CHART = REPOSITORY / "charts" / "taskyard"
NAMESPACE = "taskyard-system"

Result = subprocess.CompletedProcess[str]


class Cluster:
    """An API server, and Taskyard's chart for it."""

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig

    def kubectl(self, *arguments: str, input: str | None = None) -> Result:
        """Runs kubectl and returns its result, also of a failure."""
        for given in (input or "", *(value for option, value in itertools.pairwise(arguments) if option == "-p")):
            RUN.note_manifests(given)
        return _run([str(programs.kubectl()), "--kubeconfig", str(self.kubeconfig), *arguments], input)

    def must(self, *arguments: str, input: str | None = None) -> str:
        """The output of kubectl, which must succeed."""
        result = self.kubectl(*arguments, input=input)
        assert result.returncode == 0, f"kubectl {' '.join(arguments)}: {result.stderr}"
        return result.stdout

    def get(self, *arguments: str) -> Any:
        """An object as kubectl returns it; None when there is none."""
        printed = self.must("get", "--ignore-not-found", "-o", "json", *arguments)
        return json.loads(printed) if printed else None

    def create(self, manifest: Mapping[str, Any]) -> None:
        self.must("create", "-f", "-", input=json.dumps(manifest))

    def keep_kubeconfig(self, account: str, path: Path) -> Path:
        """Writes a kubeconfig for a service account of the installation, and returns its path."""
        config = json.loads(self.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": self.must("create", "token", account, "-n", NAMESPACE).strip()}
        path.write_text(json.dumps(config))
        return path

    def render(self, *arguments: str) -> str:
        """The chart's manifests, as YAML. ``arguments`` are passed to ``helm template``."""
        return self.helm("template", "taskyard", str(CHART), *arguments)

    def helm(self, *arguments: str, namespace: str = NAMESPACE) -> str:
        """The output of helm, which must succeed. Runs in the installation's namespace."""
        result = self.try_helm(*arguments, namespace=namespace)
        assert result.returncode == 0, f"helm {' '.join(arguments)}: {result.stderr}"
        return result.stdout

    def try_helm(self, *arguments: str, namespace: str = NAMESPACE) -> Result:
        """Runs helm and returns its result, also of a failure."""
        program = str(programs.ensure("helm")["helm"])
        return _run([program, *arguments, "--kubeconfig", str(self.kubeconfig), "--namespace", namespace], None)

    def install(self, *arguments: str) -> str:
        """Installs or upgrades the chart, without waiting for Pods, which this tier does not have."""
        return self.helm("upgrade", "--install", "taskyard", str(CHART), "--create-namespace", *arguments)


def _run(command: Sequence[str], text: str | None) -> Result:
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
