"""An SSH transport that can do what we need beyond paramiko's own."""

import logging
import socket
import threading
from collections.abc import Mapping
from typing import Any

import paramiko
from paramiko.common import cMSG_CHANNEL_OPEN, cMSG_CHANNEL_REQUEST
from paramiko.message import Message

# Paramiko logs every refused channel; what matters of it is in the errors we raise.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

STREAMLOCAL = "direct-streamlocal@openssh.com"
#: What a server offers in its key exchange message, and our own list to compare with.
_OFFERS = {
    "kex_algo_list": ("key exchange", "preferred_kex"),
    "server_key_algo_list": ("host key", "preferred_keys"),
    "server_encrypt_algo_list": ("cipher", "preferred_ciphers"),
    "server_mac_algo_list": ("MAC", "preferred_macs"),
    "server_compress_algo_list": ("compression", "preferred_compression"),
}


class HostTransport(paramiko.Transport):
    """Adds streamlocal channels, requests without a wait, and what the host had offered."""

    def __init__(self, sock: socket.socket | paramiko.Channel) -> None:
        super().__init__(sock)
        self._socket_path = ""
        self._offered: Mapping[str, Any] = {}
        #: Held while a channel is opened: paramiko keeps one failure for the whole transport.
        self.opening = threading.Lock()

    def open_streamlocal(self, path: str, *, timeout: float) -> paramiko.Channel:
        """A channel to a unix socket on the host (OpenSSH PROTOCOL, section 2.4)."""
        self._socket_path = path
        return self.open_channel(STREAMLOCAL, timeout=timeout)

    def open_exec(self, command: str, *, timeout: float) -> paramiko.Channel:
        """A channel running *command*. Paramiko's own would wait for the answer without end.

        A refusal closes the channel, which its reader sees.
        """
        channel = self.open_session(timeout=timeout)
        message = Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(channel.remote_chanid)
        message.add_string("exec")
        message.add_boolean(True)
        message.add_string(command)
        self._send_user_message(message)
        return channel

    def disagreement(self) -> str:
        """The first kind of algorithm we share none of, with both lists; "" when there is none."""
        for field, (name, ours) in _OFFERS.items():
            theirs = [item for item in self._offered.get(field, ()) if not _is_extension(item)]
            mine = list(getattr(self, ours))
            if theirs and not set(theirs) & set(mine):
                return f"{name}: the host offers {', '.join(theirs)}; we have {', '.join(mine)}"
        return ""

    def _send_user_message(self, data: Message) -> None:
        opening = Message()
        opening.add_byte(cMSG_CHANNEL_OPEN)
        opening.add_string(STREAMLOCAL)
        if data.asbytes().startswith(opening.asbytes()):
            data.add_string(self._socket_path)
            data.add_string("")
            data.add_int(0)
        super()._send_user_message(data)  # type: ignore[misc]  # not in the stubs

    def _really_parse_kex_init(
        self, m: Message, ignore_first_byte: bool = False
    ) -> Mapping[str, Any]:  # lists of names and one boolean
        fields: Mapping[str, Any]
        fields = super()._really_parse_kex_init(m, ignore_first_byte)  # type: ignore[misc]
        if not ignore_first_byte and not self._offered:
            self._offered = {field: list(fields[field]) for field in _OFFERS}
        return fields


def _is_extension(name: str) -> bool:
    """Whether a name in the key exchange list is no algorithm but a hint (RFC 8308, OpenSSH)."""
    return name.startswith(("ext-info-", "kex-strict-"))
