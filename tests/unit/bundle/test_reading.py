"""A customer reads all of a result before it is sent."""

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator

import pytest
from builders.results import a_customers_report, a_key, a_kit
from hypothesis import given
from hypothesis import strategies as st

from matrix.bundle import dsse
from matrix.bundle.reading import lines_of_result
from matrix.cli.preflight import main
from matrix.core.errors import Refused
from matrix.core.text import neutralise
from matrix.returning import make_result

KEY = a_key()


@pytest.fixture(scope="module")
def result() -> bytes:
    kit = a_kit()
    return make_result(a_customers_report(kit), kit, KEY)


def parts(data: bytes) -> Iterator[dict]:
    envelope = json.loads(data)
    yield envelope
    statement = json.loads(base64.b64decode(envelope["payload"]))
    yield statement
    yield json.loads(
        gzip.decompress(base64.b64decode(statement["predicate"]["evidence"]["content"]))
    )


def leaves(value: object) -> Iterator[str]:
    """Every name and every text and number in a JSON document."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from leaves(member)
    else:
        yield value if isinstance(value, str) else json.dumps(value)


def changed(data: bytes, change: dict[str, object]) -> bytes:
    """The result with other fields in the predicate, not signed anew."""
    envelope, statement, _ = parts(data)
    statement["predicate"] |= change
    payload = base64.b64encode(json.dumps(statement).encode()).decode()
    return json.dumps(envelope | {"payload": payload}).encode()


def test_every_field_of_every_part_is_shown(result: bytes):
    shown = "\n".join(lines_of_result(result))
    envelope, statement, report = parts(result)
    packed = {envelope["payload"], statement["predicate"]["evidence"]["content"]}
    for part in (envelope, statement, report):
        for leaf in leaves(part):
            if leaf not in packed:
                for line in leaf.split("\n"):
                    assert line in shown
    for hidden in packed:
        assert hidden not in shown


def test_it_says_how_large_everything_is(result: bytes):
    first = next(lines_of_result(result))
    assert f"{len(result)} bytes" in first
    _, statement, _ = parts(result)
    packed = base64.b64decode(statement["predicate"]["evidence"]["content"])
    assert f"a report of {len(gzip.decompress(packed))} bytes" in first


def test_a_field_nobody_knows_and_one_that_is_there_twice_are_shown(result: bytes):
    data = changed(result, {"unheard": {"of": ["this", {"and": "that"}]}})
    twice = data.replace(b'"payloadType"', b'"extra": "one", "extra": "two", "payloadType"', 1)
    shown = "\n".join(lines_of_result(twice))
    for wanted in ("unheard:", "(1): this", "and: that", "extra: one", "extra: two"):
        assert wanted in shown


def test_long_texts_and_many_lines_are_shown_whole(result: bytes):
    long = "\n".join(f"line {number} {'x' * 100}" for number in range(9000))
    shown = "\n".join(lines_of_result(changed(result, {"note": long})))
    for number in (0, 4500, 8999):
        assert f"| line {number} xxx" in shown
    assert "cut" not in shown


@given(text=st.text())
def test_no_text_can_act_on_the_terminal(result: bytes, text: str):
    shown = "\n".join(lines_of_result(changed(result, {f"a note {text}": f"\x1b[2J{text}"})))
    assert neutralise(shown, limit=10 * len(shown)) == shown


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"no", b'{"payload": ' + b"[" * 50_000])
def test_what_is_no_result_is_refused(data: bytes):
    with pytest.raises(Refused):
        list(lines_of_result(data))


def test_the_kit_shows_the_result_in_the_folder_and_runs_nothing(
    result: bytes, tmp_path, capsys, monkeypatch
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MY_SECRET", "application/vnd.in-toto+json")
    (tmp_path / "acme-result.matrix").write_bytes(result)
    code = main("acme.matrix", "nowhere", ["preflight", "--out", str(tmp_path), "--show"])
    shown = capsys.readouterr().out
    assert code == 0
    assert shown.splitlines()[1:] == [*lines_of_result(result)]
    assert not (tmp_path / "home").exists()


def test_it_asks_which_result_where_there_are_several_or_none(result: bytes, tmp_path, capsys):
    words = ["preflight", "--out", str(tmp_path), "--show"]
    assert main("acme.matrix", "nowhere", words) == 2
    assert "in this folder: none" in capsys.readouterr().err
    for name in ("a", "b"):
        (tmp_path / f"{name}-result.matrix").write_bytes(result)
    assert main("acme.matrix", "nowhere", words) == 2
    assert "a-result.matrix, b-result.matrix" in capsys.readouterr().err
    assert main("acme.matrix", "nowhere", [*words, str(tmp_path / "b-result.matrix")]) == 0


def test_a_result_that_is_damaged_is_refused(result: bytes, tmp_path):
    file = tmp_path / "x"
    file.write_bytes(result[:-20])
    assert main("acme.matrix", "nowhere", ["preflight", "--show", str(file)]) == 6


def test_nothing_of_what_is_shown_depends_on_the_signature(result: bytes):
    _, statement, report = parts(result)
    report["by"] = "somebody"
    packed = gzip.compress(json.dumps(report).encode(), mtime=0)
    evidence = {
        **statement["predicate"]["evidence"],
        "digest": {"sha256": hashlib.sha256(packed).hexdigest()},
        "content": base64.b64encode(packed).decode(),
    }
    data = changed(result, {"evidence": evidence})
    assert dsse.read(data).signatures
    assert "by: somebody" in "\n".join(lines_of_result(data))
