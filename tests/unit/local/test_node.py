"""The configuration of the node's programs."""

import json

import pytest

from localcluster import network, node


def _settings() -> node.Settings:
    names = ("containerd", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy", "coredns")
    return node.Settings(
        state="/state",
        logs="/logs",
        network=network.choose([]),
        programs={name: f"/bin/{name}" for name in names},
        cni_plugins="/cni",
        python="/python",
        python_path="/path",
    )


def test_the_link_is_the_first_that_no_route_of_the_host_covers() -> None:
    assert network.choose(["default", "10.0.0.0/24"]).link == "10.219.0.0/30"
    assert network.choose(["10.219.0.0/16", "10.220.0.1"]).link == "10.221.0.0/30"


def test_a_machine_that_routes_every_candidate_gets_an_error() -> None:
    with pytest.raises(ValueError, match="is routed on this machine"):
        network.choose(["10.0.0.0/8"])


def test_addresses_of_services_and_pods_do_not_overlap() -> None:
    plan = network.choose([])
    assert (plan.host, plan.node) == ("10.219.0.1", "10.219.0.2")
    assert (plan.kubernetes_service, plan.dns_service) == ("10.219.64.1", "10.219.64.10")
    assert plan.pods == "10.219.128.0/22"


def test_settings_are_read_as_they_were_written() -> None:
    assert node.settings_from_json(_settings().to_json()) == _settings()


def test_kubelet_configures_the_dns_service_that_coredns_serves() -> None:
    settings = _settings()
    kubelet = json.loads(node.configuration_files(settings)["kubelet.json"])
    service, endpoints, _ = (value for _, value in node.objects(settings))
    assert kubelet["clusterDNS"] == [service["spec"]["clusterIP"]]
    assert f"cluster.local:{endpoints['ports'][0]['port']}" in node.corefile(settings)
    assert endpoints["endpoints"][0]["addresses"] == [settings.network.node]


def test_every_started_program_reads_files_that_are_written() -> None:
    settings = _settings()
    written = {f"{settings.configuration}/{name}" for name in node.configuration_files(settings)}
    for command in node.commands(settings).values():
        named = {part.partition("=")[2] or part for part in command if str(settings.configuration) in part}
        assert named <= written
