"""What a plan is made of: ids, sides, titles, markers, and everything that is refused."""

from pathlib import Path

import pytest

from matrix.core.errors import ProbeCodeError
from matrix.core.result import Side
from matrix.probing.sources import digest, find_sources


def test_a_probe_is_described_by_its_code(bench):
    file = bench.write(
        '''
        @pytest.fixture
        def logs(container): return container.logs()

        @pytest.mark.warn
        @pytest.mark.timeout(5)
        @pytest.mark.requires(architecture=["amd64", "arm64"])
        @pytest.mark.requires(cpus=2)
        @pytest.mark.engines("docker", "podman")
        def test_is_kept(host):
            """Data is kept.

            Whatever happens.
            """

        @pytest.mark.parametrize("port", [1, "a b"])
        def test_answers_quickly(outside, port): pass

        class TestLogs:
            def test_are_written(self, logs): pass
        '''
    )
    kept, one, two, logs = bench.collect()
    assert (kept.id, kept.side) == ("queue/test_it.py::test_is_kept", Side.INSIDE)
    assert (kept.title, kept.warn, kept.timeout_seconds) == ("Data is kept", True, 5.0)
    assert kept.requires == {"architecture": ["amd64", "arm64"], "cpus": 2}
    assert (kept.engines, one.engines) == (("docker", "podman"), ())
    assert kept.file == file
    assert (one.id, one.side) == ("queue/test_it.py::test_answers_quickly[1]", Side.OUTSIDE)
    assert (two.title, two.timeout_seconds) == ("answers quickly [a b]", 30.0)
    assert (logs.id, logs.side) == ("queue/test_it.py::TestLogs::test_are_written", Side.OUTSIDE)


def test_the_two_controls_come_first(bench, prober):
    bench.write("def test_it(): pass")
    ids = [probe.id for probe in prober.collect((bench.folder,))]
    assert ids[:2] == ["control/planted_nonce_is_seen", "control/unplanted_nonce_is_not_seen"]


def test_ids_do_not_depend_on_where_the_folder_lies(prober, tmp_path):
    found = []
    for place in ("a/queue", "deep/er/queue"):
        folder = tmp_path / place
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "test_x.py").write_text("def test_it(): pass")
        found.append([probe.id for probe in prober.collect((folder,))])
    assert found[0] == found[1]
    assert found[0][-1] == "queue/sub/test_x.py::test_it"


MISTAKES = {
    "syntax": ("def test_a(: pass", "test_it.py:3: SyntaxError"),
    "import": ("def test_b(): pass\nimport nothing_there", "test_it.py:4: ModuleNotFoundError"),
    "error at import": ("x = 1 / 0", "test_it.py:3: ZeroDivisionError"),
    "no probe": ("x = 1", "test_it.py:1: no probe is in this file"),
    "shadowed": (
        "def test_a(): pass\ndef test_a(): pass",
        "test_it.py:4: test_a is defined twice, the first one would never run",
    ),
    "unknown marker": ("@pytest.mark.wran\ndef test_a(): pass", "'wran' not found"),
    "bad timeout": ("@pytest.mark.timeout('1')\ndef test_a(): pass", "test_it.py:3: timeout takes"),
    "endless timeout": ("@pytest.mark.timeout(0)\ndef test_a(): pass", "timeout takes"),
    "bad requires": ("@pytest.mark.requires('x')\ndef test_a(): pass", "requires takes facts"),
    "requires an object": (
        "@pytest.mark.requires(a=object())\ndef test_a(): pass",
        "requires takes",
    ),
    "no engine": ("@pytest.mark.engines()\ndef test_a(): pass", "engines takes names"),
    "async": ("async def test_a(): pass", "a probe cannot be an async function"),
    "unknown parameter": (
        "@pytest.mark.parametrize('x', [1])\ndef test_a(): pass",
        "no argument 'x'",
    ),
    "ends the process": ("os._exit(0)", "has ended by itself with exit status 0"),
    "leaves pytest": ("pytest.exit('x')", "nothing that can be run"),
    "skips itself": ("pytest.skip('x', allow_module_level=True)", "no probe is in this file"),
}


