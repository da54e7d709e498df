"""The two field types of SSH's wire format that signatures are made of (RFC 4251, section 5)."""

from dataclasses import dataclass

from matrix.core.errors import Refused

INT_BYTES = 4


def string(data: bytes) -> bytes:
    """*data* with its length before it."""
    return len(data).to_bytes(INT_BYTES, "big") + data


@dataclass(slots=True)
class Reader:
    """Takes fields off the front of *rest*; raises Refused for what is cut short."""

    rest: bytes

    def take(self, count: int) -> bytes:
        """The next *count* bytes."""
        if count > len(self.rest):
            raise Refused("the signature is cut short")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def integer(self) -> int:
        """An unsigned 32-bit number."""
        return int.from_bytes(self.take(INT_BYTES), "big")

    def string(self) -> bytes:
        """Bytes with their length before them."""
        return self.take(self.integer())

    def text(self) -> str:
        """A string of ASCII."""
        found = self.string()
        if not found.isascii():
            raise Refused("the signature holds text that is not ASCII")
        return found.decode("ascii")

    def end(self) -> None:
        """Raises Refused when something is left."""
        if self.rest:
            raise Refused("the signature has something behind its end")
