"""The node's programs: their command lines and configuration files, and the objects of a fresh cluster.

Pure: values in, text or plain objects out. Paths are as seen inside the node's mount namespace, where ``/run``,
``/var/log``, ``/var/lib/kubelet`` and ``/var/lib/cni`` are the cluster's own.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from localcluster.network import Plan

NAME = "taskyard"
CGROUP = "taskyard"
API_PORT = 6443
DNS_PORT = 1053
CLUSTER_DOMAIN = "cluster.local"
PAUSE_IMAGE = "localhost/taskyard-pause:1"
STORAGE_CLASS = "standard"
PROVISIONER = "taskyard.dev/local-directory"
CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
ETCD_PORT, ETCD_PEER_PORT = 2379, 2380


@dataclass(frozen=True)
class Settings:
    """One node: where its files are, its addresses, its programs (name to path), and the Python for our own code."""

    state: str
    logs: str
    network: Plan
    programs: dict[str, str]
    cni_plugins: str
    python: str
    python_path: str

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=2)

    @property
    def keys(self) -> Path:
        return Path(self.state) / "keys"

    @property
    def configuration(self) -> Path:
        return Path(self.state) / "configuration"

    @property
    def claims(self) -> Path:
        return Path(self.state) / "claims"

    @property
    def server(self) -> str:
        return f"https://{self.network.node}:{API_PORT}"


def settings_from_json(text: str) -> Settings:
    value = json.loads(text)
    return Settings(**{**value, "network": Plan(**value["network"])})


def containerd_configuration(settings: Settings) -> str:
    """containerd's TOML: only the CRI plugin, on the node's own folders."""
    return f"""\
version = 2
root = "{settings.state}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt",
  "io.containerd.internal.v1.restart",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{CONTAINERD_SOCKET}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  # Without the capability CAP_SYS_RESOURCE, as in many virtual machines and containers, runc cannot lower a score and
  # dies with "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "{settings.cni_plugins}"
  conf_dir = "{settings.configuration}/cni"
"""


def cni_configuration(settings: Settings) -> dict[str, Any]:
    """A veth pair and a route for each Pod. Without a bridge, Service addresses need no bridge netfilter."""
    return {
        "cniVersion": "0.4.0",
        "name": "taskyard",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": False,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-addresses",
                    "ranges": [[{"subnet": settings.network.pods}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }


def kubelet_configuration(settings: Settings) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{settings.keys}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{settings.keys}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{settings.keys}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "clusterDNS": [settings.network.dns_service],
        "clusterDomain": CLUSTER_DOMAIN,
        # No name server outside the cluster can be reached: Pods of dnsPolicy Default get an empty list.
        "resolvConf": f"{settings.configuration}/resolv.conf",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "failCgroupV1": False,
        "nodeLeaseDurationSeconds": 20,
        "failSwapOn": False,
        "enforceNodeAllocatable": [],
        "evictionHard": {
            "memory.available": "50Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        # A removed image could not be pulled again, since there is no registry.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "maxPods": 250,
        "volumePluginDir": f"{settings.state}/volume-plugins",
    }


def proxy_configuration(settings: Settings) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{settings.keys}/kube-proxy.kubeconfig"},
        "clusterCIDR": settings.network.pods,
        "mode": "iptables",
        # The limits of connection tracking belong to the host.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "hostnameOverride": NAME,
    }


def corefile(settings: Settings) -> str:
    """Names of the cluster are answered from the API server; every other name gets NXDOMAIN immediately."""
    zones = (CLUSTER_DOMAIN, "in-addr.arpa", "ip6.arpa")
    return f"""\
{" ".join(f"{zone}:{DNS_PORT}" for zone in zones)} {{
    bind {settings.network.node}
    errors
    ready 127.0.0.1:8181
    kubernetes {" ".join(zones)} {{
        kubeconfig {settings.keys}/coredns.kubeconfig
        ttl 5
    }}
}}
.:{DNS_PORT} {{
    bind {settings.network.node}
    errors
    template ANY ANY {{
        rcode NXDOMAIN
    }}
}}
"""


def commands(settings: Settings) -> dict[str, list[str]]:
    """Command lines of all programs except etcd and the API server, in the order of starting."""
    keys, configuration = settings.keys, settings.configuration
    return {
        "containerd": [settings.programs["containerd"], "--config", f"{configuration}/containerd.toml"],
        "kube-controller-manager": [
            settings.programs["kube-controller-manager"],
            f"--kubeconfig={keys}/kube-controller-manager.kubeconfig",
            f"--root-ca-file={keys}/ca.crt",
            f"--service-account-private-key-file={keys}/service-account.key",
            "--use-service-account-credentials=true",
            # A stopped kubelet is noticed in half the usual time, so that a test of it takes less than a minute.
            "--node-monitor-grace-period=20s",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kube-scheduler": [
            settings.programs["kube-scheduler"],
            f"--kubeconfig={keys}/kube-scheduler.kubeconfig",
            "--leader-elect=false",
            "--secure-port=0",
        ],
        "kubelet": [
            settings.programs["kubelet"],
            f"--config={configuration}/kubelet.json",
            f"--kubeconfig={keys}/kubelet.kubeconfig",
            f"--hostname-override={NAME}",
            f"--node-ip={settings.network.node}",
        ],
        "kube-proxy": [settings.programs["kube-proxy"], f"--config={configuration}/kube-proxy.json"],
        "coredns": [settings.programs["coredns"], "-conf", f"{configuration}/Corefile"],
        "provisioner": [settings.python, "-m", "localcluster.provisioner", f"{settings.state}/settings.json"],
    }


def configuration_files(settings: Settings) -> dict[str, str]:
    """Relative path under ``configuration`` to content."""
    return {
        "containerd.toml": containerd_configuration(settings),
        "cni/10-taskyard.conflist": json.dumps(cni_configuration(settings), indent=2),
        "kubelet.json": json.dumps(kubelet_configuration(settings), indent=2),
        "kube-proxy.json": json.dumps(proxy_configuration(settings), indent=2),
        "Corefile": corefile(settings),
        "resolv.conf": "",
    }


def objects(settings: Settings) -> list[tuple[str, dict[str, Any]]]:
    """The objects of a fresh cluster besides Kubernetes' own, as (path in the API, object).

    CoreDNS is a process of the node, so its Service has no selector and its EndpointSlice names the node's address.
    """
    ports = [
        {"name": name, "protocol": protocol, "port": 53} for name, protocol in (("dns", "UDP"), ("dns-tcp", "TCP"))
    ]
    return [
        (
            "/api/v1/namespaces/kube-system/services/kube-dns",
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": "kube-dns", "namespace": "kube-system", "labels": {"k8s-app": "kube-dns"}},
                "spec": {
                    "clusterIP": settings.network.dns_service,
                    "ports": [{**port, "targetPort": DNS_PORT} for port in ports],
                },
            },
        ),
        (
            "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices/kube-dns-node",
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": "kube-dns-node",
                    "namespace": "kube-system",
                    "labels": {
                        "kubernetes.io/service-name": "kube-dns",
                        "endpointslice.kubernetes.io/managed-by": "localcluster",
                    },
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": [settings.network.node], "conditions": {"ready": True}}],
                "ports": [{**port, "port": DNS_PORT} for port in ports],
            },
        ),
        (
            f"/apis/storage.k8s.io/v1/storageclasses/{STORAGE_CLASS}",
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {
                    "name": STORAGE_CLASS,
                    "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
                },
                "provisioner": PROVISIONER,
                "reclaimPolicy": "Delete",
                "volumeBindingMode": "Immediate",
            },
        ),
    ]
