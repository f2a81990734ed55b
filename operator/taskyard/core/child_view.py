"""What decisions see of every object that a Task owns, or that has the name of one."""

from __future__ import annotations

from dataclasses import dataclass

from taskyard.core.ownership import Owners, controller_uid


@dataclass(frozen=True, slots=True)
class ChildView:
    """A build, a claim or a Pod. `task` is the name of the Task that it names, or is labelled with."""

    namespace: str
    name: str
    uid: str
    version: int
    owners: Owners
    task: str
    deleting: bool

    @property
    def resource_version(self) -> str:
        return str(self.version)

    @property
    def owner(self) -> str | None:
        """UID of the Task that controls it."""
        return controller_uid(self.owners)

    @property
    def left_behind_by(self) -> str | None:
        """The name of the Task that it was one of, if it has lost its owner and may be removed."""
        return None
