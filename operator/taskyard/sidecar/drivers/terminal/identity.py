"""Which program has the terminal: the agent itself, or another one that it was used to start."""

from taskyard.core import agenttype
from taskyard.sidecar.emulator.terminal import Terminal
from taskyard.sidecar.init.frames import Foreground, TerminalState
from taskyard.sidecar.screen import programs
from taskyard.sidecar.screen.program import Program


class Identity:
    """`agent_type` is what the template or the agent's command says; empty: neither does, so the name of the program
    that has the terminal decides, or its banner on the screen; where a shell has it, such words may be anything, and
    its input box, its work or its question has to be there too. A program in the foreground of a shell is a guest: it
    counts until the shell has the terminal again.
    """

    def __init__(self, agent_type: str) -> None:
        self._named = bool(agent_type)
        self._started = self._own = programs.named(agent_type or programs.CUSTOM.name)
        self.begin_run()

    @property
    def program(self) -> Program:
        return self._running or self._by_banner or self._own

    @property
    def _by_banner(self) -> Program | None:
        return self._banner if self._is_drawn or self._name not in agenttype.SHELLS else None

    def begin_run(self) -> None:
        self._own = self._started
        self._running: Program | None = None
        self._banner: Program | None = None
        self._is_drawn = False
        self._name = ""
        self._is_guest = False

    def foreground(self, kernel: TerminalState) -> None:
        """Another process group may have the terminal, or another program."""
        is_guest = kernel.foreground is Foreground.OTHER
        name = kernel.command if is_guest or not self._named else ""
        if (name, is_guest) == (self._name, self._is_guest):
            return
        found = programs.named(agenttype.TYPES.get(name, ""))
        self._running = found if found.known and not self._own.known else None
        self._name, self._is_guest = name, is_guest

    def screen(self, terminal: Terminal) -> None:
        """The screen may show a known program's banner."""
        if self.program.known:
            return
        found = programs.from_screen(terminal, self.program)
        if not found.known:
            return
        if self._is_guest:
            self._running = found
        elif not self._named:
            reading = programs.read(found, terminal)
            self._is_drawn = reading.box is not None or reading.busy or bool(reading.question)
            self._banner = found
