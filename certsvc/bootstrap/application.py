"""One worker from start to stop.

Invariants: the store is opened under the data directory's lock; every signing key that should work is tried before
the first call is taken; what was started is stopped in reverse order, whatever failed in between.
"""

from contextlib import ExitStack

from certsvc.bootstrap.opening import Store, SystemClock, held_lock, opened_store
from certsvc.bootstrap.wiring import Wiring
from certsvc.config import Settings
from certsvc.errors import FailedPreconditionError
from certsvc.keyring.hardening import forbid_memory_dumps
from certsvc.keyring.startup_probe import probe
from certsvc.ports import Clock

READY_SECONDS = 600.0  # ten million licenses take a minute and a half to read
STOP_SECONDS = 10.0


class Application:
    """One worker: the store, the follower, gRPC and HTTP. Made once, started once, stopped once.

    `store` and the addresses are there from start to stop.
    """

    def __init__(self, settings: Settings, *, share_ports: bool = False, clock: Clock | None = None) -> None:
        """`clock` stands for the machine's own."""
        self._settings = settings
        self._clock = clock or SystemClock()
        self._share_ports = share_ports
        self._stack = ExitStack()
        self.store: Store | None = None
        self.grpc_address = ""
        self.http_address = ""

    def start(self) -> None:
        """Open, check, connect and listen; raises and leaves nothing open if one of them fails."""
        with ExitStack() as stack:
            forbid_memory_dumps()
            if not self._share_ports:
                stack.enter_context(held_lock(self._settings))
            store = stack.enter_context(opened_store(self._settings))
            with store.ledger.read() as repositories:
                keys = repositories.signing_keys.all()
            probe(store.vault, keys)
            wiring = Wiring(self._settings, store, clock=self._clock)
            stack.callback(wiring.executor.shutdown, wait=False, cancel_futures=True)
            wiring.follower.start()
            stack.callback(wiring.follower.stop)
            if not wiring.follower.wait_ready(READY_SECONDS):
                raise FailedPreconditionError(
                    reason="NOT_READY", message="the register could not be read in time", details={"state": "STARTING"}
                )
            wiring.housekeeping.start()
            stack.callback(wiring.housekeeping.stop)
            # Each holds its port as soon as it is made.
            rpc = wiring.grpc_server(share_port=self._share_ports)
            stack.callback(rpc.stop, STOP_SECONDS)
            # Again, because watchers go on until the follower stops, and the server waits for them.
            stack.callback(wiring.follower.stop)
            web = wiring.http_server(share_port=self._share_ports)
            stack.callback(web.stop)
            rpc.start()
            web.start()
            self.store = store
            self.grpc_address, self.http_address = rpc.addresses[0], web.address
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """Stop taking calls, let those under way finish, close everything."""
        self._stack.close()
