"""Selects templates: those that the caller may see, by a query or by a name."""

from dataclasses import dataclass, replace

from taskyard.gateway.http.errors import HttpError
from taskyard.gateway.rest import identifiers
from taskyard.gateway.rest.access import authorization, namespaces
from taskyard.gateway.rest.access.authentication import Person
from taskyard.gateway.rest.access.namespaces import Owner
from taskyard.gateway.rest.cache.template_lookup import TemplateFamily, family
from taskyard.gateway.rest.context import RestContext
from taskyard.gateway.rest.errors import not_found
from taskyard.gateway.rest.search.terms import QueryError, SearchTerms


@dataclass(frozen=True)
class TemplateQuery:
    """What to list; an empty text or set, and None, match everything. All texts are in lower case."""

    organization: str = ""
    exact_name: str = ""
    name: str = ""
    exact_display_name: str = ""
    display_name: str = ""
    ids: frozenset[str] = frozenset()
    author: str = ""
    author_id: frozenset[str] = frozenset()
    has_ai_task: bool | None = None
    deprecated: bool | None = None
    deleted: bool | None = None
    has_external_agent: bool | None = None

    def takes(self, found: TemplateFamily, owner: Owner) -> bool:
        """Whether the query selects a template of that owner. The organization, and `me` as the author, are not looked
        at."""
        name, title = found.name.lower(), (found.display_name or found.name).lower()
        return (
            self.exact_name in ("", name)
            and self.name in name
            and self.exact_display_name in ("", title)
            and self.display_name in title
            and (not self.ids or found.id in self.ids)
            and self.author in ("", owner.namespace, owner.user.lower())
            and (not self.author_id or owner.id in self.author_id)
            and self.has_ai_task in (None, found.has_agent)
            # Nothing here is ever deprecated, or shown once it is deleted.
            and not self.deprecated
            and not self.deleted
            and not self.has_external_agent
        )


def parse(text: str) -> TemplateQuery:
    """Read the query of `GET /templates?q=`; bare words are a part of the title. Raises QueryError."""
    terms = SearchTerms(text, bare=lambda words: {"display_name": words})
    found = TemplateQuery(
        organization=terms.text("organization"),
        exact_name=terms.text("exact_name"),
        name=terms.text("name"),
        exact_display_name=terms.text("exact_display_name"),
        display_name=terms.text("display_name"),
        ids=terms.uuids("ids"),
        author=terms.text("author"),
        author_id=terms.uuids("author_id"),
        has_ai_task=terms.flag("has-ai-task"),
        deprecated=terms.flag("deprecated"),
        deleted=terms.flag("deleted"),
        has_external_agent=terms.flag("has_external_agent"),
    )
    terms.check()
    return found


async def listed(context: RestContext, person: Person, text: str) -> list[TemplateFamily]:
    """The templates that a query selects and that Tasks can use, those of the namespace of `me` first. Raises HttpError
    400 for an invalid query."""
    try:
        query = parse(text)
        if query.organization and not context.is_organization(query.organization):
            raise QueryError.unknown("organization", "organization", query.organization)
    except QueryError as error:
        raise error.response("template") from error
    if query.author == namespaces.ME:
        query = replace(query, author=context.home(person))
    return [
        entry
        for entry in await visible(context, person)
        # A template whose active version does not exist (yet) cannot be used.
        if entry.active is not None and query.takes(entry, namespaces.owner_named(context.cache, entry.namespace))
    ]


async def visible(context: RestContext, person: Person) -> list[TemplateFamily]:
    """The templates that the person may see: those of the namespace of `me`, then by namespace and name."""
    cache, home = context.cache, context.home(person)
    known = {(entry.namespace, entry.template) for entry in cache.template_versions}
    known |= {(entry.namespace, entry.name) for entry in cache.templates}
    readable = await context.authorization.namespaces(
        person, "list", authorization.TEMPLATE_VERSIONS, (namespace for namespace, _ in known)
    )
    ordered = sorted(known, key=lambda key: (key[0] != home, *key))
    return [family(cache, namespace, name) for namespace, name in ordered if namespace in readable]


async def named(context: RestContext, person: Person, name: str, *, namespace: str = "") -> TemplateFamily:
    """The template of a name in any case, or of an id: in the given namespace (as in `{user}`); else in that of `me`;
    else in the only one that has it. Raises HttpError 404, and 400 with the candidates if several have it."""
    owner = context.owner(namespace, person) if namespace else None
    uid = identifiers.parsed(name)
    found = [
        entry
        for entry in await visible(context, person)
        if (entry.id == uid or entry.name.lower() == name.lower())
        and (not namespace or (owner is not None and entry.namespace == owner.namespace))
    ]
    home = context.home(person)
    found = [entry for entry in found if entry.namespace == home] or found
    # A template whose active version does not exist (yet) stands in nobody's way.
    found = [entry for entry in found if entry.active is not None] or found
    if not found:
        raise not_found()
    if found[1:]:
        candidates = ", ".join(f"{entry.namespace}/{entry.name}" for entry in found)
        raise HttpError(
            400,
            f'Several namespaces have a template "{name}".',
            detail=f"Name it with its namespace, as one of {candidates}.",
        )
    return found[0]
