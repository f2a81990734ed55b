"""Removes HTML's tags from text. `<https://…>`, `vector<int>` and whatever else stands in angle brackets is text."""

import re

from taskyard.lazypattern import pattern

_NAMES = (
    "a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink "
    "blockquote body br button canvas caption center cite code col colgroup data datalist dd del details dfn "
    "dialog dir div dl dt em embed fieldset figcaption figure font footer form frame frameset h1 h2 h3 h4 h5 "
    "h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen label legend li link "
    "listing main map mark marquee math menu menuitem meta meter nav nobr noembed noframes noscript object ol "
    "optgroup option output p param picture plaintext pre progress q rb rp rt rtc ruby s samp script search "
    "section select slot small source spacer span strike strong style sub summary sup svg table tbody td "
    "template textarea tfoot th thead time title tr track tt u ul var video wbr xmp"
)
_KNOWN = frozenset(_NAMES.split())
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_ATTRIBUTE = r"""[\s/]+[^\s"'<>/=]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?"""
_MARKUP = pattern(
    rf"<!--.*?-->|<!doctype\b[^<>]*>|<(?P<end>/?)(?P<name>[a-z][a-z0-9]*)(?P<attributes>(?:{_ATTRIBUTE})*)[\s/]*>",
    re.DOTALL | re.IGNORECASE,
)

# What stands before a type's parameter: `List`, or `Map<List` in `Map<List<Object>>`.
_TYPE = pattern(r"(?:^|[^\w<])\w+(?:<\w+)*$")


def without_tags(text: str) -> str:
    """The text without comments and tags of HTML. A tag has a name that HTML knows. What directly follows a word, and
    has neither attributes nor an end tag, is a type's parameter as in `List<Object>`, unless the tag never has an end.
    """
    # Repeated until nothing changes: the text around a removed tag can form another one.
    while (shorter := _MARKUP.sub(lambda found: found[0] if _is_text(found) else "", text)) != text:
        text = shorter
    return text


def _is_text(found: re.Match[str]) -> bool:
    if found["name"] is None:
        return False
    name = found["name"].lower()
    if name not in _KNOWN:
        return True
    if found["end"] or found["attributes"] or name in _VOID:
        return False
    is_parameter = _TYPE.search(found.string, 0, found.start()) is not None
    return is_parameter and f"</{name}" not in found.string[found.end() :].lower()
