"""Where agent-sandbox's controller is, and what it is given."""

from pathlib import Path

import pytest

from bench import agentsandbox


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "controller"
    path.write_text("")
    path.chmod(0o755)
    return path


def test_without_a_program_there_is_no_comparison() -> None:
    assert agentsandbox.given({}) is None
    assert agentsandbox.given({"AGENT_SANDBOX": "", "AGENT_SANDBOX_CRDS": ""}) is None


def test_the_crds_are_a_folder_or_a_file(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Relative paths too, since the controller may run elsewhere.
    monkeypatch.chdir(program.parent)
    for crds in (".", "controller"):
        found = agentsandbox.given({"AGENT_SANDBOX": "controller", "AGENT_SANDBOX_CRDS": crds})
        assert found == agentsandbox.AgentSandbox(program, program.parent / crds)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        pytest.param({"AGENT_SANDBOX": "missing"}, "AGENT_SANDBOX=missing: no such program", id="no program"),
        pytest.param({"AGENT_SANDBOX": "/"}, "AGENT_SANDBOX=/: no such program", id="a folder"),
        pytest.param({"AGENT_SANDBOX": __file__}, "test_agentsandbox.py: no such program", id="not executable"),
        pytest.param({"AGENT_SANDBOX_CRDS": "/"}, "AGENT_SANDBOX=: no such program", id="CRDs alone"),
        pytest.param({"AGENT_SANDBOX": "{program}"}, "AGENT_SANDBOX_CRDS=: no such file", id="program alone"),
        pytest.param(
            {"AGENT_SANDBOX": "{program}", "AGENT_SANDBOX_CRDS": "missing"},
            "AGENT_SANDBOX_CRDS=missing: no such file",
            id="no CRDs",
        ),
    ],
)
def test_what_is_missing_is_named(program: Path, settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValueError) as refused:
        agentsandbox.given({name: text.format(program=program) for name, text in settings.items()})
    assert said in str(refused.value) and "; give " in str(refused.value)


def test_sandboxes_are_of_the_version_that_is_stored() -> None:
    versions = [{"name": "v1alpha1", "storage": False}, {"name": "v1beta1", "storage": True}]
    for listed in (versions, versions[::-1]):
        version = agentsandbox.stored_version({"spec": {"versions": listed}})
        assert version == "v1beta1"
    assert agentsandbox.sandbox("one", version)["apiVersion"] == "agents.x-k8s.io/v1beta1"
    assert agentsandbox.path(version) == "/apis/agents.x-k8s.io/v1beta1/namespaces/team/sandboxes"
