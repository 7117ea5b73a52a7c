"""The notifier contract, notifier.memoryhotplug.io/v1: what a plugin is asked, and what it may answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from uuid import UUID

API_VERSION = "notifier.memoryhotplug.io/v1"
NODE_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
"""A node's name becomes part of a path here, and whoever may use the Temporal namespace may send an event."""
Answer = dict[str, Any]


@dataclass(frozen=True)
class MemoryNotify:
    """What this plugin needs of an event. Fields that it does not know are left out: the contract may gain some."""

    action: str
    node: str
    block_id: int
    run_id: UUID
    token: int
    """Fencing token of device_hotplug_lock: each operation of the node has a greater one than those before it."""
    deadline: datetime
    dry_run: bool

    @staticmethod
    def parse(event: dict[str, Any]) -> MemoryNotify:
        """Raises where the event is none: that is no answer, and failurePolicy says what it means."""
        if event["apiVersion"] != API_VERSION:
            raise ValueError(f"asked in {event['apiVersion']}, this plugin speaks {API_VERSION}")
        if not NODE_NAME.fullmatch(event["node"]):
            raise ValueError(f"{event['node']!r} is not the name of a node")
        return MemoryNotify(
            action=event["action"],
            node=event["node"],
            block_id=int(event["blockId"]),
            run_id=UUID(event["runId"]),
            token=int(event["tokens"].get("device_hotplug_lock", 0)),
            deadline=datetime.fromisoformat(event["deadline"].replace("Z", "+00:00")),
            dry_run=event["dryRun"],
        )

    @property
    def block(self) -> str:
        return f"{self.node}-memory{self.block_id}"

    @property
    def seconds_left(self) -> float:
        """Until an answer no longer counts."""
        return (self.deadline - datetime.now(timezone.utc)).total_seconds()


def ok(reason: str) -> Answer:
    """Agreed; the next notifier is asked."""
    return {"result": "NOTIFY_OK", "reason": reason}


def done() -> Answer:
    """Not my business; the next notifier is asked."""
    return {"result": "NOTIFY_DONE"}


def veto(errno: str, reason: str, retry_after_seconds: int) -> Answer:
    """The operation fails with errno, and comes back after the time given."""
    return {
        "result": "NOTIFY_BAD",
        "errno": errno,
        "reason": reason,
        "retryAfterSeconds": retry_after_seconds,
        "outlook": "Deferred",
    }
