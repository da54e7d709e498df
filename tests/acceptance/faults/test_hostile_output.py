"""Whatever a host, an image, a container or a probe says, no report and no terminal acts on it."""

import csv
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from types import SimpleNamespace as Names

import pytest
from builders.report_readers import READERS, Elements, as_html
from builders.trials import Result, Trial, Victim

from matrix.report import FILES

pytestmark = [pytest.mark.engine, pytest.mark.lab]

#: As an argument of ``printf %b``: everything that would do something somewhere.
HOSTILE = (
    r"\0033]0;owned\0007\0033[31mred\0033[2J\0342\0200\0256gnp.exe\0015OVERWRITTEN"
    r"</script><script>alert(1)</script><img src=x onerror=alert(2)>]]>\0000\0377\n=HYPERLINK(1)"
)
#: No control, bidi control, half surrogate or anything XML does not take; line feed and tab stay.
RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
PROBES = f"""
import pytest

SAYS = "printf %b '{HOSTILE.replace(chr(92), chr(92) * 2)}'"

@pytest.mark.parametrize("name", ["<img src=x onerror=alert(3)>", "]]>"])
def test_named(host, name):
    \"\"\"=HYPERLINK(1)<script>alert(5)</script>\"\"\"
    said = host.run(SAYS)
    print(said.stdout)
    assert said.rc == 1, said.stdout

def test_errs(host):
    host.run(SAYS + " >&2; exit 3")
    raise ValueError(host.run(SAYS).stdout)

def test_logs(container, host):
    host.run(SAYS + " > /proc/1/fd/1")
    assert "alert" not in container.logs()

def test_labels(container):
    assert container.inspect()["Config"]["Labels"] is None, container.inspect()["Config"]
"""
UNREADY = f"printf %b '{HOSTILE}' >&2; false"
#: Formats that show cells, beyond those every trial writes.
MORE = ("csv", "ctrf", "in-toto", "github-summary")
#: By these a spreadsheet knows a formula (OWASP, CSV injection).
FORMULAS = ("=", "+", "-", "@", "\t", "\r")
SYSTEM = r"VERSION_ID=<object data=alert(7)>\n"
NAME = "<b onclick=alert(6)>$(id)"


@pytest.fixture(scope="module")
def lying_host(docker_host: Victim) -> Iterator[Victim]:
    """A host whose name and system are markup, with a shell that greets in colours."""
    before = docker_host.sh("hostname")
    docker_host.sh("cp /etc/os-release /root/os-release; cp /home/deploy/.bashrc /root/rc")
    docker_host.sh(f"printf %s '{NAME}' > /proc/sys/kernel/hostname")
    docker_host.sh(f"printf %b '{SYSTEM}' > /etc/os-release")
    greeting = f'PS1="<script>"; printf %b "{HOSTILE}"'
    docker_host.sh(f"cat > /home/deploy/.bashrc <<'END'\n{greeting}\nEND")
    yield docker_host
    docker_host.sh(
        f"hostname {before}; cat /root/os-release > /etc/os-release;"
        "cat /root/rc > /home/deploy/.bashrc"
    )


@pytest.fixture(scope="module")
def run(lying_host: Victim, tmp_path_factory) -> Result:
    trial = Trial(tmp_path_factory.mktemp("hostile"))
    trial.add("says", PROBES, image="fault-hostile", title="<u>says</u>", contents="]]>|`x`")
    trial.add(
        "unready", "def test_it(host): pass\n", readiness={"command": UNREADY, "timeout": "1s"}
    )
    trial.place("docker", lying_host.host(), title="<i>docker</i> | x")
    return trial.run("--retries", "0", *(word for name in MORE for word in ("-r", name)))


def read(run: Result, name: str) -> str:
    """The report of one environment has its name in its own."""
    file = run.reports / FILES[name]
    return (
        file if file.exists() else file.with_name(f"{file.stem}-docker{file.suffix}")
    ).read_text(encoding="utf-8")


def test_hostile_output_changes_no_verdict(run: Result):
    assert run.cell("says@docker").answer[0] == "FAILED", run.cell("says@docker").message
    assert run.cell("unready@docker").answer == ("FAILED", "not-ready")
    assert run.code == 1


def test_the_hostile_words_have_come_all_the_way(run: Result):
    """Else nothing of this tests anything."""
    text = read(run, "json")
    facts = run.host("docker")["facts"]

    for word in ("alert(1)", "alert(2)", "alert(3)", "alert(4)", "alert(5)", "OVERWRITTEN"):
        assert word in text
    assert facts["hostname"] == NAME
    assert "alert(7)" in str(facts)
    assert "␛]0;owned␇" in run.cell("says@docker").document["attempts"][0]["logs"][""]


@pytest.mark.parametrize("name", READERS)
def test_every_report_reads_back_with_its_verdicts(run: Result, name: str):
    found = READERS[name](read(run, name), _grid(run))

    assert {(cell, verdict.value) for cell, verdict in found} == {
        ("says@docker", "FAILED"),
        ("unready@docker", "FAILED"),
    }


@pytest.mark.parametrize("name", READERS)
def test_no_control_character_gets_into_a_report(run: Result, name: str):
    assert RAW.findall(read(run, name)) == []


def test_no_control_character_gets_to_the_terminal(run: Result):
    assert RAW.findall(run.stdout) == []
    assert RAW.findall(run.stderr) == []


def test_nothing_on_the_page_is_active(run: Result):
    page = Elements(read(run, "html"))
    tags = [tag for tag, _ in page.found]

    # The page's own three: its data, its evidence and what it does with them.
    assert tags.count("script") == 3
    assert {"img", "iframe", "object", "embed", "u", "i"} & set(tags) == set()
    assert not [name for _, names in page.found for name in names if name.startswith("on")]
    assert all(names["href"].startswith("#") for tag, names in page.found if tag == "a")
    policies = [names.get("content", "") for tag, names in page.found if tag == "meta"]
    assert any("default-src 'none'" in policy for policy in policies)


def test_nothing_in_markdown_is_active(run: Result):
    page = Elements(as_html(read(run, "markdown")))

    assert not {"script", "img", "object", "a", "b", "u", "i"} & {tag for tag, _ in page.found}


def test_xml_has_only_what_junit_has(run: Result):
    known = {"testsuites", "testsuite", "properties", "property", "testcase"}
    known |= {"failure", "error", "skipped", "system-out", "system-err"}

    assert {element.tag for element in ET.fromstring(read(run, "junit")).iter()} <= known


def test_nothing_in_the_spreadsheet_is_calculated(run: Result):
    """O5: what a spreadsheet would take for a formula is a text in it."""
    texts = [text for row in csv.reader(io.StringIO(read(run, "csv"))) for text in row]

    assert any(text.startswith("'=HYPERLINK(1)") for text in texts), "else this tests nothing"
    assert [text for text in texts if text.lstrip().startswith(FORMULAS)] == []


def test_the_store_gives_the_same_back_as_harmless(run: Result):
    """A report written again, from the store alone, is as harmless."""
    trial = Trial(run.reports.parent)
    again = trial.call("report", "-f", "json")

    assert again.code == 0, again.stderr
    assert RAW.findall(again.stdout) == []
    assert json.loads(again.stdout)["cells"]


def _grid(run: Result):
    """What the readers of Markdown need of a report: rows and columns by name."""
    rows = [Names(name=one["name"]) for one in run.report["services"]]
    columns = [Names(name=one["name"]) for one in run.report["environments"]]
    return Names(grid=Names(services=rows, environments=columns))
