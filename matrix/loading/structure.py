"""Probes from a file of container-structure-test, schema 2 (its README, "Setup" and below).

That tool looks at an image; a probe looks at a container that runs from it as the catalogue says.
"""

from collections.abc import Iterator
from pathlib import Path
from shlex import join

from matrix.core.errors import UsageError
from matrix.core.result import Side
from matrix.loading.drafts import Draft, Translation, called, checked, literal
from matrix.loading.foreign import Plain, read_foreign
from matrix.loading.patterns import matched

SCHEMA = "2."
OUR_OWN = "the catalogue says how the container is run"
LEFT_OUT_KEYS = {
    "licenseTests": "it looks for licences that one company allows",
    "globalEnvVars": OUR_OWN,
    "containerRunOptions": OUR_OWN,
}
KINDS = {"-": "file", "d": "directory", "l": "symlink", "s": "socket"}
PERMISSIONS_LENGTH = 10
#: isExecutableBy → bits of the mode.
EXECUTABLE = {"owner": "0o100", "group": "0o010", "other": "0o001", "any": "0o111"}


def translate_structure(path: Path) -> Translation:
    """What *path* comes to; UsageError for a file of another schema."""
    data = read_foreign(path)
    if not isinstance(data, dict) or not str(data.get("schemaVersion", "")).startswith(SCHEMA):
        raise UsageError(f"{path}: no file of container-structure-test with schemaVersion 2.0.0")
    found = Translation()
    for key, value in data.items():
        if key in LISTED and isinstance(value, list):
            for at, test in enumerate(value):
                _listed(key, f"{key}[{at}]", test, found)
        elif key == "metadataTest" and isinstance(value, dict):
            _metadata(value, found)
        elif key != "schemaVersion":
            found.leave_out(key, LEFT_OUT_KEYS.get(key, "no kind of test that we know"))
    return found


def _listed(key: str, where: str, test: Plain, found: Translation) -> None:
    if not isinstance(test, dict):
        found.leave_out(where, "no table")
        return
    rest = dict(test)
    name = str(rest.pop("name", "")) or where
    try:
        lines = tuple(LISTED[key](rest))
    except ValueError as error:
        found.leave_out(f"{where} ({name})", str(error))
        return
    for left in rest:
        found.leave_out(f"{where} ({name}).{left}", "no such key that we know")
    found.drafts.append(Draft(name=name, title=name, side=Side.INSIDE, lines=lines))


def _command(test: dict[str, Plain]) -> Iterator[str]:
    if test.pop("setup", None) or test.pop("teardown", None):
        message = "it changes the image before it looks: make that part of the image or the probe"
        raise ValueError(message)
    variables = [f"{key}={value}" for key, value, _ in _pairs(test, "envVars")]
    if any("$" in one for one in variables):
        message = "its variables refer to others"
        raise ValueError(message)
    words = [_text(test, "command"), *_texts(test, "args")]
    yield from called(
        "result", "host.run", join(["env", *variables, *words] if variables else words)
    )
    code = _text(test, "exitCode", "0")
    yield f"assert result.rc == {_whole(code)}, result.stderr"
    for stream, name in (("Output", "stdout"), ("Error", "stderr")):
        yield from _matches(f"result.{name}", _texts(test, f"expected{stream}"), wanted=True)
        yield from _matches(f"result.{name}", _texts(test, f"excluded{stream}"), wanted=False)


def _existence(test: dict[str, Plain]) -> Iterator[str]:
    yield from called("file", "host.file", _text(test, "path"))
    if _text(test, "shouldExist", "true") != "true":
        yield "assert not file.exists"
        for key in ("permissions", "uid", "gid", "isExecutableBy"):
            test.pop(key, None)
        return
    yield "assert file.exists"
    if permissions := _text(test, "permissions"):
        yield from _permissions(permissions)
    for key in ("uid", "gid"):
        if key in test:
            yield f"assert file.{key} == {_whole(_text(test, key))}"
    if who := _text(test, "isExecutableBy"):
        if who not in EXECUTABLE:
            message = "executable by nobody we know"
            raise ValueError(message)
        yield f"assert file.mode & {EXECUTABLE[who]}"


