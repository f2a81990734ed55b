"""Argo CD's health checks, run on their test data. What they say of each status is in unit/core/ends.py."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from localcluster import programs
from taskyard.api.vocabulary import Phase
from unit.argocd.lua import ARGOCD, health

CHECKS = {"Task": ARGOCD, "TemplateVersion": ARGOCD / "templateversion"}
CASES = [
    pytest.param(folder, case, id=f"{kind} {Path(case['inputPath']).stem}")
    for kind, folder in CHECKS.items()
    for case in yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
]


@pytest.mark.parametrize(("folder", "case"), CASES)
def test_the_health_of_the_test_data(folder: Path, case: dict[str, Any]) -> None:
    manifest = yaml.safe_load((folder / case["inputPath"]).read_text())
    assert health(folder, manifest) == case["healthStatus"]


@pytest.mark.parametrize("folder", CHECKS.values(), ids=CHECKS)
def test_all_test_data_is_used(folder: Path) -> None:
    cases = yaml.safe_load((folder / "health_test.yaml").read_text())["tests"]
    assert {case["inputPath"] for case in cases} == {
        f"testdata/{path.name}" for path in (folder / "testdata").iterdir()
    }


def test_every_phase_has_test_data() -> None:
    found = {yaml.safe_load(path.read_text())["status"].get("phase") for path in (ARGOCD / "testdata").iterdir()}
    assert found == set(Phase)


def test_the_kustomization_adds_both_to_argo_cds_config_map() -> None:
    rendered = subprocess.run(
        [programs.kubectl(), "kustomize", ARGOCD], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    (config_map,) = yaml.safe_load_all(rendered)
    assert (config_map["metadata"]["name"], config_map["metadata"]["namespace"]) == ("argocd-cm", "argocd")
    assert config_map["data"] == {
        f"resource.customizations.health.taskyard.dev_{kind}": (folder / "health.lua").read_text()
        for kind, folder in CHECKS.items()
    }
