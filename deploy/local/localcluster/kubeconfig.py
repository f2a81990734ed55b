"""Kubeconfig files, as JSON (which is YAML): how kubectl and the components find the API server."""

import base64
import json

from localcluster.certificates import Pair


def render(*, server: str, authority: bytes, client: Pair, user: str, context: str = "taskyard-local") -> str:
    """A kubeconfig with one context. ``server`` is a URL; certificates are PEM and are embedded in the file."""

    def inline(pem: bytes) -> str:
        return base64.b64encode(pem).decode()

    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": context, "cluster": {"server": server, "certificate-authority-data": inline(authority)}}
            ],
            "users": [
                {
                    "name": user,
                    "user": {
                        "client-certificate-data": inline(client.certificate),
                        "client-key-data": inline(client.key),
                    },
                }
            ],
            "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
            "current-context": context,
        },
        indent=2,
    )