@pytest.mark.parametrize("name", [name for name in MISTAKES if name != "leaves pytest"])
def test_broken_probe_code_is_refused_with_its_place(bench, name):
    code, message = MISTAKES[name]
    bench.write(code)
    with pytest.raises(ProbeCodeError) as error:
        bench.collect()
    assert message in str(error.value)
    assert str(bench.folder) in str(error.value)
    assert "mx-" not in str(error.value)


def test_every_mistake_is_told_at_once(bench):
    bench.write("import nothing_there", "test_a.py")
    bench.write("x = (", "test_b.py")
    with pytest.raises(ProbeCodeError, match=r"(?s)test_a\.py:3: .*test_b\.py:3: "):
        bench.collect()


def test_a_broken_conftest_is_named(bench):
    bench.write("import nothing_there", "conftest.py")
    bench.write("def test_a(): pass")
    with pytest.raises(ProbeCodeError, match=r"conftest\.py:3: ModuleNotFoundError"):
        bench.collect()


def test_probe_code_that_loops_while_loading_is_given_up(bench, monkeypatch):
    monkeypatch.setattr("matrix.probing.collecting.COLLECT_SECONDS", 0.3)
    bench.write("while True: pass")
    with pytest.raises(ProbeCodeError, match=r"nothing came back in 0\.3 s"):
        bench.collect()


def test_folders_without_probes_or_of_one_name_are_refused(prober, tmp_path):
    for name in ("a/queue", "b/queue", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "a/queue/test_x.py").write_text("def test_it(): pass")
    with pytest.raises(ProbeCodeError, match="no such folder"):
        prober.collect((tmp_path / "missing",))
    with pytest.raises(ProbeCodeError, match="no probe is in this folder"):
        prober.collect((tmp_path / "a/queue", tmp_path / "empty"))
    with pytest.raises(ProbeCodeError, match='two folders of probes are called "queue"'):
        prober.collect((tmp_path / "a/queue", tmp_path / "b/queue"))


def test_a_link_out_of_the_folder_is_refused(bench, tmp_path):
    bench.write("def test_a(): pass")
    (bench.folder / "data").symlink_to("/etc/passwd")
    with pytest.raises(ProbeCodeError, match="not a regular file inside"):
        bench.collect()


def test_a_probe_that_is_gone_since_it_was_planned_taints_the_cell(bench):
    bench.write("def test_a(): pass\ndef test_b(): pass")
    planned = bench.collect()
    report = bench.run("def test_a(): pass", planned=planned)
    assert [result.id[-1] for result in report.results] == ["a"]
    assert [fault.reason for fault in report.faults] == ["probe-code"]
    assert "test_b is not there any more" in report.faults[0].message


def test_only_what_is_planned_is_run_and_in_that_order(bench):
    bench.write("def test_a(): pass\ndef test_b(): pass\ndef test_c(): pass")
    a, _, c = bench.collect()
    assert [result.id for result in bench.run(planned=(c, a)).results] == [c.id, a.id]


def test_the_digest_changes_with_what_belongs_to_the_folder_and_nothing_else(tmp_path):
    folder = tmp_path / "probes" / "queue"
    folder.mkdir(parents=True)
    (folder / "test_a.py").write_text("def test_a(): pass")
    first = digest((folder,))
    for name in ("queue/.hidden", "queue/__init__.py", "queue/x.pyc", "other.py", "../conftest.py"):
        (folder.parent / name).write_text("x")
    assert digest((folder,)) == first
    seen = {first}
    for name in ("queue/data.json", "queue/conftest.py", "conftest.py", "queue/test_a.py"):
        (folder.parent / name).write_text("y")
        seen.add(digest((folder,)))
    assert len(seen) == 5


def test_only_the_two_nearest_conftests_belong_to_a_folder(tmp_path):
    folder = tmp_path / "probes" / "queue"
    (folder / "sub").mkdir(parents=True)
    for place in (tmp_path, folder.parent, folder, folder / "sub"):
        (place / "conftest.py").write_text("")
    assert {source.file for source in find_sources((folder,))} == {
        folder / "conftest.py",
        folder.parent / "conftest.py",
    }
    elsewhere = tmp_path / "checks"
    Path(folder.parent).rename(elsewhere)
    assert {source.file for source in find_sources((elsewhere / "queue",))} == {
        elsewhere / "queue" / "conftest.py"
    }
