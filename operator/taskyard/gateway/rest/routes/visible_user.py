"""The user of a path, if the caller may see it."""

from dataclasses import dataclass

from taskyard.gateway.rest.access import authorization, namespaces
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found


@dataclass(frozen=True)
class VisibleUser:
    """A namespace, and the name of the user to whom it belongs: for `me` the caller's."""

    owner: Owner
    name: str

    @property
    def email(self) -> str:
        """The user's e-mail address, if the namespace's annotation is one."""
        return self.owner.user if "@" in self.owner.user else ""


async def visible_user(context: RestContext, person: Person, text: str) -> VisibleUser:
    """The user that `{user}` stands for: the caller, or one whose Tasks the caller may list. Raises HttpError 404."""
    home = context.home(person)
    owner = context.owner(text, person)
    if text.lower() == namespaces.ME:
        owner = namespaces.owner_named(context.cache, home)
    namespace = owner.namespace if owner else text.lower()
    allowed = namespace == home or await context.may(person, "list", authorization.TASKS, namespace)
    if owner is None or not allowed:
        raise not_found()
    return VisibleUser(owner, person.user.username if namespace == home else owner.user)
