"""Several worker processes on one port (SO_REUSEPORT), for more cores; needs PostgreSQL.

Invariants: the parent holds the data directory's lock and serves nothing itself; workers are spawned, never forked
(gRPC does not survive a fork); if one dies, the others are stopped and the parent fails, so that whoever supervises
it starts everything anew; if the parent dies, its workers stop, as nobody holds the lock for them any more.
"""

import multiprocessing
import multiprocessing.synchronize
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess

from certsvc.bootstrap.application import Application
from certsvc.bootstrap.logging import configure_logging
from certsvc.bootstrap.opening import held_lock
from certsvc.config import Settings
from certsvc.errors import UnavailableError

STOP_SECONDS = 20.0
READY_SECONDS = 600.0
LOOK_SECONDS = 0.5


def run_workers(settings: Settings, *, on_ready: Callable[[], None], stopping: threading.Event) -> None:
    """Run `settings.workers` workers until `stopping` is set.

    Calls `on_ready` once all of them listen. Raises UnavailableError (WORKER_DIED) if one ends by itself.
    """
    context = multiprocessing.get_context("spawn")
    ready = context.Semaphore(0)
    with held_lock(settings):
        workers: list[BaseProcess] = [
            context.Process(target=_serve, args=(settings, ready), name=f"certsvc-worker-{number}")
            for number in range(settings.workers)
        ]
        for worker in workers:
            worker.start()
        try:
            for _ in workers:
                if not ready.acquire(timeout=READY_SECONDS):
                    raise _died()
            on_ready()
            while not stopping.is_set():
                if wait([worker.sentinel for worker in workers], timeout=LOOK_SECONDS):
                    raise _died()
        finally:
            for worker in workers:
                if worker.is_alive():
                    worker.terminate()
            for worker in workers:
                worker.join(STOP_SECONDS)


def _died() -> UnavailableError:
    return UnavailableError(reason="WORKER_DIED", message="a worker ended by itself; its log says why")


def _serve(settings: Settings, ready: multiprocessing.synchronize.Semaphore) -> None:
    """One worker, until SIGTERM; Ctrl-C reaches the whole group, and the parent decides."""
    configure_logging(settings.log_level)
    stopping = threading.Event()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    application = Application(settings, share_ports=True)
    application.start()
    ready.release()
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101 - this was spawned by run_workers
    try:
        while not stopping.is_set() and not wait([parent.sentinel], timeout=LOOK_SECONDS):
            pass
    finally:
        application.stop()
