"""python -m unittest"""

import json
import tempfile
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

from database_guard import DatabaseGuard
from holds import Holds
from memory_notify import MemoryNotify

PINNED = {"orders-db": {"worker-1": [33]}}


class DatabaseGuardTest(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.holds = Path(directory.name, "holds")
        pinned = Path(directory.name, "pinned-blocks.json")
        pinned.write_text(json.dumps(PINNED))
        self.guard = DatabaseGuard(str(pinned), Holds(self.holds), retry_after_seconds=30)

    def ask(self, action: str, block: int = 32, token: int = 7, seconds: float = 10, **more: Any) -> dict[str, Any]:
        event = {
            "apiVersion": "notifier.memoryhotplug.io/v1",
            "action": action,
            "node": "worker-1",
            "blockId": block,
            "runId": str(uuid4()),
            "tokens": {"device_hotplug_lock": token},
            "deadline": (datetime.now(timezone.utc) + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z"),
            "dryRun": False,
            "aFieldOfTheFuture": {},
        }
        return self.guard.notify(MemoryNotify.parse(event | more))

    def held(self) -> list[str]:
        return sorted(file.name for file in self.holds.glob("*"))

    def test_agrees_and_holds_until_it_is_over(self) -> None:
        for over in ("MEM_OFFLINE", "MEM_CANCEL_OFFLINE"):
            self.assertEqual(self.ask("MEM_GOING_OFFLINE")["result"], "NOTIFY_OK")
            self.assertEqual(self.held(), ["worker-1-memory32.json"])
            self.assertEqual(self.ask(over)["result"], "NOTIFY_OK")
            self.assertEqual(self.held(), [])

    def test_vetoes_where_pages_are_pinned_and_holds_nothing_then(self) -> None:
        answer = self.ask("MEM_GOING_OFFLINE", block=33)
        self.assertEqual((answer["result"], answer["errno"], answer["retryAfterSeconds"]), ("NOTIFY_BAD", "EBUSY", 30))
        self.assertEqual(answer["reason"], "orders-db has pinned pages in worker-1-memory33")
        self.assertEqual(self.held(), [])
        self.assertEqual(self.ask("MEM_CANCEL_OFFLINE", block=33)["result"], "NOTIFY_DONE")

    def test_a_repeat_changes_nothing(self) -> None:
        for _ in range(2):
            self.assertEqual(self.ask("MEM_GOING_OFFLINE")["result"], "NOTIFY_OK")
            self.assertEqual(self.held(), ["worker-1-memory32.json"])
        self.assertEqual([self.ask("MEM_OFFLINE")["result"] for _ in range(2)], ["NOTIFY_OK", "NOTIFY_DONE"])

    def test_what_comes_late_of_an_earlier_operation_releases_nothing(self) -> None:
        self.ask("MEM_GOING_OFFLINE", token=9)
        self.assertEqual(self.ask("MEM_CANCEL_OFFLINE", token=7)["result"], "NOTIFY_DONE")
        self.ask("MEM_GOING_OFFLINE", token=7)
        self.assertEqual(json.loads((self.holds / "worker-1-memory32.json").read_text())["token"], 9)

    def test_a_later_operation_ends_the_hold_of_one_that_died(self) -> None:
        self.ask("MEM_GOING_OFFLINE", token=7)
        self.assertEqual(self.ask("MEM_CANCEL_OFFLINE", token=8)["result"], "NOTIFY_OK")
        self.assertEqual(self.held(), [])

    def test_a_dry_run_answers_as_usual_and_changes_nothing(self) -> None:
        self.assertEqual(self.ask("MEM_GOING_OFFLINE", dryRun=True)["result"], "NOTIFY_OK")
        self.assertEqual(self.ask("MEM_GOING_OFFLINE", block=33, dryRun=True)["result"], "NOTIFY_BAD")
        self.assertEqual(self.held(), [])

    def test_gives_no_answer_and_holds_nothing_where_it_is_not_asked_properly(self) -> None:
        with self.assertRaises(TimeoutError):
            self.ask("MEM_GOING_OFFLINE", seconds=-1)
        for wrong in ({"apiVersion": "notifier.memoryhotplug.io/v2"}, {"node": "../worker-1"}, {"runId": "../run"}):
            with self.assertRaises(ValueError):
                self.ask("MEM_GOING_OFFLINE", **wrong)
        self.assertEqual(self.held(), [])

    def test_cares_about_offlines_only(self) -> None:
        for action in ("MEM_GOING_ONLINE", "MEM_ONLINE", "MEM_CANCEL_ONLINE"):
            self.assertEqual(self.ask(action, block=33)["result"], "NOTIFY_DONE")


if __name__ == "__main__":
    unittest.main()
