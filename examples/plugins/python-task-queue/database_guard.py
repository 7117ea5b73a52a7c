"""Keeps memory blocks in which a database has pinned pages, and has databases pin no more in one that is going away."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from holds import Holds
from memory_notify import Answer, MemoryNotify, done, ok, veto


@dataclass(frozen=True)
class DatabaseGuard:
    pinned_blocks: str
    """Path or http(s) address of {"<database>": {"<node>": [<block id>, ...]}}: who has pinned pages where."""
    holds: Holds
    retry_after_seconds: int
    """About as long as a database takes to write its dirty pages out and unpin them."""

    def notify(self, event: MemoryNotify) -> Answer:
        """Safe to repeat: a hold that is there is not made twice, one that is gone is not missed."""
        match event.action:
            case "MEM_GOING_OFFLINE":
                return self._going_offline(event)
            case "MEM_OFFLINE" | "MEM_CANCEL_OFFLINE":
                return self._is_over(event)
            case _:
                return done()

    def _going_offline(self, event: MemoryNotify) -> Answer:
        if event.seconds_left <= 0:
            raise TimeoutError("asked after the deadline")
        # First the hold, then the look: a database that pins pages in between has seen the hold.
        if not event.dry_run:
            self.holds.take(event)
        databases = self._with_pinned_pages(event)
        if databases:
            # No hold is left behind by a veto; the CANCEL that follows finds none.
            if not event.dry_run:
                self.holds.release(event)
            names = ", ".join(databases)
            return veto("EBUSY", f"{names} has pinned pages in {event.block}", self.retry_after_seconds)
        return ok(f"no database has pinned pages in {event.block}")

    def _is_over(self, event: MemoryNotify) -> Answer:
        # Also sent to a plugin that vetoed, and to one that was never asked: only what is held is released.
        if event.dry_run or not self.holds.release(event):
            return done()
        return ok(f"databases may pin pages in {event.block} again")

    def _with_pinned_pages(self, event: MemoryNotify) -> list[str]:
        databases: dict[str, dict[str, list[int]]] = json.loads(self._read(event.seconds_left))
        return sorted(name for name, nodes in databases.items() if event.block_id in nodes.get(event.node, []))

    def _read(self, timeout_seconds: float) -> str:
        if self.pinned_blocks.startswith(("http://", "https://")):
            with urllib.request.urlopen(self.pinned_blocks, timeout=timeout_seconds) as response:
                return response.read().decode()
        return Path(self.pinned_blocks).read_text()
