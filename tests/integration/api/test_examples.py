"""Every example against the API server, as `kubectl apply -k` sends it; the only test of those that need a vendor."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from integration.api.conftest import Kubectl

EXAMPLES = Path(__file__).parents[3] / "deploy" / "examples"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if (folder / "kustomization.yaml").is_file())


@pytest.mark.parametrize("name", NAMES)
def test_example_is_accepted_unchanged(name: str, kubectl: Kubectl) -> None:
    listed = yaml.safe_load((EXAMPLES / name / "kustomization.yaml").read_text())["resources"]
    manifests = [yaml.safe_load((EXAMPLES / name / file).read_text()) for file in listed]
    for manifest in manifests:
        if manifest["kind"] == "Namespace":
            continue
        manifest["metadata"].pop("namespace", None)
        result = kubectl("apply", "-f", "-", stdin=manifest)
        assert result.returncode == 0, result.stderr
