"""The operator's settings, and the errors for invalid ones."""

from __future__ import annotations

import socket
from datetime import timedelta
from ipaddress import ip_network

import pytest

from taskyard.controller.settings import Settings
from taskyard.core.lease import Terms
from taskyard.core.manifests.network import NAME_SERVERS, NetworkRules
from taskyard.environment import SettingsError

LEAST = {
    "TASKYARD_NAMESPACE": "taskyard",
    "TASKYARD_GATEWAY_URL": "https://gateway.test:8444",
    "TASKYARD_SIDECAR_IMAGE": "taskyard:1",
}


def test_the_least_and_the_defaults() -> None:
    settings = Settings.from_environment(LEAST)
    assert settings == Settings(
        namespace="taskyard",
        gateway_url="https://gateway.test:8444",
        sidecar_image="taskyard:1",
        sidecar_image_pull_policy="IfNotPresent",
        sidecar_resources={},
        image_pull_secrets=(),
        secret_parameters=True,
        network_policy=True,
        network_policy_rules={"dns": NAME_SERVERS, "blocked": (), "ingress": (), "egress": ()},
        input_retention=timedelta(hours=1),
        health_port=8080,
        log_level="INFO",
        kubeconfig="",
        leader_election=True,
        lease_duration=10,
        lease_renew_deadline=7.0,
        lease_retry_period=2.0,
        pod_name=socket.gethostname(),
    )
    assert settings.network == NetworkRules(installation="taskyard")
    assert settings.lease == Terms(duration=10, renew_deadline=7.0, retry_period=2.0)


def test_everything() -> None:
    settings = Settings.from_environment(
        LEAST
        | {
            "TASKYARD_SIDECAR_IMAGE_PULL_POLICY": "Always",
            "TASKYARD_SIDECAR_RESOURCES": '{"limits": {"memory": "64Mi"}}',
            "TASKYARD_IMAGE_PULL_SECRETS": "one, two,,",
            "TASKYARD_SECRET_PARAMETERS": "false",
            "TASKYARD_NETWORK_POLICY_RULES": '{"dns": [{}], "blocked": ["203.0.113.0/24"], "egress": [{"ports": []}]}',
            "TASKYARD_INPUT_RETENTION": "1h30m",
            "TASKYARD_HEALTH_PORT": "9090",
            "TASKYARD_LOG_LEVEL": "debug",
            "TASKYARD_LEADER_ELECTION": "False",
            "TASKYARD_LEASE_DURATION": "2s",
            "TASKYARD_LEASE_RENEW_DEADLINE": "1.2s",
            "TASKYARD_LEASE_RETRY_PERIOD": "0.3s",
            "TASKYARD_POD_NAME": "operator-1",
            "KUBECONFIG": "/etc/kubeconfig",
            "UNRELATED": "x",
        }
    )
    assert settings.sidecar_image_pull_policy == "Always"
    assert settings.sidecar_resources == {"limits": {"memory": "64Mi"}}
    assert settings.image_pull_secrets == ("one", "two")
    assert settings.secret_parameters is False
    assert settings.network == NetworkRules(
        installation="taskyard",
        dns=({},),
        blocked=(ip_network("203.0.113.0/24"),),
        egress=({"ports": []},),
    )
    assert settings.input_retention == timedelta(minutes=90)
    assert (settings.health_port, settings.log_level) == (9090, "DEBUG")
    assert settings.leader_election is False
    assert settings.lease == Terms(duration=2, renew_deadline=1.2, retry_period=0.3)
    assert settings.pod_name == "operator-1"
    assert settings.kubeconfig == "/etc/kubeconfig"


def test_no_policies_are_kept_where_they_are_switched_off() -> None:
    assert Settings.from_environment(LEAST | {"TASKYARD_NETWORK_POLICY": "false"}).network is None


def test_rules_of_policies_that_are_switched_off_are_not_read() -> None:
    off = {"TASKYARD_NETWORK_POLICY": "false", "TASKYARD_NETWORK_POLICY_RULES": "["}
    assert Settings.from_environment(LEAST | off).network is None


def test_the_system_may_choose_the_port_of_the_probes() -> None:
    assert Settings.from_environment(LEAST | {"TASKYARD_HEALTH_PORT": "0"}).health_port == 0


