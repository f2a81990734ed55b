"""Settings come from the environment, and a wrong one is named."""

import pytest

from taskyard.environment import SettingsError
from taskyard.gateway.settings import Settings


def test_only_the_namespace_must_be_given() -> None:
    assert Settings.from_environment({"TASKYARD_NAMESPACE": "taskyard"}) == Settings(
        namespace="taskyard",
        service_name="taskyard-gateway",
        listen_address="",
        sidecar_port=8444,
        health_port=8081,
        log_level="INFO",
        kubeconfig="",
    )


def test_everything_can_be_given() -> None:
    settings = Settings.from_environment(
        {
            "TASKYARD_NAMESPACE": "ns",
            "TASKYARD_SERVICE_NAME": "gw",
            "TASKYARD_LISTEN_ADDRESS": "127.0.0.1",
            "TASKYARD_SIDECAR_PORT": "1",
            "TASKYARD_HEALTH_PORT": "65535",
            "TASKYARD_LOG_LEVEL": "debug",
            "TASKYARD_PEOPLE": "false",
            "TASKYARD_PEOPLE_PORT": "2",
            "TASKYARD_PEOPLE_TLS_DIR": "/tls",
            "TASKYARD_PEOPLE_HOSTS": "a.test,b.test",
            "TASKYARD_DEFAULT_NAMESPACE": "home",
            "TASKYARD_PEOPLE_RATE": "3",
            "TASKYARD_PEOPLE_BURST": "4",
            "TASKYARD_PEOPLE_AT_ONCE": "5",
            "TASKYARD_PEOPLE_STREAMS": "6",
            "TASKYARD_AUDIT": "false",
            "TASKYARD_NAMING_URL": "https://models.test/v1/messages",
            "TASKYARD_NAMING_MODEL": "small",
            "TASKYARD_NAMING_KEY": "s3cret",
            "KUBECONFIG": "/k",
        }
    )
    assert settings == Settings(
        namespace="ns",
        service_name="gw",
        listen_address="127.0.0.1",
        sidecar_port=1,
        health_port=65535,
        people=False,
        people_port=2,
        people_tls_folder="/tls",
        people_hosts=("a.test", "b.test"),
        default_namespace="home",
        people_rate=3,
        people_burst=4,
        people_at_once=5,
        people_streams=6,
        audit=False,
        naming_url="https://models.test/v1/messages",
        naming_model="small",
        naming_key="s3cret",
        log_level="DEBUG",
        kubeconfig="/k",
    )
    assert settings.dns_names[-2:] == ("a.test", "b.test")
    assert "s3cret" not in repr(settings)


def test_the_gateway_answers_to_the_names_of_its_service() -> None:
    assert Settings(namespace="ns", service_name="gw").dns_names == (
        "gw.ns.svc",
        "gw.ns.svc.cluster.local",
        "gw.ns",
        "gw",
        "localhost",
    )


GIVEN = {
    "TASKYARD_NAMESPACE": "taskyard",
    "TASKYARD_NAMING_URL": "https://models.test/v1/chat/completions",
    "TASKYARD_NAMING_MODEL": "small",
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("TASKYARD_NAMESPACE", "", id="no namespace"),
        pytest.param("TASKYARD_SIDECAR_PORT", "0", id="port 0"),
        pytest.param("TASKYARD_SIDECAR_PORT", "65536", id="port too high"),
        pytest.param("TASKYARD_HEALTH_PORT", "http", id="port by name"),
        pytest.param("TASKYARD_HEALTH_PORT", "-1", id="negative port"),
        pytest.param("TASKYARD_LOG_LEVEL", "loud", id="no log level"),
        pytest.param("TASKYARD_PEOPLE", "yes", id="no switch"),
        pytest.param("TASKYARD_PEOPLE_RATE", "0", id="a rate of nothing"),
        pytest.param("TASKYARD_PEOPLE_STREAMS", "many", id="no number"),
        pytest.param("TASKYARD_NAMING_URL", "https://models.test/v1", id="an endpoint of neither form"),
        pytest.param("TASKYARD_NAMING_URL", "ftp://models.test/v1/messages", id="another scheme"),
        pytest.param("TASKYARD_NAMING_MODEL", "", id="no model"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"^environment variable {name} "):
        Settings.from_environment({**GIVEN, name: value})
