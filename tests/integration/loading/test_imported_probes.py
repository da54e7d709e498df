"""Probes made from the files of other tools: what is translated, what is not, and hostile ones."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from builders.vitality import REPOSITORY, matrix

from matrix.core.errors import UsageError
from matrix.core.result import Side
from matrix.loading.drafts import Translation, probe_file
from matrix.loading.foreign import MOST_ALIASES, read_foreign
from matrix.loading.goss import translate_goss
from matrix.loading.structure import translate_structure

GOSS = """
file:
  /etc/passwd:
    title: Users are known
    exists: true
    mode: "0644"
    owner: root
    group: root
    filetype: file
    contents: [root, "!nobody-else", '/^daemon:\\S+/']
  /nope: {exists: false}
  /data: {exists: true, size: {gt: 5}}
package:
  redis-server: {installed: true}
  telnetd: {installed: false}
port:
  tcp:6379: {listening: true, ip: [0.0.0.0]}
  udp:53: {listening: false}
service:
  sshd: {enabled: true, running: true}
user:
  queue: {exists: true, uid: 10001, gid: 10001, groups: [queue], home: /data}
group:
  queue: {exists: true, gid: 10001}
process:
  redis-server: {running: true}
  sshd: {running: false}
command:
  redis-cli ping:
    exit-status: 0
    stdout: [PONG, "!ERR"]
    timeout: 10000
  slow: {exec: sleep 60, exit-status: 0, timeout: 90000}
  no: {exec: "true", exit-status: 0, skip: true}
dns:
  localhost: {resolvable: true, addrs: [127.0.0.1]}
kernel-param:
  kernel.ostype: {value: Linux}
"""
STRUCTURE = """
schemaVersion: 2.0.0
commandTests:
- name: redis is of version 7
  command: redis-cli
  args: ["--version"]
  expectedOutput: ['redis-cli 7\\..*']
  excludedError: [error]
- name: set up
  setup: [[apt-get, update]]
  command: which
  args: [curl]
fileExistenceTests:
- {name: root, path: /, shouldExist: true, permissions: drwxr-xr-x, uid: 0, isExecutableBy: any}
- {name: no shell history, path: /root/.bash_history, shouldExist: false}
fileContentTests:
- {name: Debian, path: /etc/os-release, expectedContents: ['.*bookworm.*'], excludedContents: [sid]}
metadataTest:
  envVars: [{key: PATH, value: '/usr/.*', isRegex: true}]
  exposedPorts: ["6379"]
  cmd: [redis]
