"""A runner that ties itself to a host and waits to be killed.

Its own process, since what happens when a runner dies can only be seen from outside. Started as
``python -m builders.tethered <host as JSON> <token> <workspace> <silence> <beat>``, the last two in
seconds; prints "tied" when it is.
"""

import json
import sys
import time
from pathlib import Path

from matrix.core.model import Host, SshAddress
from matrix.hosts import Tether, connect


def main(text: str, token: str, workspace: str, silence: str, beat: str) -> None:
    words = json.loads(text)
    ssh = words.pop("ssh", None)
    if ssh:
        ssh["identity_file"] = Path(ssh["identity_file"])
        ssh["host_keys"] = tuple(ssh["host_keys"])
    host = Host(**words, ssh=SshAddress(**ssh) if ssh else None)
    connection = connect(host, workspace=Path(workspace))
    # Before it is tied: while it starts, no beat may be late.
    marked = connection.open_stream(["env", f"MATRIX_RUN={token}", "sh", "-c", "sleep 500; true"])
    tether = Tether(
        connection,
        run=token,
        engine="docker",
        sudo=host.engine_sudo,
        silence_seconds=float(silence),
        beat_seconds=float(beat),
    )
    print("tied", flush=True)
    while True:
        time.sleep(0.1)
        try:
            tether.check()
        except Exception as error:
            print(type(error).__name__, flush=True)
            marked.close()
            time.sleep(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
