"""Python's collector of cycles, let rest while values are made by the million.

Reading a large store and writing its page make millions of values that live as long as the report,
and no cycle among them: each pass of the collector looks at all of them and frees nothing. That
was a third of the time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def resting() -> Iterator[None]:
    """No pass of the collector within; afterwards as it was before. What is not in a cycle is
    freed as ever."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
