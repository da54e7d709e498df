"""How one command is told apart from the next on a shell that is kept open. Pure.

Every command gets a fresh random nonce of its own, so nothing it prints can be taken for a mark:

=====================  ==============================================================
``<nonce><\\n``         on both outputs, before the command
``<nonce>&<pid>\\n``    on stdout, by the subshell as its last act; the pid is that of a
                       background child, empty for none
``<nonce>><status>\\n`` on both outputs, by the shell itself after the subshell has ended
=====================  ==============================================================

The command runs as ``( eval '…' ) </dev/null``: a syntax error, ``exit`` or ``exec`` in it ends the
subshell only. A subshell that did not get to its last act (``exec``, a trap of the command's own,
a kill) leaves out the middle mark: then nobody knows whether a child is left behind.
"""

import re
import shlex

_MARK = re.compile(rb"(?:&(?P<child>\d*)|>(?P<status>\d{1,3}))\n")
#: Longest text of a mark after its nonce: a sign, ten digits and the end of the line.
_MARK_BYTES = 12


def frame(command: str, nonce: str) -> bytes:
    """The text to send to the shell for *command*."""
    start, end = f"printf '{nonce}<\\n'", f"printf '{nonce}>%s\\n' $mx_s"
    last_act = f"""trap 'printf "{nonce}&%s\\n" "${{!:-}}"' EXIT"""
    text = (
        f"{start};{start} >&2;({last_act};eval {shlex.quote(command)}\n)</dev/null;"
        f"mx_s=$?;{end};{end} >&2\n"
    )
    return text.encode("utf-8", "surrogateescape")


class Capture:
    """Keeps the head and the tail of what comes, and counts all of it."""

    def __init__(self, cap_bytes: int) -> None:
        self.total = 0
        self._head = bytearray()
        self._tail = bytearray()
        self._head_cap = cap_bytes - cap_bytes // 2
        self._tail_cap = cap_bytes // 2

    def add(self, data: bytes) -> None:
        self.total += len(data)
        room = self._head_cap - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail += data
            # Cut only now and then, so that a flood does not move the tail for every chunk.
            if len(self._tail) > 2 * self._tail_cap + 65536:
                del self._tail[: len(self._tail) - self._tail_cap]

    def content(self) -> bytes:
        tail = self._tail[-self._tail_cap :] if self._tail_cap else b""
        return bytes(self._head + tail)


class Frame:
    """Reads one output of one command, in pieces of any size."""

    def __init__(self, nonce: str, *, cap_bytes: int) -> None:
        self.captured = Capture(cap_bytes)
        #: Bytes that came before the first mark or after the last: somebody else's.
        self.stray_bytes = 0
        #: None until the last mark has come.
        self.status: int | None = None
        #: Whether the subshell got to its last act and had no child in the background.
        self.clean = False
        self._nonce = nonce.encode()
        self._start = self._nonce + b"<\n"
        self._started = False
        self._pending = b""

    @property
    def done(self) -> bool:
        return self.status is not None

    def feed(self, data: bytes) -> None:
        self._pending += data
        if not self._started and not self._find_start():
            return
        while self._pending and not self.done and self._find_mark():
            pass
        if self.done:
            self.stray_bytes += len(self._pending)
            self._pending = b""

    def _find_start(self) -> bool:
        at = self._pending.find(self._start)
        if at < 0:
            drop = max(0, len(self._pending) - len(self._start) + 1)
            self.stray_bytes += drop
            self._pending = self._pending[drop:]
            return False
        self.stray_bytes += at
        self._pending = self._pending[at + len(self._start) :]
        self._started = True
        return True

    def _find_mark(self) -> bool:
        """Take what is output; whether it is worth to look again at what is left."""
        at = self._pending.find(self._nonce)
        if at < 0:
            return self._take(len(self._pending) - len(self._nonce) + 1)
        self._take(at)
        mark = _MARK.match(self._pending, len(self._nonce))
        if mark:
            self._note(mark)
            self._pending = self._pending[mark.end() :]
            return True
        if len(self._pending) < len(self._nonce) + _MARK_BYTES:
            return False
        # Our own line as ``set -x`` prints it: output like any other.
        return self._take(len(self._nonce)) or True

    def _take(self, size: int) -> bool:
        """Move *size* pending bytes to the output; always False."""
        if size > 0:
            self.captured.add(self._pending[:size])
            self._pending = self._pending[size:]
        return False

    def _note(self, mark: re.Match[bytes]) -> None:
        if mark["status"] is not None:
            self.status = int(mark["status"])
        else:
            self.clean = not mark["child"]
