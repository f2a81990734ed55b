"""Settings come from the environment, and a wrong one is named."""

import pytest

from taskyard.gateway.settings import Settings, settings_from


def test_only_the_namespace_must_be_given() -> None:
    assert settings_from({"TASKYARD_NAMESPACE": "taskyard"}) == Settings(
        namespace="taskyard",
        service_name="taskyard-gateway",
        listen_address="",
        sidecar_port=8444,
        health_port=8081,
        log_level="INFO",
        kubeconfig="",
    )


def test_everything_can_be_given() -> None:
    settings = settings_from(
        {
            "TASKYARD_NAMESPACE": "ns",
            "TASKYARD_SERVICE_NAME": "gw",
            "TASKYARD_LISTEN_ADDRESS": "127.0.0.1",
            "TASKYARD_SIDECAR_PORT": "1",
            "TASKYARD_HEALTH_PORT": "65535",
            "TASKYARD_LOG_LEVEL": "debug",
            "KUBECONFIG": "/k",
        }
    )
    assert settings == Settings("ns", "gw", "127.0.0.1", 1, 65535, "DEBUG", "/k")


def test_the_gateway_answers_to_the_names_of_its_service() -> None:
    assert Settings(namespace="ns", service_name="gw").dns_names == (
        "gw.ns.svc",
        "gw.ns.svc.cluster.local",
        "gw.ns",
        "gw",
        "localhost",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("TASKYARD_NAMESPACE", "", id="no namespace"),
        pytest.param("TASKYARD_SIDECAR_PORT", "0", id="port 0"),
        pytest.param("TASKYARD_SIDECAR_PORT", "65536", id="port too high"),
        pytest.param("TASKYARD_HEALTH_PORT", "http", id="port by name"),
        pytest.param("TASKYARD_HEALTH_PORT", "-1", id="negative port"),
        pytest.param("TASKYARD_LOG_LEVEL", "loud", id="no log level"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        settings_from({"TASKYARD_NAMESPACE": "taskyard", name: value})
