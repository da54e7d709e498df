"""A project: ``matrix.toml`` and every file it names."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import matrix
from matrix.core.errors import UsageError
from matrix.core.model import Environment, Project
from matrix.loading import catalogue as catalogue_file
from matrix.loading import inventory as inventory_file
from matrix.loading.catalogue import CatalogueFile
from matrix.loading.faults import Faults
from matrix.loading.formats import Surroundings
from matrix.loading.inventory import InventoryFile
from matrix.loading.policy import check_policy, read_policy
from matrix.loading.settings import ProjectFile
from matrix.loading.source import Source, shown_path

FILE = "matrix.toml"

Names = Mapping[str, tuple[str, ...]]


def find_project(start: Path) -> Path:
    """The ``matrix.toml`` in *start* or the nearest folder above it; UsageError when none is."""
    start = start.absolute()
    if start.is_file():
        return start
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
    raise UsageError(
        f"no {FILE} in {shown_path(start)} or above it: go to your project, or make one with"
        " `matrix init`"
    )


def load_project(start: Path, *, inventory: Sequence[Path] = ()) -> Project:
    """The project that *start* lies in, with *inventory* in place of its own inventories.

    Raises UsageError when there is no project, ConfigError with every fault of every file.
    """
    faults = Faults()
    main = faults.read(find_project(start), within=None)
    project = None if main is None else _project(main, inventory, faults)
    faults.stop_if_any()
    if project is None:
        message = "a project that cannot be read has faults"
        raise AssertionError(message)
    return project


def _project(main: Source, chosen: Sequence[Path], faults: Faults) -> Project | None:
    """The project, or None after noting faults; each file is looked at whatever the others are."""
    root = main.path.parent
    settings = faults.check(main, ProjectFile, Surroundings(folder=root, names={}))
    source = _read_catalogue(main, faults)
    names = {} if source is None else catalogue_file.names_in(source.data)
    catalogue = None if source is None else _check_catalogue(source, names, faults)
    inventories = _read_inventories(main, chosen, faults)
    environments = _check_inventories(inventories, names, faults)
    outside = _outside_probes(main, settings, faults)
    sources = read_policy(main, faults)
    # With inventories chosen for one command, what the policy names may well be absent.
    ids = () if chosen else _cell_ids(names, inventories)
    policy = check_policy(sources, settings.policy if settings else None, ids, faults)
    if faults.found or settings is None or catalogue is None or outside is None or policy is None:
        return None
    return Project(
        root=root,
        name=settings.name,
        services=catalogue_file.services(catalogue),
        images=catalogue_file.images(catalogue),
        bases=catalogue_file.bases(catalogue),
        environments=environments,
        policy=policy,
        catalogue_file=main.path.parent / settings.catalogue,
        policy_file=sources.path,
        outside_probes=outside,
        reports=settings.reports,
        state=settings.state,
    )


def _read_catalogue(main: Source, faults: Faults) -> Source | None:
    named = main.data.get("catalogue")
    if not isinstance(named, str):
        return None
    root = main.path.parent
    return faults.read(root / named, within=root)


def _check_catalogue(source: Source, names: Names, faults: Faults) -> CatalogueFile | None:
    surroundings = Surroundings(folder=source.path.parent, names=names)
    catalogue = faults.check(source, CatalogueFile, surroundings)
    catalogue_file.check_together(source, faults)
    return catalogue


def _read_inventories(
    main: Source, chosen: Sequence[Path], faults: Faults
) -> tuple[Source | None, ...]:
    paths = tuple(_inventory_paths(main, chosen))
    return tuple(faults.read(path, within=within) for path, within in paths)


def _check_inventories(
    sources: Sequence[Source | None], names: Names, faults: Faults
) -> tuple[Environment, ...]:
    """Environments of all inventories, in order; those of a file with faults are left out."""
    found: list[Environment] = []
    owners: dict[str, Source] = {}
    for source in sources:
        if source is None:
            continue
        file = _check_inventory(source, names, faults)
        found.extend(() if file is None else inventory_file.environments(file))
        for name in inventory_file.names_in(source.data):
            if owners.setdefault(name, source) is not source:
                faults.add(
                    source,
                    ("environments", name),
                    found=f"also in {shown_path(owners[name].path)}",
                    allowed="a name of its own in all inventories together",
                )
    return tuple(found)


def _inventory_paths(main: Source, chosen: Sequence[Path]) -> Iterator[tuple[Path, Path | None]]:
    """Each inventory, with the folder that its links must not lead out of."""
    if chosen:
        yield from ((path.absolute(), None) for path in chosen)
        return
    root = main.path.parent
    named = main.data.get("inventories")
    for name in named if isinstance(named, list) else []:
        if isinstance(name, str):
            yield root / name, root


def _check_inventory(source: Source, names: Names, faults: Faults) -> InventoryFile | None:
    surroundings = Surroundings(folder=source.path.parent, names=names)
    file = faults.check(source, InventoryFile, surroundings)
    inventory_file.check_together(source, faults)
    return file


def _outside_probes(main: Source, settings: ProjectFile | None, faults: Faults) -> Path | None:
    """The folder the project names, or the one that comes with us: in the wheel, or in a clone."""
    if settings is None or settings.outside_probes is not None:
        return None if settings is None else settings.outside_probes
    package = Path(matrix.__file__).parent
    for folder in (package / "probes" / "outside", package.parent / "probes" / "outside"):
        if folder.is_dir():
            return folder
    faults.add(
        main,
        ("outside_probes",),
        found="nothing, and none came with this installation",
        allowed="a folder with the probes for every service",
    )
    return None


def _cell_ids(names: Names, sources: Sequence[Source | None]) -> tuple[str, ...]:
    """Every cell there will be; () when a file that may name some could not be read."""
    read = [source for source in sources if source is not None]
    columns = [name for source in read for name in inventory_file.names_in(source.data)]
    rows = names.get("service", ()) if len(read) == len(sources) else ()
    return tuple(f"{row}@{column}" for row in rows for column in columns)
