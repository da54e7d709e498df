"""What several of the probes for every service use."""

import pytest

SILENCE = 128
#: Of read: 0 for a byte that came, above 128 for silence.
ATTEMPTS = (
    "for place in {0}; do ( exec 3<> /dev/tcp/$place || exit; read -t 1 -n 1 -u 3; status=$?; "
    f"if [ $status -eq 0 ] || [ $status -gt {SILENCE} ]; then echo $place; fi ) & done; wait"
)


@pytest.fixture
def answering(outside):
    """Those of some addresses with ports on the machine that take a connection, and keep it.

    The engine's proxy takes every connection and drops those that nobody in the container wants, so
    that they can be made says nothing. All are tried at the same time, since each takes a second.
    """

    def ask(places):
        names = {f"{address}/{port}": (address, port) for address, port in places}
        if not names:
            return set()
        bash = outside.find_command("bash")
        tried = outside.run("timeout 5 %s -c %s", bash, ATTEMPTS.replace("{0}", " ".join(names)))
        # One that is still waited for after 5 s has not been taken.
        return {names[name] for name in tried.stdout.split()}

    return ask
