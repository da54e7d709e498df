"""Oscar counts on what a cluster promises, also where the service itself does without it."""

import secrets

import pytest

#: Any port will do: the task has a network of its own.
PORT = 7
LISTENS = (
    "use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort => {0}, Listen => 5) or die $!; "
    "while ($c = $s->accept) {{ print $c qq(here\\n); close $c }}"
)
ASKS = (
    "use IO::Socket::INET; $c = IO::Socket::INET->new(PeerAddr => q({0}), PeerPort => {1}, "
    "Timeout => 3) or die $@; print <$c>"
)
ADDRESSES = "{{range .Endpoint.VirtualIPs}}{{.Addr}} {{end}}"
OWN = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
#: Labels by which the runner and its guard know what goes.
OURS = "io.compat-matrix."


@pytest.fixture
def docker(outside):
    """The manager's own client, by sudo where it is only for root."""
    client = "docker" if outside.run("docker version").rc == 0 else "sudo -n docker"

    def docker(command, *words):
        return outside.run(f"{client} {command}", *words)

    return docker


@pytest.fixture
def listener(docker, container, eventually):
    """A service with a virtual address, of the same image and on the same network; its name.

    It has our labels, so that it goes with the rest should we be cut off.
    """
    found = container.inspect()
    (network,) = found["NetworkSettings"]["Networks"]
    labels = found["Config"]["Labels"]
    ours = " ".join(
        f"--label '{key}={value}' --container-label '{key}={value}'"
        for key, value in labels.items()
        if key.startswith(OURS)
    )
    name = f"mx-probe-{secrets.token_hex(6)}"
    words = (name, network, f"node.id=={labels['com.docker.swarm.node.id']}", found["Image"])
    made = docker(
        "service create --quiet --detach --no-resolve-image --endpoint-mode vip --read-only "
        "--restart-condition none --limit-memory 64m --cap-drop ALL --entrypoint perl "
        f"{ours} --name %s --network %s --constraint %s %s -e %s",
        *words,
        LISTENS.format(PORT),
    )
    try:
        assert made.rc == 0, made.stderr
        yield name
    finally:
        docker("service rm %s", name)
        # Its container goes a while later, and would be found left behind.
        eventually(lambda: not docker("ps --all --quiet --filter name=%s", name).stdout, seconds=30)


def ask(docker, task, address):
    return docker("exec %s perl -e %s", task, ASKS.format(address, PORT))


# No service of ours uses one, so that it is dead is something to know and not their failure.
@pytest.mark.warn
@pytest.mark.engines("swarm-manager")
@pytest.mark.timeout(120)
def test_virtual_address_leads_to_its_task(docker, listener, container, eventually):
    """A service's virtual address leads to its task, where the task says that it runs"""
    if container.exec("command -v perl").rc != 0:
        pytest.fail("the image has no perl to listen with, so that nobody knows")

    def running():
        return docker("ps --quiet --filter name=%s", listener).stdout.split()

    task = eventually(running, seconds=60)
    assert task, f"no task of it runs: {docker('service ps --no-trunc %s', listener).stdout}"
    own = docker("inspect --format %s %s", OWN, task[0]).stdout.split()[0]
    assert eventually(lambda: "here" in ask(docker, task[0], own).stdout), (
        f"the task itself does not answer on {own}"
    )
    state = docker("service ps --format %s %s", "{{.CurrentState}}", listener).stdout
    address = docker("service inspect --format %s %s", ADDRESSES, listener).stdout.split("/")[0]
    assert "here" in ask(docker, task[0], address).stdout, (
        f"its task says {state.strip()} and answers on {own}, but not on the virtual {address}"
    )
