"""The documentation is true: its commands run, its names exist, its links lead somewhere."""

import re
import shlex
import shutil

import click
import pytest
from builders.installed import ROOT
from builders.pages import (
    HOWTO,
    PAGES,
    anchors,
    blocks,
    file_lines,
    links,
    named_commands,
    page_name,
    steps,
)

from matrix.cli import cli
from matrix.cli.reference import commands, reference

#: There is no such thing in any registry yet: it is what the test has installed already.
INSTALL = "pip install compat-matrix"
#: A word that stands for what the reader puts there.
PLACEHOLDER = re.compile(r"[A-Z]+|\[?[A-Z.…]+\]?|…")
RUNNABLE = [page for page in HOWTO if any(True for _ in steps(page))]


@pytest.mark.engine
@pytest.mark.parametrize("page", RUNNABLE, ids=page_name)
def test_its_commands_run(installed, shop, tmp_path, page):
    todo = [step for step in steps(page) if step.code != INSTALL]
    folder = tmp_path / "reader"
    if any("matrix init" in step.code for step in todo):
        folder.mkdir()
    else:
        shutil.copytree(shop, folder, ignore=shutil.ignore_patterns(".matrix"))
    codes = tmp_path / "codes"
    script = "\n".join(f"{step.code}\necho $? >> {codes}" for step in todo)
    answer = installed.run(["bash", "-c", script], at=folder)
    found = dict(zip([step.code for step in todo], codes.read_text().split(), strict=True))
    assert found == {step.code: str(step.exit_code) for step in todo}, answer.out + answer.err


def test_one_more_service_takes_less_than_forty_lines():
    assert 20 < file_lines(ROOT / "docs/howto/add-a-service.md") < 40


def test_pages_that_say_how_are_run():
    assert len(RUNNABLE) >= 6
    assert sum(len(list(steps(page))) for page in RUNNABLE) > 30


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_command_it_names_exists(page):
    for line in named_commands(page, "matrix"):
        _check(shlex.split(line))


def _check(words):
    command, rest = cli, words[1:]
    context = click.Context(cli, info_name="matrix")
    while rest and isinstance(command, click.Group) and not _is_open(rest[0]):
        name, *rest = rest
        if name.startswith("-"):
            break
        found = command.get_command(context, name)
        assert found is not None, f"{words}: there is no {name}"
        command = found
    known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    asked = {word.partition("=")[0] for word in rest if word.startswith("-") and word != "-"}
    assert asked <= known | {"--help", "-h"}, f"{words}: {asked - known}"


def _is_open(word):
    return bool(PLACEHOLDER.fullmatch(word)) or "|" in word


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_make_target_it_names_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for line in named_commands(page, "make") for word in line.split()[1:2]}
    assert named <= targets


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_its_links_lead_somewhere(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), link
        assert there.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(there), f"{link}: there is {sorted(anchors(there))}"


def test_every_page_is_reached_from_the_readme():
    reached, todo = set(), [ROOT / "README.md"]
    while todo:
        page = todo.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page):
            there = (page.parent / link.partition("#")[0]).resolve()
            todo += sorted(there.glob("*.md")) if there.is_dir() else [there]
    assert set(PAGES) - reached == set()


@pytest.mark.parametrize("page", PAGES, ids=page_name)
def test_every_block_says_what_it_is(page):
    known = {"sh", "console", "text", "toml", "yaml", "python", "json", "xml", "ini", "sql", ""}
    known.add("dockerfile")
    assert {block.language for block in blocks(page)} <= known


def test_the_command_reference_is_that_of_the_commands():
    page = ROOT / "docs/reference/commands.md"
    assert page.read_text() == reference(), "run: python -m matrix.cli.reference > " + str(page)


@pytest.mark.parametrize("path", [path for path, _ in commands()])
def test_every_command_and_option_has_help(path):
    command = dict(commands())[path]
    assert command.help
    assert command.help.splitlines()[0].endswith((".", ":"))
    for option in command.params:
        if isinstance(option, click.Option):
            assert option.help, option.name
            assert option.help.endswith("."), option.name
