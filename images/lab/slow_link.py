"""Relay TCP connections to a port of this host, late and slowly, as a long line would.

usage: slow_link.py PORT DELAY_MS MEGABITS TARGET_PORT

DELAY_MS is added to a round trip, MEGABITS (10^6 a second) is what passes in each direction for all
connections together. A queue of a second is held; who sends more waits, as before a full router.
"""

import asyncio
import sys
import time

PIECE_BYTES = 16 * 1024


class Direction:
    """What one direction of the line may carry: pieces leave one after the other."""

    def __init__(self, delay_seconds, bytes_per_second):
        self.delay_seconds = delay_seconds
        self.bytes_per_second = bytes_per_second
        self.free_at = 0.0

    def book(self, size):
        """When a piece of that size, that is sent now, has arrived."""
        self.free_at = max(self.free_at, time.monotonic()) + size / self.bytes_per_second
        return self.free_at + self.delay_seconds


async def carry(reader, writer, direction):
    pieces = asyncio.Queue(max(4, int(direction.bytes_per_second / PIECE_BYTES)))
    deliverer = asyncio.create_task(deliver(pieces, writer))
    try:
        while data := await reader.read(PIECE_BYTES):
            await pieces.put((direction.book(len(data)), data))
    except OSError:
        pass
    await pieces.put((direction.book(0), b""))
    await deliverer


async def deliver(pieces, writer):
    while True:
        due, data = await pieces.get()
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        try:
            if not data:
                writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
        except OSError:
            data = b""


async def relay(reader, writer, target, up, down):
    try:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
    except OSError:
        # Nobody listens yet: the other end sees the connection close, and asks again.
        writer.close()
        return
    try:
        await asyncio.gather(carry(reader, inner_writer, up), carry(inner_reader, writer, down))
    finally:
        inner_writer.close()
        writer.close()


async def main(port, delay_ms, megabits, target):
    rate = megabits * 1e6 / 8
    up, down = Direction(delay_ms / 2000, rate), Direction(delay_ms / 2000, rate)
    server = await asyncio.start_server(
        lambda reader, writer: relay(reader, writer, target, up, down), "0.0.0.0", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
