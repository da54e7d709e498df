import re
import shlex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matrix.hosts.commands import dial_argv, engine_argv, login_line, shell_argv

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
NONCE = "0123456789abcdef"


@given(argv=st.lists(TEXT, min_size=1, max_size=5))
def test_what_goes_to_a_login_shell_holds_nothing_a_shell_may_misread(argv):
    line = login_line(argv, NONCE)

    quoted = line.split(" sh '")[1].removesuffix("'")
    assert re.fullmatch(r"(?:[A-Za-z0-9 %+,./:=@_-]|\\0[0-7]{3})*", quoted)
    assert NONCE not in line


@given(argv=st.lists(TEXT, min_size=1, max_size=5))
def test_the_arguments_are_in_it_once_it_is_decoded(argv):
    quoted = login_line(argv, NONCE).split(" sh '")[1].removesuffix("'")
    data = re.sub(
        rb"\\0([0-7]{3})", lambda match: bytes([int(match[1], 8)]), quoted.encode()
    ).decode()

    script, _, command = data.partition("exec ")
    assert shlex.split(command) == argv
    assert NONCE[:8] in script


@pytest.mark.parametrize(
    ("engine", "socket", "sudo", "argv"),
    [
        ("docker", "", False, "docker -H unix:///var/run/docker.sock"),
        ("docker", "/s", True, "sudo -n docker -H unix:///s"),
        ("swarm", "", False, "docker -H unix:///var/run/docker.sock"),
        ("podman", "", False, "podman --url unix:///run/podman/podman.sock"),
        ("podman", "/s", True, "sudo -n podman --url unix:///s"),
    ],
)
def test_an_engines_program_is_told_which_engine(engine, socket, sudo, argv):
    assert list(engine_argv(engine, socket, sudo=sudo)) == argv.split()
    assert list(dial_argv(engine, socket, sudo=sudo)) == [*argv.split(), "system", "dial-stdio"]


def test_a_shell_on_a_host_is_marked():
    assert shell_argv("r1") == ("env", "MATRIX_RUN=r1", "sh")
