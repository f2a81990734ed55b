"""Namespaces as users: which namespace the `{user}` of a path stands for."""

import re
from dataclasses import dataclass

from taskyard.apiclient import Object
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.cache import USER_ANNOTATION, Cache

ME = "me"

_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):[^:]+")


@dataclass(frozen=True)
class Owner:
    """A namespace that exists. `user` is the user whom its annotation names, else empty."""

    namespace: str
    id: str
    user: str
    created_at: str


def owner_of(manifest: Object) -> Owner:
    """A namespace as an owner."""
    metadata = manifest["metadata"]
    return Owner(
        namespace=metadata["name"],
        id=metadata["uid"],
        user=metadata["annotations"].get(USER_ANNOTATION, ""),
        created_at=metadata["creationTimestamp"],
    )


def owner_named(cache: Cache, namespace: str) -> Owner:
    """The owner of a namespace's objects, even if the cache does not have the namespace (yet)."""
    manifest = cache.namespace(namespace)
    if manifest is None:
        return Owner(namespace=namespace, id=identifiers.owner(namespace), user="", created_at="1970-01-01T00:00:00Z")
    return owner_of(manifest)


def home_of(cache: Cache, person: Person, *, default: str) -> str:
    """The namespace that `me` stands for: one annotated as the person's, else that of the service account, else the
    installation's default."""
    for manifest in cache.namespaces_of_user(person.user.username):
        # User names that differ only in case are those of different users.
        if manifest["metadata"]["annotations"][USER_ANNOTATION] == person.user.username:
            return str(manifest["metadata"]["name"])
    account = _SERVICE_ACCOUNT.fullmatch(person.user.username)
    return account["namespace"] if account else default


def find(cache: Cache, text: str, person: Person, *, default: str) -> Owner | None:
    """The namespace of a UUID, a name, a user's name or e-mail address, or `me`."""
    if text.lower() == ME:
        manifest = cache.namespace(home_of(cache, person, default=default))
    elif uid := identifiers.parsed(text):
        manifest = cache.namespace_of_uid(uid)
    else:
        annotated = cache.namespaces_of_user(text)
        manifest = cache.namespace(text.lower()) or (annotated[0] if annotated else None)
    return owner_of(manifest) if manifest else None
