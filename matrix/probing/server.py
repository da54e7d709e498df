"""The process that forks: pytest and testinfra are imported once, each job gets a fork of that.

It is a fresh interpreter, started isolated and with an environment of a few names (``forkserver``
does that), so that no child can find a credential of the runner in what it inherits. Not the one
of ``multiprocessing``: that one hands on the whole environment, imports the parent's ``__main__``
in every child, adds a resource tracker and speaks pickle.

Control socket: one byte with two descriptors asks for a child, which gets the first, its pipe to
the runner; into the second goes its process id and, when it has ended, its exit status, eight
bytes each. End of file on the control socket means that the runner is gone: every child is killed,
the folder for copies removed, and that is all.
"""

import ctypes
import gc
import importlib
import os
import pkgutil
import resource
import selectors
import shutil
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import _pytest
import testinfra.modules

from matrix.probing import child
from matrix.probing.wire import NUMBER

#: A probe that eats memory hits this before the runner's machine suffers.
MEMORY_CAP_BYTES = 2 * 1024**3
PR_SET_PDEATHSIG = 1


def main(control_fd: int, folder: str) -> None:
    """Serve until the runner closes its end, then remove *folder*."""
    os.umask(0o077)
    preload()
    with socket.socket(fileno=control_fd) as control:
        server = Server(control)
        try:
            server.serve()
        finally:
            server.kill_children()
            shutil.rmtree(folder, ignore_errors=True)


def preload() -> None:
    """Import everything a child will need, and keep the collector off what is shared."""
    for module in pkgutil.walk_packages(_pytest.__path__, "_pytest."):
        importlib.import_module(module.name)
    for dotted in testinfra.modules.modules.values():
        importlib.import_module(f"testinfra.modules.{dotted.partition(':')[0]}")
    gc.collect()
    gc.freeze()


class Server:
    """Forks on request and reports how each child ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        #: Process id of a living child → where its exit status is written.
        self._statuses: dict[int, int] = {}

    def serve(self) -> None:
        """Answer requests until the end of the control socket."""
        wakeup, signalled = os.pipe()
        for end in (wakeup, signalled):
            os.set_blocking(end, False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(signalled)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(wakeup, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if wakeup in ready:
                    os.read(wakeup, 4096)
                    self._reap()
                if self._control.fileno() in ready and not self._fork():
                    return

    def kill_children(self) -> None:
        """Kill every child with whatever it has started."""
        for pid in self._statuses:
            _kill_group(pid)

    def _fork(self) -> bool:
        """Fork for one request; whether there was one."""
        data, fds, _, _ = socket.recv_fds(self._control, 1, 2)
        if not data:
            return False
        pipe, status = fds
        pid = os.fork()
        if pid == 0:
            become_child(pipe)
        os.close(pipe)
        self._statuses[pid] = status
        _write_number(status, pid)
        return True

    def _reap(self) -> None:
        while self._statuses:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            # What the probe had started would keep its copy of our pipe open.
            _kill_group(pid)
            target = self._statuses.pop(pid)
            _write_number(target, os.waitstatus_to_exitcode(status))
            os.close(target)


def become_child(pipe: int) -> NoReturn:
    """Turn a fresh fork into a child: a session of its own and no descriptor but *pipe*."""
    try:
        os.setsid()
        _die_with_parent()
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        _close_all_but(pipe)
        _limit()
        child.run(socket.socket(fileno=pipe))
    finally:
        os._exit(70)


def _close_all_but(pipe: int) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nothing, standard)
    for number in map(int, os.listdir("/dev/fd")):
        if number > 2 and number != pipe:  # noqa: PLR2004 - 0, 1 and 2 are the standard ones
            with suppress(OSError):  # the one that listed the folder
                os.close(number)


def _die_with_parent() -> None:
    """Linux ends us with the forking process, see prctl(2); elsewhere the runner has to."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_CAP_BYTES, MEMORY_CAP_BYTES))
    # When memory runs out, the kernel is to take this process and not the runner.
    with suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def _kill_group(pid: int) -> None:
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def _write_number(fd: int, number: int) -> None:
    with suppress(BrokenPipeError):
        os.write(fd, NUMBER.pack(number))
