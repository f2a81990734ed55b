"""Command lines of etcd and kube-apiserver, and the files that they read: pure, except for writing the keys."""

import datetime
import os
from dataclasses import dataclass
from pathlib import Path

from localcluster import kubeconfig
from localcluster.certificates import Authority, Pair, signing_pair

ADMIN = "taskyard-admin"


@dataclass(frozen=True)
class Credentials:
    """A cluster's keys in a folder. The files' names are fixed, so the folder is all there is to know."""

    directory: Path

    @property
    def authority_file(self) -> Path:
        return self.directory / "ca.crt"

    def certificate_file(self, name: str) -> Path:
        return self.directory / f"{name}.crt"

    def key_file(self, name: str) -> Path:
        return self.directory / f"{name}.key"


@dataclass(frozen=True)
class Keyring:
    """A cluster's certificate authority and the folder that its certificates are written to."""

    files: Credentials
    authority: Authority

    def keep(self, name: str, pair: Pair) -> Pair:
        """Writes a pair as ``<name>.crt`` and ``<name>.key`` (mode 0600)."""
        self.files.certificate_file(name).write_bytes(pair.certificate)
        write_private(self.files.key_file(name), pair.key)
        return pair

    def keep_kubeconfig(self, name: str, *, server: str, user: str, group: str = "") -> Path:
        """Issues a client certificate and writes it, also as ``<name>.kubeconfig`` (mode 0600)."""
        client = self.keep(name, self.authority.issue(user, organization=group))
        path = self.files.directory / f"{name}.kubeconfig"
        write_private(
            path,
            kubeconfig.render(
                server=server, authority=self.authority.pair.certificate, client=client, user=user
            ).encode(),
        )
        return path


def write_private(path: Path, content: bytes) -> None:
    """Writes a file that only its owner may read, and never leaves half of one behind."""
    scratch = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(content)
    scratch.rename(path)


def make_keyring(
    directory: Path, *, now: datetime.datetime, addresses: tuple[str, ...], service_address: str
) -> Keyring:
    """Makes the authority and the pairs that kube-apiserver needs: serving, kubelet client, service-account keys.

    ``addresses`` are the API server's IP addresses other than loopback and its Service's.
    """
    directory.mkdir(parents=True, exist_ok=True)
    authority = Authority("taskyard-local", now)
    keyring = Keyring(Credentials(directory), authority)
    keyring.keep("ca", authority.pair)
    keyring.keep(
        "apiserver",
        authority.issue(
            "kube-apiserver",
            dns=(
                "localhost",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                "kubernetes.default.svc.cluster.local",
            ),
            ips=tuple(dict.fromkeys(("127.0.0.1", service_address, *addresses))),
        ),
    )
    keyring.keep("kubelet-client", authority.issue("kube-apiserver-kubelet-client", organization="system:masters"))
    keyring.keep("service-account", signing_pair())
    return keyring


def etcd_command(program: Path, *, data: Path, port: int, peer_port: int) -> list[str]:
    """etcd on loopback, without fsync, since the cluster is disposable."""
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peer_port}"
    return [
        str(program),
        "--name=local",
        f"--data-dir={data}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=local={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def apiserver_command(
    program: Path,
    credentials: Credentials,
    *,
    etcd_port: int,
    bind_address: str,
    advertise_address: str,
    port: int,
    service_range: str,
    extra: tuple[str, ...] = (),
) -> list[str]:
    """kube-apiserver with certificates, RBAC and service-account tokens, as in a real cluster.

    ``extra`` flags come last, so they override the ones given here.
    """
    return [
        str(program),
        f"--etcd-servers=http://127.0.0.1:{etcd_port}",
        f"--bind-address={bind_address}",
        f"--secure-port={port}",
        f"--advertise-address={advertise_address}",
        f"--service-cluster-ip-range={service_range}",
        f"--tls-cert-file={credentials.certificate_file('apiserver')}",
        f"--tls-private-key-file={credentials.key_file('apiserver')}",
        f"--client-ca-file={credentials.authority_file}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={credentials.certificate_file('service-account')}",
        f"--service-account-signing-key-file={credentials.key_file('service-account')}",
        f"--kubelet-client-certificate={credentials.certificate_file('kubelet-client')}",
        f"--kubelet-client-key={credentials.key_file('kubelet-client')}",
        f"--kubelet-certificate-authority={credentials.authority_file}",
        "--kubelet-preferred-address-types=InternalIP",
        "--profiling=false",
        *extra,
    ]
