"""Leaves out modules that a library loads and this process does not use, or not yet: it runs in every Pod, and every
start of a Task waits for it.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


@contextmanager
def without(modules: Mapping[str, object]) -> Iterator[None]:
    """Until the block is left, whoever imports one of these modules gets what stands here for it, unless the module is
    loaded already. Whoever imports it later gets the real one.
    """
    absent = {name: stand_in for name, stand_in in modules.items() if name not in sys.modules}
    sys.modules.update(absent)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
