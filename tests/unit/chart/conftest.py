"""Charts rendered by helm."""

import subprocess

import pytest
import yaml

from localcluster import programs
from unit.chart.rendering import CHART, NAMESPACE, Helm, Render, Rendered


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Runs helm, which is built first if the cache lacks it."""
    program = programs.ensure("helm")["helm"]

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([str(program), *arguments], capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """``render("image.tag=2", …)`` returns the output of ``helm template`` with these values."""

    def run(*settings: str) -> Rendered:
        result = helm(
            "template", "any-release", str(CHART), "--namespace", NAMESPACE, *(f"--set={one}" for one in settings)
        )
        assert result.returncode == 0, result.stderr
        return Rendered([manifest for manifest in yaml.safe_load_all(result.stdout) if manifest])

    return run


@pytest.fixture(scope="session")
def default(render: Render) -> Rendered:
    """The chart with its default values."""
    return render()
