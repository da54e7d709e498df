"""The plan: order, what is left out, and its hash."""

from dataclasses import replace
from pathlib import Path

from builders.hosts import a_planned_cell, planned_probe
from hypothesis import given, settings
from hypothesis import strategies as st

from matrix.core.model import (
    CellId,
    Environment,
    Host,
    Kind,
    Policy,
    Project,
    RunSettings,
    Service,
    SshAddress,
)
from matrix.core.planning import in_order_of, make_plan, quickest_first, slowest_first
from matrix.core.result import PlannedProbe, Side
from matrix.core.selection import select


def service(name, **changes):
    base = Service(
        name=name,
        title=name,
        contents="",
        image=name,
        settings=RunSettings(),
        probes=(Path(f"/here/{name}"),),
    )
    return replace(base, **changes)


def environment(name, **changes):
    address = SshAddress(address="10.0.0.1", user="u", identity_file=Path("/here/key"))
    host = Host(name=f"{name}-1", connection="ssh", ssh=address)
    base = Environment(name=name, title=name, kind=Kind.QA, hosts=(host,), engine="docker")
    return replace(base, **changes)


PROJECT = Project(
    root=Path("/here"),
    name="p",
    services=(service("queue"), service("web")),
    images=(),
    environments=(environment("qa"), environment("prod", exclusions={"web": "no licence"})),
    policy=Policy(),
    catalogue_file=Path("/p/images/catalogue.toml"),
    policy_file=Path("/p/policy.toml"),
    outside_probes=Path("/here/o"),
    reports=Path("/here/r"),
    state=Path("/here/s"),
)


def probe(name, folder="/here"):
    return PlannedProbe(id=name, side=Side.INSIDE, title=name, file=Path(folder) / name)


PROBES = {"queue": (probe("a"), probe("b")), "web": (probe("c"),)}
DIGESTS = {"queue": "1", "web": "2"}


def plan(project=PROJECT, cells=None, probes=PROBES, digests=DIGESTS, durations=None):
    cells = select(project) if cells is None else cells
    return make_plan(project, cells, probes, digests, durations=durations or {})


def cell(text):
    row, column = text.split("@")
    return CellId(service=row, environment=column)


def test_an_excluded_cell_is_left_out_with_its_reason():
    made = plan()
    assert [str(one.cell) for one in made.cells] == ["queue@qa", "web@qa", "queue@prod"]
    assert [(str(out.cell), out.reason) for out in made.left_out] == [("web@prod", "no licence")]


def test_a_cell_carries_its_service_environment_and_probes():
    first = plan().cells[0]
    assert (first.service.name, first.environment.name) == ("queue", "qa")
    assert [one.id for one in first.probes] == ["a", "b"]


def test_only_the_digests_of_planned_services_are_kept():
    assert plan(cells=[cell("queue@qa")]).probes_digests == {"queue": "1"}


def test_the_slowest_environment_comes_first_and_in_it_the_slowest_cell():
    cells = [cell(text) for text in ("a@x", "b@x", "a@y", "b@y")]
    durations = {cells[0]: 1.0, cells[1]: 2.0, cells[2]: 5.0}
    # b@y was never timed: it counts as the mean, 2.67 seconds.
    assert [str(one) for one in slowest_first(cells, durations)] == ["a@y", "b@y", "b@x", "a@x"]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), unique=True),
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), st.floats(0, 1000), max_size=9
    ),
)
def test_ordering_keeps_every_cell_once_and_environments_together(pairs, durations):
    cells = [CellId(service=row, environment=column) for row, column in pairs]
    times = {CellId(service=row, environment=col): time for (row, col), time in durations.items()}
    ordered = slowest_first(cells, times)
    assert sorted(ordered) == sorted(cells)
    columns = [one.environment for one in ordered]
    runs = [
        column for before, column in zip(["", *columns], columns, strict=False) if before != column
    ]
    assert len(runs) == len(set(runs))


def test_without_known_times_the_order_is_that_of_the_environments():
    assert [str(one) for one in slowest_first([cell("a@x"), cell("a@y"), cell("b@x")], {})] == [
        "a@x",
        "b@x",
        "a@y",
    ]


def test_the_same_plan_elsewhere_has_the_same_digest():
    moved_service = service("queue", probes=(Path("/there/queue"),))
    elsewhere = replace(
        PROJECT, root=Path("/there"), services=(moved_service, service("web", probes=()))
    )
    probes = {"queue": (probe("a", "/there"), probe("b", "/there")), "web": (probe("c"),)}
    times = {cell("queue@prod"): 9.0}
    assert plan(elsewhere, probes=probes, durations=times).digest == plan().digest


def test_whatever_changes_what_is_measured_changes_the_digest():
    slower = service("queue", settings=RunSettings(memory_bytes=1))
    other_port = environment("qa", hosts=(Host(name="qa-1", connection="local"),))
    changed = [
        plan(),
        plan(replace(PROJECT, services=(slower, service("web")))),
        plan(replace(PROJECT, environments=(other_port, PROJECT.environments[1]))),
        plan(digests={**DIGESTS, "web": "3"}),
        plan(probes={**PROBES, "web": ()}),
        plan(cells=[cell("queue@qa")]),
    ]
    assert len({made.digest for made in changed}) == len(changed)


def test_a_probe_for_some_engines_is_planned_only_where_one_of_them_runs_the_containers():
    everywhere = planned_probe("outside/a")
    swarms = replace(planned_probe("outside/b"), engines=("swarm",))
    cell = replace(a_planned_cell(), probes=(everywhere, swarms))
    assert cell.on_engines({"docker"}).probes == (everywhere,)
    assert cell.on_engines({"docker", "swarm"}).probes == (everywhere, swarms)


def test_the_first_host_of_an_environment_is_the_manager_of_its_cluster():
    first = Host(name="one", connection="local")
    other = Host(name="two", connection="local", engine="docker")
    place = replace(a_planned_cell().environment, engine="swarm", hosts=(first, other))
    assert place.roles_of(first) == {"swarm", "swarm-manager"}
    assert place.roles_of(other) == {"docker"}


def test_the_quickest_service_comes_first_and_one_never_timed_by_what_it_may_take():
    seconds, most = {"queue": 38.0, "web": 20.0}, {"queue": 1.0, "web": 1.0, "api": 30.0, "x": 60.0}
    order = quickest_first(["queue", "web", "x", "api"], seconds, most)
    assert order == ("web", "api", "queue", "x")
    assert quickest_first(["b", "a"], {}, {"a": 5.0, "b": 5.0}) == ("b", "a")


def test_a_plan_in_another_order_is_the_same_plan():
    made = plan()
    turned = in_order_of(made, ["web", "nobody"])
    assert [str(one.cell) for one in turned.cells] == ["web@qa", "queue@qa", "queue@prod"]
    assert (turned.digest, turned.left_out) == (made.digest, made.left_out)