licenseTests: [{debian: true}]
"""


def write(folder: Path, text: str, name: str = "theirs.yaml") -> Path:
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def left_out(found: Translation) -> dict[str, str]:
    return {one.where: one.why for one in found.left_out}


def test_a_gossfile_becomes_probes(tmp_path):
    found = translate_goss(write(tmp_path, GOSS))
    assert [draft.name for draft in found.drafts] == [
        "file /etc/passwd",
        "file /nope",
        "file /data",
        "package redis-server",
        "package telnetd",
        "port tcp:6379",
        "user queue",
        "group queue",
        "process redis-server",
        "process sshd",
        "command redis-cli ping",
        "dns localhost",
        "kernel-param kernel.ostype",
    ]
    assert found.drafts[0].title == "Users are known"


def test_what_a_gossfile_asks_in_vain_is_said(tmp_path):
    told = left_out(translate_goss(write(tmp_path, GOSS)))
    assert set(told) == {
        "file./data.size",
        "port.tcp:6379.ip",
        "port.udp:53",
        "service.sshd",
        "command.slow",
        "command.no",
    }
    assert "no service manager" in told["service.sshd"]
    assert "matcher" in told["file./data.size"]


def test_a_structure_test_becomes_probes(tmp_path):
    found = translate_structure(write(tmp_path, STRUCTURE))
    sides = {draft.name: draft.side for draft in found.drafts}
    assert sides.pop("metadata") is Side.OUTSIDE
    assert list(sides) == ["redis is of version 7", "root", "no shell history", "Debian"]
    assert set(left_out(found)) == {"commandTests[1] (set up)", "metadataTest.cmd", "licenseTests"}


def test_json_says_the_same_as_yaml(tmp_path):
    yaml = translate_goss(write(tmp_path, "user: {queue: {exists: true, uid: 10001}}"))
    json = translate_goss(
        write(tmp_path, '{"user": {"queue": {"exists": true, "uid": 10001}}}', "theirs.json")
    )
    assert yaml == json


@pytest.mark.parametrize(
    ("tool", "text"), [("goss", GOSS), ("container-structure-test", STRUCTURE)], ids=["goss", "cst"]
)
def test_the_file_passes_our_style(tmp_path, tool, text):
    translate = {"goss": translate_goss, "container-structure-test": translate_structure}[tool]
    found = translate(write(tmp_path, text))
    probes = tmp_path / "probes"
    probes.mkdir()
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    (probes / "test_theirs.py").write_text(probe_file("Theirs.", found.drafts, found.left_out))
    ruff = Path(sys.executable).with_name("ruff")
    for words in (["check"], ["format", "--check", "--diff"]):
        done = subprocess.run(
            [ruff, *words, "probes"], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: &a [x, x]\nfile: [" + "*a, " * (MOST_ALIASES + 1) + "]", "aliases"),
        (
            "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)),
            "more than 20000 values",
        ),
        ("file: &f {x: *f}", "recursive"),
        ("file: " + "[" * 5000, "."),
        ("file: !!python/object/apply:os.system [id]", "no table of resources"),
        ("file: {{ .Vars.name }}", "templates"),
        ("just a text", "no gossfile"),
        ("unknown: {a: b}", "no gossfile"),
        ("file: {a: [}", "."),
        ("x" * 1024 * 1024 * 2, "1 MiB"),
    ],
    ids=["aliases", "bomb", "loop", "deep", "object", "template", "text", "keys", "broken", "long"],
)
def test_a_hostile_file_is_refused_or_harmless(tmp_path, text, told):
    file = write(tmp_path, text)
    try:
        said = str(left_out(translate_goss(file)))
    except UsageError as error:
        said = str(error)
    assert told in said


def test_texts_stay_texts(tmp_path):
    file = write(tmp_path, "a: 1.10\nb: 0644\nc: 2026-01-01\nd: yes\ne: !!binary aGk=\nf:")
    assert read_foreign(file) == {
        "a": "1.10", "b": "0644", "c": "2026-01-01", "d": "yes", "e": "aGk=", "f": ""
    }  # fmt: skip


def test_what_is_in_a_file_never_becomes_code(tmp_path):
    evil = '"""\nimport os\nos.abort()\n"""'
    data = {evil: {"exists": "true", "owner": evil, "title": evil, "contents": [evil, f"/{evil}/"]}}
    import json

    found = translate_goss(write(tmp_path, json.dumps({"file": data, evil: {evil: "x"}}), "t.json"))
    tree = ast.parse(probe_file(evil, found.drafts, found.left_out))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert names == {"host", "file", "content", "re"}


def test_the_command_writes_a_new_file_and_never_over_one(tmp_path):
    made = matrix("init", "shop", at=tmp_path)
    assert made.returncode == 0, made.stderr
    shop = tmp_path / "shop"
    write(tmp_path, GOSS, "goss.yaml")
    words = ("probe", "import", "--from", "goss", "../goss.yaml", "--service", "hello")
    first, second = matrix(*words, at=shop), matrix(*words, at=shop)
    assert first.returncode == 0, first.stderr
    assert "13 probes in probes/hello/test_goss.py, 6 not translated" in first.stderr
    assert (second.returncode, "is there already" in second.stderr) == (2, True)
    listed = matrix("probe", "list", "--service", "hello", at=shop)
    assert "hello/test_goss.py::test_user_queue" in listed.stdout, listed.stderr


@pytest.mark.parametrize("side", ["inside", "outside"])
def test_a_new_probe_is_one_that_fails_until_it_is_written(tmp_path, side):
    assert matrix("init", "shop", at=tmp_path).returncode == 0
    shop = tmp_path / "shop"
    words = ("probe", "new", "order is kept", "-s", "hello", "--side", side)
    done = matrix(*words, at=shop)
    assert done.returncode == 0, done.stderr
    text = (shop / "probes/hello/test_order_is_kept.py").read_text()
    assert '"""Order is kept"""' in text
    assert f"({'host' if side == 'inside' else 'container'})" in text
    listed = matrix("probe", "list", "--service", "hello", "--json", at=shop)
    assert f'"side": "{side}",\n      "title": "Order is kept"' in listed.stdout
    assert matrix(*words, at=shop).returncode == 2
