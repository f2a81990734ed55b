"""Makes volumes for claims: directories of mode 0777 on the node, removed with their volume.

The controller-manager's own host-path provisioner makes directories that only root can write to, and ignores fsGroup.
Runs as a process of the node: ``python -m localcluster.provisioner settings.json``.
"""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from localcluster import node
from localcluster.client import Client, RefusedError

_CLAIMS = "/api/v1/persistentvolumeclaims"
_VOLUMES = "/api/v1/persistentvolumes"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


def volume_for(claim: dict[str, Any], claims: Path) -> dict[str, Any] | None:
    """The PersistentVolume that a claim waits for; None when this provisioner does not serve the claim."""
    spec, metadata = claim["spec"], claim["metadata"]
    if (
        spec.get("storageClassName") != node.STORAGE_CLASS
        or spec.get("volumeName")
        or metadata.get("deletionTimestamp")
        or claim.get("status", {}).get("phase") != "Pending"
    ):
        return None
    name = f"pvc-{metadata['uid']}"
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: node.PROVISIONER}},
        "spec": {
            "accessModes": spec["accessModes"],
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
                "uid": metadata["uid"],
            },
            "hostPath": {"path": str(claims / name), "type": "Directory"},
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": node.STORAGE_CLASS,
            "volumeMode": spec.get("volumeMode", "Filesystem"),
        },
    }


def is_to_be_removed(volume: dict[str, Any]) -> bool:
    """Whether a volume is ours and its claim is gone."""
    return (
        volume["metadata"].get("annotations", {}).get(_PROVISIONED_BY) == node.PROVISIONER
        and volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete"
        and volume.get("status", {}).get("phase") == "Released"
        and not volume["metadata"].get("deletionTimestamp")
    )


def provide(client: Client, claims: Path, claim: dict[str, Any]) -> None:
    volume = volume_for(claim, claims)
    if volume is None:
        return
    directory = claims / volume["metadata"]["name"]
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o777)
    try:
        client.create(_VOLUMES, volume)
        print(f"made {directory.name} for {claim['metadata']['namespace']}/{claim['metadata']['name']}", flush=True)
    except RefusedError as refused:
        if refused.status != 409:
            raise


def remove(client: Client, claims: Path, volume: dict[str, Any]) -> None:
    if not is_to_be_removed(volume):
        return
    name = volume["metadata"]["name"]
    shutil.rmtree(claims / name, ignore_errors=True)
    try:
        client.delete(f"{_VOLUMES}/{name}")
        print(f"removed {name}", flush=True)
    except RefusedError as refused:
        if refused.status != 404:
            raise


def _for_ever(client: Client, path: str, handle: Callable[[dict[str, Any]], None]) -> None:
    while True:
        try:
            for found in client.watch(path):
                handle(found)
        except (RefusedError, OSError, ValueError) as error:
            print(f"{path}: {error}", flush=True)
            time.sleep(1)


def main(settings_file: str) -> None:
    settings = node.settings_from_json(Path(settings_file).read_text())
    keys, claims = settings.keys, settings.claims
    client = Client(
        settings.server,
        authority=keys / "ca.crt",
        certificate=keys / "provisioner.crt",
        key=keys / "provisioner.key",
    )
    threading.Thread(
        target=_for_ever, args=(client, _VOLUMES, lambda volume: remove(client, claims, volume)), daemon=True
    ).start()
    _for_ever(client, _CLAIMS, lambda claim: provide(client, claims, claim))


if __name__ == "__main__":
    main(sys.argv[1])