def _permissions(text: str) -> Iterator[str]:
    if len(text) != PERMISSIONS_LENGTH or text[0] not in KINDS or set(text[1:]) - set("rwx-"):
        message = "permissions of a kind that is not looked at"
        raise ValueError(message)
    mode = int("".join("0" if one == "-" else "1" for one in text[1:]), 2)
    yield f"assert file.is_{KINDS[text[0]]}"
    yield f"assert file.mode == 0o{mode:o}"


def _contents(test: dict[str, Plain]) -> Iterator[str]:
    yield from called("file", "host.file", _text(test, "path"))
    yield "content = file.content_string"
    yield from _matches("content", _texts(test, "expectedContents"), wanted=True)
    yield from _matches("content", _texts(test, "excludedContents"), wanted=False)


def _matches(expression: str, patterns: list[str], *, wanted: bool) -> Iterator[str]:
    for regex in patterns:
        yield from matched(expression, regex, wanted=wanted)


def _metadata(test: dict[str, Plain], found: Translation) -> None:
    rest = dict(test)
    for key in ("cmd", "user"):
        if rest.pop(key, None):
            found.leave_out(f"metadataTest.{key}", OUR_OWN)
    try:
        lines = ('config = container.inspect()["Config"]', *_configured(rest))
    except ValueError as error:
        found.leave_out("metadataTest", str(error))
        return
    for key in rest:
        found.leave_out(f"metadataTest.{key}", "no such key that we know")
    if len(lines) > 1:
        found.drafts.append(
            Draft(
                name="metadata",
                title="The image says of itself what was declared",
                side=Side.OUTSIDE,
                lines=lines,
            )
        )


def _configured(test: dict[str, Plain]) -> Iterator[str]:
    given = _pairs(test, "envVars") + _pairs(test, "env")
    unbound = _pairs(test, "unboundEnvVars")
    if given or unbound:
        yield 'variables = dict(one.split("=", 1) for one in config["Env"])'
    yield from _values("variables", given)
    for key, _, _ in unbound:
        yield from checked("", key, " not in variables")
    yield from _values('config["Labels"]', _pairs(test, "labels"))
    for at, word in enumerate(_texts(test, "entrypoint")):
        yield from checked(f'config["Entrypoint"][{at}] == ', word)
    for key, (place, relation) in LISTS.items():
        for one in _texts(test, key):
            full = f"{one}/tcp" if place == "ExposedPorts" and "/" not in one else one
            yield from checked("", full, f' {relation} (config.get("{place}") or {{}})')
    if "workdir" in test:
        yield from checked('config["WorkingDir"] == ', _text(test, "workdir"))


def _values(table: str, pairs: list[tuple[str, str, bool]]) -> Iterator[str]:
    for key, value, is_regex in pairs:
        place = f"{table}[{literal(key)}]"
        yield from checked("", key, f" in {table}")
        if is_regex:
            yield from matched(place, value, wanted=True)
        else:
            yield from checked(f"{place} == ", value)


def _pairs(test: dict[str, Plain], name: str) -> list[tuple[str, str, bool]]:
    """Key, value and whether that is a regular expression, of each entry of a list."""
    value = test.pop(name, [])
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        message = f"{name} is no list of keys and values"
        raise ValueError(message)
    entries = [one for one in value if isinstance(one, dict)]
    return [
        (_text(one, "key"), _text(one, "value"), _text(one, "isRegex") == "true")
        for one in map(dict, entries)
    ]


def _text(test: dict[str, Plain], key: str, default: str = "") -> str:
    value = test.pop(key, default)
    if not isinstance(value, str):
        message = f"{key} is no single value"
        raise ValueError(message)
    return value


def _texts(test: dict[str, Plain], key: str) -> list[str]:
    value = test.pop(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        message = f"{key} is no list of texts"
        raise ValueError(message)
    return [str(one) for one in value]


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        message = f"{literal(text[:20])} is no number"
        raise ValueError(message) from None


LISTED = {
    "commandTests": _command,
    "fileExistenceTests": _existence,
    "fileContentTests": _contents,
}
#: Key → where the engine has it, and how it is compared.
LISTS = {
    "exposedPorts": ("ExposedPorts", "in"),
    "unexposedPorts": ("ExposedPorts", "not in"),
    "volumes": ("Volumes", "in"),
    "unmountedVolumes": ("Volumes", "not in"),
}
