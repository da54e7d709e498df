"""What several of the probes for every service use."""

import pytest

SILENCE = 128


@pytest.fixture
def answers(outside):
    """Whether something takes a connection on the machine, and keeps it.

    The engine's proxy takes every connection and drops those that nobody in the container wants, so
    that they can be made says nothing.
    """

    def ask(address, port):
        bash = outside.find_command("bash")
        attempt = f"exec 3<> /dev/tcp/{address}/{port} || exit 1; read -t 1 -n 1 -u 3"
        status = outside.run("timeout 5 %s -c %s", bash, attempt).rc
        # Of read: 0 for a byte that came, above 128 for silence; of timeout: 124.
        return status == 0 or status > SILENCE

    return ask
