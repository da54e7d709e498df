"""The commands a probe ran, kept as evidence up to a cap."""

from dataclasses import replace

from matrix.core.result import CommandRecord

COMMANDS_MOST = 500
OUTPUT_MOST_BYTES = 4 * 1024 * 1024


class Ledger:
    """Commands in the order they were run; what is too much is counted, not kept."""

    def __init__(self) -> None:
        self._kept: list[CommandRecord] = []
        self._bytes = 0
        self._bare = 0
        self._dropped = 0

    def add(self, record: CommandRecord) -> None:
        """Keep *record*, without its outputs once OUTPUT_MOST_BYTES are reached."""
        if len(self._kept) >= COMMANDS_MOST:
            self._dropped += 1
            return
        size = len(record.result.stdout) + len(record.result.stderr)
        if self._bytes + size > OUTPUT_MOST_BYTES:
            self._bare += 1
            record = replace(record, result=replace(record.result, stdout=b"", stderr=b""))
            size = 0
        self._bytes += size
        self._kept.append(record)

    @property
    def records(self) -> tuple[CommandRecord, ...]:
        """What was kept."""
        return tuple(self._kept)

    @property
    def note(self) -> str:
        """What was not kept, "" when everything was."""
        notes = []
        if self._dropped:
            notes.append(f"[{self._dropped} further commands were not kept]\n")
        if self._bare:
            notes.append(f"[the output of {self._bare} commands was not kept]\n")
        return "".join(notes)
