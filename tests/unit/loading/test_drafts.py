"""Probes as source text: whatever somebody else's file holds, it comes out as text and no code."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.core.result import Side
from matrix.loading.drafts import (
    WIDTH,
    Draft,
    LeftOut,
    called,
    checked,
    identifier,
    literal,
    probe_file,
)
from matrix.loading.patterns import matched, said

ANY_TEXT = st.text(st.characters(), max_size=200)


@given(ANY_TEXT)
def test_a_text_comes_back_from_its_literal(text):
    assert ast.literal_eval(literal(text)) == text


@given(ANY_TEXT)
def test_nothing_hidden_is_in_a_literal(text):
    assert literal(text).isprintable()


@given(ANY_TEXT)
def test_a_call_is_one_call_with_one_text(text):
    (node,) = ast.parse("\n".join(called("result", "host.run", text))).body
    assert isinstance(node, ast.Assign)
    assert isinstance(node.value, ast.Call)
    assert [ast.literal_eval(one) for one in node.value.args] == [text]


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_no_text_gets_out_of_its_place_in_a_file(name, title, why):
    draft = Draft(name=name, title=title, side=Side.INSIDE, lines=("assert host",))
    text = probe_file(title, (draft, draft), (LeftOut(where=name, why=why),))
    tree = ast.parse(text)
    docstring, first, second = tree.body
    assert isinstance(docstring, ast.Expr)
    assert isinstance(first, ast.FunctionDef)
    assert isinstance(second, ast.FunctionDef)
    assert first.name != second.name
    assert [len(one.body) for one in (first, second)] == [2, 2]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", '"plain"'),
        ('say "it"', "'say \"it\"'"),
        ("it's", '"it\'s"'),
        (r"\d+", r'r"\d+"'),
        ("ends with \\", r'"ends with \\"'),
        ("two\nlines", r'"two\nlines"'),
        ("\x1b[31m", r'"\x1b[31m"'),
        ("\u202eevil", r'"\u202eevil"'),
    ],
)
def test_a_literal_is_as_a_person_would_write_it(text, written):
    assert literal(text) == written


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("File /etc/passwd", "file_etc_passwd"),
        ("import os; os.system", "import_os_os_system"),
        ("日本", "it_is_as_declared"),
        ("x" * 500, "x" * 60),
    ],
)
def test_any_words_make_the_name_of_a_function(words, name):
    assert identifier(words) == name
    assert f"test_{identifier(words)}".isidentifier()


def test_a_long_text_is_broken_over_lines():
    lines = called("result", "host.run", "word " * 60)
    assert len(lines) > 3
    assert all(len(line) + 4 <= WIDTH for line in lines)
    assert all(len(line) + 4 <= WIDTH for line in checked("name == ", "word " * 60))


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("foo", 'assert "foo" in text'),
        ("!foo", 'assert "foo" not in text'),
        (r"\!foo", 'assert "!foo" in text'),
        ("/^fo+$/", 'assert re.search("^fo+$", text, re.MULTILINE)'),
        ("!/fo+/", 'assert not re.search("fo+", text, re.MULTILINE)'),
        ("/", 'assert "/" in text'),
    ],
)
def test_a_pattern_of_goss_is_an_assert(pattern, line):
    assert list(said("text", [pattern])) == [line]


def test_a_regular_expression_that_python_does_not_know_is_refused():
    with pytest.raises(ValueError, match="does not know"):
        matched("text", r"\pL+\z", wanted=True)
