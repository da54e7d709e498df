"""The images we delivered stay on a host as a cache, up to the size its environment allows."""

from collections.abc import Collection

from matrix.core.errors import LeftoverError
from matrix.core.store_ports import Intent
from matrix.execution.host import HostSession
from matrix.execution.toolbox import Toolbox


def trim_image_cache(
    tools: Toolbox, session: HostSession, *, run: str, in_use: Collection[str]
) -> tuple[str, ...]:
    """Remove the images delivered longest ago until the cache fits; returns their ids.

    Only images that our journal says we brought are counted and removed, none whose id is *in_use*
    or that belongs to another run which still goes on. Raises what the engine raises.
    """
    engine, cap = session.link().engine, session.environment.limits.image_cache_bytes
    sizes: dict[int, tuple[Intent, int]] = {}
    for number, intent in tools.journal.open_entries():
        if intent.kind == "image" and (intent.environment, intent.host) == (
            session.environment.name,
            session.host.name,
        ):
            image = engine.inspect_image(intent.id) if intent.id else None
            sizes[number] = (intent, image.size_bytes if image else 0)
    total = sum(size for _, size in sizes.values())
    removed = []
    for number, (intent, size) in sizes.items():
        if total <= cap:
            break
        if intent.id in in_use or (intent.run != run and tools.is_alive(intent.run)):
            continue
        try:
            engine.remove_object("image", intent.id)
        except LeftoverError:
            # Somebody else uses it by now: it is theirs, and does not count as our cache.
            continue
        tools.journal.forget(number)
        total -= size
        removed.append(intent.id)
    return tuple(removed)
