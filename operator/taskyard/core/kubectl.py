"""The commands that messages to people name: each has its namespace, so that it can be copied as it is."""

from __future__ import annotations

from taskyard.core.pod_view import PodView


def logs(pod: PodView, container: str, *, previous: bool = False) -> str:
    """The command that shows the output of a container; `previous`: of its last run, when it was restarted since."""
    return f"kubectl logs {pod.name} -n {pod.namespace} -c {container}{' --previous' if previous else ''}"


def describe_pod(pod: PodView) -> str:
    """The command that shows a Pod with its Events."""
    return f"kubectl describe pod {pod.name} -n {pod.namespace}"


def describe_claims(namespace: str) -> str:
    """The command that shows the claims of a namespace with their Events."""
    return f"kubectl describe pvc -n {namespace}"


def delete_claim(namespace: str, claim: str) -> str:
    """The command that deletes a claim."""
    return f"kubectl delete pvc {claim} -n {namespace}"


def annotate_claim(namespace: str, claim: str, annotation: str, *, overwrite: bool) -> str:
    """The command that sets an annotation (`name=value`) of a claim."""
    return f"kubectl -n {namespace} annotate pvc {claim} {annotation}{' --overwrite' if overwrite else ''}"


def create_secret(namespace: str, secret: str, key: str) -> str:
    """The command that creates a Secret with an address under one key."""
    return f"kubectl -n {namespace} create secret generic {secret} --from-literal={key}=ADDRESS"


def grant_secret(namespace: str, secret: str, *, role: str, account: str) -> str:
    """The commands that let a service account, `namespace:name`, read one Secret."""
    return (
        f"kubectl -n {namespace} create role {role} --verb=get --resource=secrets --resource-name={secret} && "
        f"kubectl -n {namespace} create rolebinding {role} --role={role} --serviceaccount={account}"
    )
