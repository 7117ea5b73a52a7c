"""
Polls the task queue and answers. Configured as every Temporal client is (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS and API
keys, or a profile in temporal.toml), and by:

  TASK_QUEUE            database-guard when unset
  DIR                   where pinned-blocks.json and the holds are; state when unset
  PINNED_BLOCKS         path or http(s) address to ask instead of that file
  RETRY_AFTER_SECONDS   after a veto; 30 when unset
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.worker import Worker

from database_guard import DatabaseGuard
from holds import Holds
from memory_notify import Answer, MemoryNotify

CALLS_AT_ONCE = 20
GRACE = timedelta(seconds=30)
"""The longest timeout that a MemoryNotifier can have: a call that has begun is answered."""

log = logging.getLogger("database-guard")
directory = Path(os.environ.get("DIR", "state"))
guard = DatabaseGuard(
    pinned_blocks=os.environ.get("PINNED_BLOCKS", str(directory / "pinned-blocks.json")),
    holds=Holds(directory / "holds"),
    retry_after_seconds=int(os.environ.get("RETRY_AFTER_SECONDS", "30")),
)


@activity.defn(name="memoryNotify")
def memory_notify(event: dict[str, Any]) -> Answer:
    started = time.monotonic()
    subject = f"{event.get('action')} {event.get('node')} memory{event.get('blockId')} of {event.get('runId')}"
    try:
        answer = guard.notify(MemoryNotify.parse(event))
    except Exception as error:
        log.error("%s: no answer: %r", subject, error)
        raise
    milliseconds = (time.monotonic() - started) * 1000
    said = " ".join(filter(None, (answer["result"], answer.get("reason"))))
    log.info("%s: %s (%.0f ms)", subject, said, milliseconds)
    return answer


async def main() -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    client = await Client.connect(**({"target_host": "localhost:7233"} | ClientConfig.load_client_connect_config()))
    task_queue = os.environ.get("TASK_QUEUE", "database-guard")
    with ThreadPoolExecutor(CALLS_AT_ONCE) as threads:
        worker = Worker(
            client,
            task_queue=task_queue,
            activities=[memory_notify],
            activity_executor=threads,
            max_concurrent_activities=CALLS_AT_ONCE,
            graceful_shutdown_timeout=GRACE,
        )
        async with worker:
            log.info("polling task queue %s of namespace %s", task_queue, client.namespace)
            await stop.wait()
            log.info("stopping: no new calls; those that have begun are answered")
    log.info("stopped")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(main())
