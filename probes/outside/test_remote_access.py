"""Oscar looks into running containers from afar: exec and attach must work as he is used to."""

import secrets


def test_exec_keeps_outputs_and_status_apart(container):
    """A command run in the container gives back its output, its errors and its exit status"""
    result = container.exec("echo to stdout; echo to stderr >&2; exit 41")
    assert (result.rc, result.stdout, result.stderr) == (41, "to stdout\n", "to stderr\n")


def test_exec_is_inside_this_container(container):
    """A command runs in this container and in no other"""
    planted = [one for one in container.inspect()["Config"]["Env"] if one.startswith("MATRIX_")]
    assert planted
    for variable in planted:
        name, _, value = variable.partition("=")
        # Not printenv: small images have none.
        assert container.exec(f'echo "${name}"').stdout.strip() == value


def test_large_output_comes_back_whole(container):
    """Half a megabyte of output comes back byte for byte"""
    result = container.exec("yes 0123456 | head -c 524288")
    assert result.rc == 0
    assert result.stdout == "0123456\n" * 65536


def test_attach_shows_what_is_written(container):
    """Attaching to the container shows what its main process's output carries from then on"""
    line = f"attach probe {secrets.token_hex(8)}"
    loop = "n=0; while [ $n -lt 40 ]; do echo {}; sleep 0.1; n=$((n + 1)); done"
    # Left behind on purpose: it writes while we look on.
    container.host.run(f"( {loop.format(line)} ) > /proc/1/fd/1 2> /dev/null < /dev/null &")
    assert line in container.attach(seconds=2, until=line)
