"""What a server must have for services of a project: from its files and what was measured."""

from collections.abc import Iterator, Mapping, Sequence

from matrix.answer import read_report
from matrix.app import probes_of
from matrix.core.errors import EngineError
from matrix.core.grid import Grid
from matrix.core.model import Limits, Service
from matrix.core.needs import Need, Passed, Subject, needs_of
from matrix.core.verdict import Verdict
from matrix.site import Site
from matrix.wiring import images_of, known_images, source_engine

_PASSED = (Verdict.PASSED, Verdict.WARNED)


def needs(site: Site, services: Sequence[Service]) -> tuple[Need, ...]:
    """What a server must or should have, and what checks it; starts nothing.

    The engine that has the images is asked how large they are, and the store on which engines the
    services passed. Raises ProbeCodeError.
    """
    names = [service.name for service in services]
    return needs_of(
        Subject(
            services=tuple(services),
            probes={name: probes_of(site, name) for name in names},
            image_bytes=_image_bytes(site, services),
            floor_bytes=Limits().free_disk_floor_bytes,
            passed=tuple(_passed(read_report(site).grid, names)),
        )
    )


def _image_bytes(site: Site, services: Sequence[Service]) -> Mapping[str, int]:
    """Those that are built; {} where no engine can tell."""
    known, wanted = known_images(site.project), images_of(services)
    try:
        engine = source_engine()
    except EngineError:
        return {}
    try:
        found = {name: engine.inspect_image(known[name]) for name in wanted if known.get(name)}
    except EngineError:
        return {}
    finally:
        engine.close()
    return {name: image.size_bytes for name, image in found.items() if image is not None}


def _passed(grid: Grid, services: Sequence[str]) -> Iterator[Passed]:
    for at, cell in grid.cells.items():
        finding = grid.findings.get(at.environment)
        if at.service not in services or cell.verdict not in _PASSED or finding is None:
            continue
        for host in finding.hosts:
            name, version = host.facts.get("engine.name"), host.facts.get("engine.version")
            if isinstance(name, str) and isinstance(version, str):
                yield Passed(service=at.service, engine=name, version=version)