def test_without_a_name_the_pod_is_called_like_its_host() -> None:
    assert Settings.from_environment(LEAST | {"TASKYARD_POD_NAME": ""}).pod_name == socket.gethostname()


@pytest.mark.parametrize("name", ["TASKYARD_HEALTH_PORT", "TASKYARD_INPUT_RETENTION", "TASKYARD_LOG_LEVEL"])
def test_an_empty_variable_counts_as_not_set(name: str) -> None:
    assert Settings.from_environment(LEAST | {name: ""}) == Settings.from_environment(LEAST)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        pytest.param(
            {"TASKYARD_NAMESPACE": ""}, "TASKYARD_NAMESPACE is not set; it holds the namespace", id="namespace"
        ),
        pytest.param({"TASKYARD_GATEWAY_URL": ""}, "TASKYARD_GATEWAY_URL is not set; it holds", id="gateway"),
        pytest.param({"TASKYARD_SIDECAR_IMAGE": ""}, "TASKYARD_SIDECAR_IMAGE is not set; it holds", id="image"),
        pytest.param(
            {"TASKYARD_SIDECAR_RESOURCES": "{"}, "RESOURCES must be a JSON object, not '{': Expecting", id="no JSON"
        ),
        pytest.param(
            {"TASKYARD_SIDECAR_RESOURCES": "[]"}, "TASKYARD_SIDECAR_RESOURCES must be a JSON object", id="no object"
        ),
        pytest.param(
            {"TASKYARD_NETWORK_POLICY_RULES": '{"dnz": []}'},
            "must be a JSON object of lists named dns, blocked, ingress, egress",
            id="no such rule",
        ),
        pytest.param(
            {"TASKYARD_NETWORK_POLICY_RULES": "["}, "RULES must be a JSON object of lists", id="rules that are no JSON"
        ),
        pytest.param(
            {"TASKYARD_NETWORK_POLICY_RULES": '{"blocked": ["10.0.0.1/8"]}'}, "10.0.0.1/8 has host", id="no network"
        ),
        pytest.param({"TASKYARD_NETWORK_POLICY_RULES": '{"blocked": ["::/0"]}'}, "is every address", id="everything"),
        pytest.param({"TASKYARD_LOG_LEVEL": "loud"}, "LOG_LEVEL must be one of DEBUG, INFO", id="no level"),
        pytest.param(
            {"TASKYARD_SIDECAR_IMAGE_PULL_POLICY": "Sometimes"},
            "TASKYARD_SIDECAR_IMAGE_PULL_POLICY must be one of IfNotPresent, Always, Never, not 'Sometimes'",
            id="no policy",
        ),
        pytest.param(
            {"TASKYARD_INPUT_RETENTION": "1d"},
            "TASKYARD_INPUT_RETENTION must be a duration such as 45s, 30m or 1h30m, not '1d'",
            id="no duration",
        ),
        pytest.param(
            {"TASKYARD_LEASE_DURATION": "10"}, "must be a whole number of seconds such as 10s, not '10'", id="no unit"
        ),
        pytest.param(
            {"TASKYARD_LEASE_DURATION": "9.5s"}, "must be a whole number of seconds such as 10s", id="half a second"
        ),
        pytest.param({"TASKYARD_LEASE_RENEW_DEADLINE": "10s"}, "must be shorter than", id="a deadline too late"),
        pytest.param({"TASKYARD_LEADER_ELECTION": "on"}, "must be true or false, not 'on'", id="no boolean"),
        pytest.param(
            {"TASKYARD_HEALTH_PORT": "http"}, "must be a port number from 0 to 65535, not 'http'", id="no number"
        ),
        pytest.param(
            {"TASKYARD_HEALTH_PORT": "65536"}, "must be a port number from 0 to 65535, not '65536'", id="no port"
        ),
        pytest.param(
            {"TASKYARD_HEALTH_PORT": "-1"}, "must be a port number from 0 to 65535, not '-1'", id="a negative port"
        ),
    ],
)
def test_a_wrong_setting_is_named_and_what_it_takes(changed: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.from_environment(LEAST | changed)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
