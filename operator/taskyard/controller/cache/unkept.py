"""What the API server did not keep of a build's status: its CRDs are older than this operator and drop the field."""

from __future__ import annotations

from taskyard.apiclient import Object

# They are few: those of starts that were refused something, or whose Pod was lost, while the CRDs are old.
MAX_REMEMBERED = 10_000


class Unkept:
    """Fields of builds' status, by the UID of the build. Without them, what was written once would be written for ever.
    A restart forgets them, and writes them once more."""

    def __init__(self) -> None:
        self._fields: dict[str, Object] = {}

    def written(self, patch: Object, answer: Object) -> None:
        """Remember what of the status `patch` is missing in the build that the API server answers with."""
        kept = answer.get("status") or {}
        missing = {field: value for field, value in patch.items() if value is not None and field not in kept}
        if not missing:
            return
        uid = answer["metadata"]["uid"]
        self._fields[uid] = self._fields.get(uid, {}) | missing
        while len(self._fields) > MAX_REMEMBERED:
            del self._fields[next(iter(self._fields))]

    def restored(self, build: Object) -> Object:
        """The build with what was not kept."""
        missing = self._fields.get(build["metadata"]["uid"])
        return build | {"status": missing | (build.get("status") or {})} if missing else build
