"""The notifier's settings, and the errors for invalid ones."""

from __future__ import annotations

import socket
from ipaddress import ip_network

import pytest

from taskyard.core.lease import Terms
from taskyard.environment import SettingsError
from taskyard.notifier.egress_proxy import EgressProxy
from taskyard.notifier.settings import SCHEMES, Settings

LEAST = {"TASKYARD_NAMESPACE": "taskyard"}


def test_the_least_and_the_defaults() -> None:
    settings = Settings.from_environment(LEAST)
    assert settings == Settings(
        namespace="taskyard",
        allowed_networks=(),
        refused_networks=(),
        plain_http=False,
        apprise_schemes=tuple(SCHEMES.split()),
        mail_servers=(),
        proxy=None,
        proxy_exceptions="",
        certificates="",
        leader_election=True,
        lease_duration=10,
        lease_renew_deadline=7.0,
        lease_retry_period=2.0,
        pod_name=socket.gethostname(),
        health_port=8082,
        log_level="INFO",
        kubeconfig="",
    )
    assert settings.lease == Terms(duration=10, renew_deadline=7.0, retry_period=2.0)


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({"HTTPS_PROXY": "http://proxy.test:3128", "NO_PROXY": "a.test"}, id="in upper case"),
        pytest.param({"https_proxy": "http://proxy.test:3128", "no_proxy": "a.test"}, id="in lower case"),
        pytest.param({"HTTPS_PROXY": "proxy.test:3128", "no_proxy": "a.test"}, id="without a scheme"),
    ],
)
def test_a_proxy_is_read_as_everywhere(environment: dict[str, str]) -> None:
    assert Settings.from_environment(LEAST).egress is None
    egress = Settings.from_environment(LEAST | environment).egress
    assert egress == EgressProxy("proxy.test", 3128, exceptions="a.test")


def test_a_proxy_that_cannot_be_used_is_told_without_its_password() -> None:
    with pytest.raises(SettingsError, match=r"HTTPS_PROXY must be a URL such as http://proxy\.example\.com") as found:
        Settings.from_environment(LEAST | {"HTTPS_PROXY": "https://me:S3CR3T@proxy.test"})
    assert "S3CR3T" not in str(found.value)


def test_everything() -> None:
    settings = Settings.from_environment(
        LEAST
        | {
            "TASKYARD_NOTIFIER_ALLOWED_NETWORKS": "10.20.0.0/16, fd00::/8 192.0.2.1/32",
            "TASKYARD_NOTIFIER_REFUSED_NETWORKS": "2600:1f00:1::/48",
            "TASKYARD_NOTIFIER_PLAIN_HTTP": "true",
            "TASKYARD_NOTIFIER_APPRISE_SCHEMES": "Slack, mailtos,,",
            "TASKYARD_NOTIFIER_MAIL_SERVERS": "mail.test, relay.test:2525",
            "SSL_CERT_FILE": "/etc/ca.pem",
            "TASKYARD_LEADER_ELECTION": "false",
            "TASKYARD_POD_NAME": "notifier-1",
            "TASKYARD_HEALTH_PORT": "0",
            "TASKYARD_LOG_LEVEL": "debug",
            "KUBECONFIG": "/tmp/config",
        }
    )
    assert settings.allowed_networks == tuple(map(ip_network, ("10.20.0.0/16", "fd00::/8", "192.0.2.1/32")))
    assert settings.refused_networks == (ip_network("2600:1f00:1::/48"),)
    assert (settings.plain_http, settings.leader_election) == (True, False)
    assert settings.apprise_schemes == ("slack", "mailtos")
    assert settings.mail_servers == ("mail.test", "relay.test:2525")
    assert (settings.certificates, settings.kubeconfig) == ("/etc/ca.pem", "/tmp/config")
    assert (settings.pod_name, settings.health_port, settings.log_level) == ("notifier-1", 0, "DEBUG")


@pytest.mark.parametrize("none", ["none", "None", " none "])
def test_no_scheme_at_all_is_a_word_of_its_own(none: str) -> None:
    assert Settings.from_environment(LEAST | {"TASKYARD_NOTIFIER_APPRISE_SCHEMES": none}).apprise_schemes == ()


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        pytest.param({"TASKYARD_NAMESPACE": ""}, "TASKYARD_NAMESPACE is not set", id="no namespace"),
        pytest.param(
            {"TASKYARD_NOTIFIER_ALLOWED_NETWORKS": "10.0.0.1/8"}, "has host bits set", id="a network with host bits"
        ),
        pytest.param({"TASKYARD_NOTIFIER_ALLOWED_NETWORKS": "all"}, "must be networks such as", id="no network"),
        pytest.param({"TASKYARD_NOTIFIER_PLAIN_HTTP": "yes"}, "must be true or false", id="no switch"),
        pytest.param({"TASKYARD_HEALTH_PORT": "70000"}, "must be a port number", id="no port"),
        pytest.param({"TASKYARD_LEASE_RENEW_DEADLINE": "20s"}, "TASKYARD_LEASE_DURATION", id="a Lease that ends first"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(environment: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError) as found:
        Settings.from_environment(LEAST | environment)
    assert says in str(found.value)
    assert "\n" not in str(found.value)
