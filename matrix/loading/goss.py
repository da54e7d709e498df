"""Probes from a gossfile; its keys are those of goss 0.4 (goss-org/goss, docs/gossfile.md).

goss looks at a machine, with its service manager and whatever tools it has; we look at a container.
What a container cannot answer, and what is compared by more than a value, is said to be left out.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from shlex import join

from matrix.core.errors import UsageError
from matrix.core.result import Side
from matrix.loading.drafts import Draft, Translation, called, checked, literal
from matrix.loading.foreign import Plain, read_foreign
from matrix.loading.patterns import said

#: Keys of every resource that say nothing about it.
SILENT = ("title", "meta", "skip")
NO_MANAGER = "a container has no service manager: probe what the service does instead"
LEFT_OUT_KINDS = {
    "service": NO_MANAGER,
    "matching": "it looks at a value in the file, not at a service",
    "gossfile": "import that file by itself, or `goss render` first",
    "addr": "a container has a network of its own, on which that address is not",
    "interface": "its network is the engine's to choose",
    "mount": "the catalogue says what is mounted",
}
SECONDS = 1000
#: Seconds that a probe has without saying so.
USUAL_SECONDS = 30

#: Name, attributes → lines; takes what it translates out of the attributes.
Writer = Callable[[str, dict[str, Plain]], Iterator[str]]


def translate_goss(path: Path) -> Translation:
    """What *path* comes to; UsageError for a file that is no gossfile."""
    data = read_foreign(path)
    if not isinstance(data, dict) or not any(kind in KNOWN for kind in data):
        raise UsageError(f"{path}: no gossfile: none of {', '.join(sorted(KNOWN))} is in it")
    found = Translation()
    for kind, resources in data.items():
        if not isinstance(resources, dict):
            found.leave_out(kind, "no table of resources")
            continue
        for name, attributes in resources.items():
            if kind in WRITERS:
                _resource(kind, name, attributes, found)
            else:
                why = LEFT_OUT_KINDS.get(kind, "no kind of resource that we know")
                found.leave_out(f"{kind}.{name}", why)
    return found


def _resource(kind: str, name: str, attributes: Plain, found: Translation) -> None:
    where = f"{kind}.{name}"
    if not isinstance(attributes, dict):
        found.leave_out(where, "no table of attributes")
        return
    if attributes.get("skip") == "true":
        found.leave_out(where, "goss is told to skip it")
        return
    rest = {key: value for key, value in attributes.items() if key not in SILENT}
    for key in [key for key, value in rest.items() if isinstance(value, dict)]:
        found.leave_out(f"{where}.{key}", "compared by a matcher, not by a value")
        del rest[key]
    try:
        lines = tuple(WRITERS[kind](name, rest))
    except ValueError as error:
        found.leave_out(where, str(error))
        return
    for key in rest:
        found.leave_out(f"{where}.{key}", "no such attribute of a probe in a container")
    if any(line.startswith("assert ") for line in lines):
        title = attributes.get("title")
        found.drafts.append(
            Draft(
                name=f"{kind} {name}",
                title=title if isinstance(title, str) and title else f"{TITLES[kind]} {name}",
                side=Side.INSIDE,
                lines=lines,
                functions=("is_listening",) if kind == "port" else (),
            )
        )


def _text(attributes: dict[str, Plain], key: str, default: str = "") -> str:
    """One value taken out as text."""
    value = attributes.pop(key, default)
    if not isinstance(value, str):
        message = f"{key} is no single value"
        raise ValueError(message)
    return value


def _texts(attributes: dict[str, Plain], key: str) -> list[str]:
    """Values taken out as texts; one alone is a list too."""
    value = attributes.pop(key, [])
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, str) for one in values):
        message = f"{key} holds more than texts"
        raise ValueError(message)
    return [str(one) for one in values]


def _number(text: str, *, base: int = 10) -> int:
    try:
        return int(text, base)
    except ValueError:
        message = f"{literal(text[:20])} is no number"
        raise ValueError(message) from None


def _is(expression: str, flag: str) -> str:
    if flag not in ("true", "false"):
        message = f"{literal(flag[:20])} is neither true nor false"
        raise ValueError(message)
    return f"assert {expression}" if flag == "true" else f"assert not {expression}"


def _file(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    path = _text(attributes, "path", name)
    yield from called("file", "host.file", path)
    exists = _text(attributes, "exists", "true")
    yield _is("file.exists", exists)
    if exists == "false":
        return
    for key, property_ in {"owner": "user", "group": "group", "linked-to": "linked_to"}.items():
        if key in attributes:
            yield from checked(f"file.{property_} == ", _text(attributes, key))
    if "mode" in attributes:
        yield f"assert file.mode == 0o{_number(_text(attributes, 'mode'), base=8):o}"
    if "size" in attributes:
        yield f"assert file.size == {_number(_text(attributes, 'size'))}"
    if "filetype" in attributes:
        kind = _text(attributes, "filetype")
        if kind not in ("file", "directory", "symlink", "socket"):
            message = f"{literal(kind[:20])} is no type of file"
            raise ValueError(message)
        yield f"assert file.is_{kind}"
    for hash_ in ("md5", "sha256", "sha512"):
        if hash_ in attributes:
            yield f'{hash_} = host.check_output("{hash_}sum %s", file.path)'
            yield from checked(f"{hash_}.split()[0] == ", _text(attributes, hash_))
    key = "contents" if "contents" in attributes else "contains"
    if patterns := _texts(attributes, key):
        yield "content = file.content_string"
        yield from said("content", patterns)


def _package(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    yield from called("package", "host.package", _text(attributes, "name", name))
    yield _is("package.is_installed", _text(attributes, "installed", "true"))
    for version in _texts(attributes, "versions"):
        yield from checked("package.version == ", version)


def _port(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    protocol, _, number = _text(attributes, "port", name).rpartition(":")
    if protocol not in ("", "tcp", "tcp6"):
        message = f"only TCP is looked at, not {literal(protocol[:20])}"
        raise ValueError(message)
    yield _is(f"is_listening(host, {_number(number)})", _text(attributes, "listening", "true"))


def _process(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    yield 'names = host.run("cat /proc/[0-9]*/comm").stdout.splitlines()'
    running = _text(attributes, "running", "true")
    after = " in names" if running == "true" else " not in names"
    # The kernel keeps fifteen letters (proc(5), /proc/pid/comm).
    yield from checked("", _text(attributes, "comm", name)[:15], after)


def _user(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    yield from called("user", "host.user", _text(attributes, "username", name))
    exists = _text(attributes, "exists", "true")
    yield _is("user.exists", exists)
    if exists == "false":
        return
    for key in ("uid", "gid"):
        if key in attributes:
            yield f"assert user.{key} == {_number(_text(attributes, key))}"
    for key in ("home", "shell"):
        if key in attributes:
            yield from checked(f"user.{key} == ", _text(attributes, key))
    for group in _texts(attributes, "groups"):
        yield from checked("", group, " in user.groups")


def _group(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    yield from called("group", "host.group", _text(attributes, "groupname", name))
    yield _is("group.exists", _text(attributes, "exists", "true"))
    if "gid" in attributes:
        yield f"assert group.gid == {_number(_text(attributes, 'gid'))}"


def _command(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    timeout = _text(attributes, "timeout", "0")
    if _number(timeout) > USUAL_SECONDS * SECONDS:
        message = f"it may take {timeout} ms: a probe of more than 30 s needs a marker"
        raise ValueError(message)
    yield from called("result", "host.run", _text(attributes, "exec", name))
    yield f"assert result.rc == {_number(_text(attributes, 'exit-status', '0'))}, result.stderr"
    yield from said("result.stdout", _texts(attributes, "stdout"))
    yield from said("result.stderr", _texts(attributes, "stderr"))


def _dns(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    if "server" in attributes or ":" in name:
        message = "a name server or record type of its own: a container asks the engine's"
        raise ValueError(message)
    attributes.pop("timeout", None)
    query = join(["getent", "ahosts", _text(attributes, "resolve", name)])
    yield from called("found", "host.run", query)
    yield _is("found.succeeded", _text(attributes, "resolvable", "true"))
    for address in _texts(attributes, "addrs"):
        yield from checked("", address, " in found.stdout.split()")


def _kernel(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    path = "/proc/sys/" + _text(attributes, "name", name).replace(".", "/")
    yield from called("file", "host.file", path)
    yield from checked("file.content_string.strip() == ", _text(attributes, "value"))


def _http(name: str, attributes: dict[str, Plain]) -> Iterator[str]:
    """A request by the curl that is in the container."""
    words = ["curl", "--silent", "--show-error", "--include"]
    if _text(attributes, "allow-insecure", "false") == "true":
        words.append("--insecure")
    if _text(attributes, "no-follow-redirects", "false") != "true":
        words.append("--location")
    if "method" in attributes:
        words += ["--request", _text(attributes, "method")]
    for header in _texts(attributes, "request-headers"):
        words += ["--header", header]
    attributes.pop("timeout", None)
    words.append(_text(attributes, "url", name))
    yield from called("answer", "host.run", join(words))
    yield "assert answer.rc == 0, answer.stderr"
    status = _number(_text(attributes, "status", "200"))
    yield "lines = answer.stdout.splitlines()"
    yield 'statuses = [line for line in lines if line.startswith("HTTP/")]'
    yield f'assert statuses[-1].split()[1] == "{status}"'
    yield from said("answer.stdout", _texts(attributes, "headers"))
    yield from said("answer.stdout", _texts(attributes, "body"))


WRITERS: Mapping[str, Writer] = {
    "file": _file,
    "package": _package,
    "port": _port,
    "process": _process,
    "user": _user,
    "group": _group,
    "command": _command,
    "dns": _dns,
    "kernel-param": _kernel,
    "http": _http,
}
TITLES = {
    "file": "File",
    "package": "Package",
    "port": "Port",
    "process": "Process",
    "user": "User",
    "group": "Group",
    "command": "Command",
    "dns": "Name",
    "kernel-param": "Kernel parameter",
    "http": "Page",
}
KNOWN = {*WRITERS, *LEFT_OUT_KINDS}
