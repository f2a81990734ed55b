"""Namespaces as users: which namespace the `{user}` of a path stands for."""

import re
from dataclasses import dataclass

from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.cache.cache import Cache
from taskyard.gateway.rest.cache.objects.namespace import NamespaceView

ME = "me"

_SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:(?P<namespace>[^:]+):[^:]+")


@dataclass(frozen=True)
class Owner:
    """A namespace that exists. `user` is the user whom its annotation names, else empty."""

    namespace: str
    id: str
    user: str
    created_at: str


def owner_of(found: NamespaceView) -> Owner:
    """A namespace as an owner."""
    return Owner(namespace=found.name, id=found.uid, user=found.user, created_at=found.created_at)


def owner_named(cache: Cache, namespace: str) -> Owner:
    """The owner of a namespace's objects, even if the cache does not have the namespace (yet)."""
    found = cache.namespace(namespace)
    if found is None:
        return Owner(namespace=namespace, id=identifiers.owner(namespace), user="", created_at="1970-01-01T00:00:00Z")
    return owner_of(found)


def home_of(cache: Cache, person: Person, *, default: str) -> str:
    """The namespace that `me` stands for: one annotated as the person's, else that of the service account, else the
    installation's default."""
    for found in cache.namespaces_of_user(person.user.username):
        # User names that differ only in case are those of different users.
        if found.user == person.user.username:
            return found.name
    account = _SERVICE_ACCOUNT.fullmatch(person.user.username)
    return account["namespace"] if account else default


def find(cache: Cache, text: str, person: Person, *, default: str) -> Owner | None:
    """The namespace of a UUID, a name, a user's name or e-mail address, or `me`."""
    if text.lower() == ME:
        found = cache.namespace(home_of(cache, person, default=default))
    elif uid := identifiers.parsed(text):
        found = cache.namespace_of_uid(uid)
    else:
        annotated = cache.namespaces_of_user(text)
        found = cache.namespace(text.lower()) or (annotated[0] if annotated else None)
    return owner_of(found) if found else None
