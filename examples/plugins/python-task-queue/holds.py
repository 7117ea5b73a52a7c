"""What this plugin remembers: for each block that is going offline a file, by which databases pin no pages there."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from memory_notify import MemoryNotify


@dataclass(frozen=True)
class Holds:
    """`<directory>/<node>-memory<id>.json`; on a disk that all workers of the queue share, so that any of them may die."""

    directory: Path

    def take(self, event: MemoryNotify) -> None:
        """Of two operations on a block the later one counts: a repeat that comes late takes nothing away from it."""
        if self._token(event) > event.token:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        file = self._file(event)
        # Whole or not at all, whoever reads it and whenever this process dies.
        new = file.with_suffix(f".{uuid4().hex}")
        new.write_text(json.dumps({"runId": str(event.run_id), "token": event.token}))
        new.replace(file)

    def release(self, event: MemoryNotify) -> bool:
        """
        Whether there was one, of this operation or of an earlier one that died: a block has one operation at a time, and
        each has a greater token than those before it.
        """
        if not 0 <= self._token(event) <= event.token:
            return False
        self._file(event).unlink(missing_ok=True)
        return True

    def _token(self, event: MemoryNotify) -> int:
        """-1: there is no hold."""
        try:
            return int(json.loads(self._file(event).read_text())["token"])
        except FileNotFoundError:
            return -1

    def _file(self, event: MemoryNotify) -> Path:
        return self.directory / f"{event.block}.json"
