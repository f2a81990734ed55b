"""Certificates and kubeconfigs of a cluster."""

import base64
import datetime
import json

from cryptography import x509

from localcluster import kubeconfig
from localcluster.certificates import Authority

NOW = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


def test_a_client_is_known_by_its_name_and_group_and_signed_by_the_authority() -> None:
    authority = Authority("ca", NOW)
    certificate = x509.load_pem_x509_certificate(authority.issue("anna", organization="admins").certificate)
    assert certificate.subject.rfc4514_string() == "O=admins,CN=anna"
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pair.certificate))


def test_a_server_certificate_has_its_names_and_addresses_and_is_valid_from_an_hour_ago() -> None:
    pair = Authority("ca", NOW).issue("api", dns=("localhost",), ips=("127.0.0.1",))
    certificate = x509.load_pem_x509_certificate(pair.certificate)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert certificate.not_valid_before_utc == NOW - datetime.timedelta(hours=1)


def test_a_kubeconfig_holds_all_that_a_client_needs() -> None:
    authority = Authority("ca", NOW)
    client = authority.issue("anna")
    text = kubeconfig.render(server="https://x:1", authority=authority.pair.certificate, client=client, user="anna")
    config = json.loads(text)
    assert config["clusters"][0]["cluster"]["server"] == "https://x:1"
    assert base64.b64decode(config["users"][0]["user"]["client-key-data"]) == client.key
    assert config["current-context"] == config["contexts"][0]["name"]
