"""The blocks of docs/backup.md that need a real chart and API server; the others are followed on a real node (K3)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from integration.chart.installation import NAMESPACE, Cluster
from localcluster import programs
from localcluster.locations import REPOSITORY
from taskyard.core import names
from taskyard.core.claim_view import ClaimView

PAGE = (REPOSITORY / "docs" / "backup.md").read_text()
ACCOUNT = "system:serviceaccount:velero:velero"


def blocks(heading: str, language: str = "") -> list[str]:
    """The blocks of a section of the page that are marked with a language."""
    section = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, f"no section {heading!r}"
    found = re.findall(r"^```(\w*)\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return [text for kind, text in found if kind == language]


def variable(name: str) -> str:
    """What the commands of the page set a variable to."""
    found = re.search(rf"^{name}=(\S+)$", PAGE, re.MULTILINE)
    assert found, f"{name} is not set"
    return found[1]


def test_the_claim_from_a_snapshot_is_accepted_and_is_the_one_that_the_task_takes(installed: Cluster) -> None:
    """K3."""
    [text] = blocks("Restore from a volume snapshot", "yaml")
    claim = yaml.safe_load(text)
    task = variable("TASK")
    assert claim["metadata"]["name"] == names.claim_name(task)
    assert claim["metadata"]["namespace"] == variable("NAMESPACE")
    installed.kubectl("create", "namespace", variable("NAMESPACE"))
    options = ("create", "--dry-run=server", "--validate=strict", "-o", "json", "-f", "-")
    stored = json.loads(installed.must(*options, input=text))
    # A dry run gives it no version.
    stored["metadata"]["resourceVersion"] = "1"
    assert ClaimView.of(stored).offered_to == task
    assert stored["spec"]["dataSource"] == claim["spec"]["dataSource"], "the API server keeps it"
    assert stored["spec"]["resources"]["requests"]["storage"] == "10Gi"
    misspelled = text.replace("dataSource:", "datasource:")
    assert installed.kubectl(*options, input=misspelled).returncode != 0, "a field that is none would be told"


@pytest.fixture
def release(installed: Cluster) -> Iterator[Cluster]:
    """The release, whose values are the default ones again afterwards."""
    yield installed
    installed.install("--reset-values")


@pytest.mark.parametrize("own", [{}, {"logLevel": "DEBUG"}], ids=["default values", "a value of one's own"])
def test_the_helm_commands_name_the_account_and_keep_all_other_values(
    release: Cluster, tmp_path: Path, own: dict[str, Any]
) -> None:
    """K3."""
    release.install("--reset-values", *(f"--set={name}={value}" for name, value in own.items()))
    [script] = [text for text in blocks("Who has created what is restored") if text.startswith("helm ")]
    (tmp_path / "charts").symlink_to(REPOSITORY / "charts")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "helm").symlink_to(programs.ensure("helm")["helm"])
    result = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script.replace("--namespace taskyard", f"--namespace {NAMESPACE}")],
        env={**os.environ, "KUBECONFIG": str(release.kubeconfig), "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    values = json.loads(release.helm("get", "values", "taskyard", "-o", "json"))
    assert values == {**own, "policies": {"createdBy": {"mayRestore": [ACCOUNT]}}}
    policy = release.get("validatingadmissionpolicy", "created-by.taskyard.dev")
    assert ACCOUNT in json.dumps(policy["spec"])


def test_values_are_saved_as_a_file_that_helm_reads() -> None:
    """Without a format helm puts a heading before them, which no schema of values allows."""
    pages = (page.read_text() for page in (REPOSITORY / "docs").glob("*.md"))
    lines = [line for text in pages for line in re.findall(r"^helm get values .*", text, re.MULTILINE)]
    assert len(lines) >= 3
    assert [line for line in lines if " -o yaml " not in line] == []
