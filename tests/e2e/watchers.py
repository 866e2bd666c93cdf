"""Many watchers in a process of their own: `python -m tests.e2e.watchers TYPE PER_CREDENTIAL CREDENTIAL...`.

Says "ready" on a line of standard output once all of them watch; when standard input ends, says in JSON how many
events each has heard. Gives way to everybody else, so that what it costs is not taken for a cost of the server.
"""

import json
import os
import sys
import threading
from pathlib import Path

from certsvc.client import CallError, Client
from certsvc.v1 import license_service_pb2


class Watcher:
    """One watch of one agency."""

    def __init__(self, client: Client, type_code: str) -> None:
        self.heard = 0
        self._request = license_service_pb2.WatchLicenseEventsRequest(type_codes=[type_code])
        self._client = client
        self.watching = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        try:
            for answer in self._client.licenses.watch(self._request, patience=0.0, heartbeats=True):
                self.watching.set()
                self.heard += answer.HasField("event")
        except CallError as error:
            if error.code != "CANCELLED":
                raise


def main(type_code: str, per_credential: str, *credentials: str) -> None:
    """Watch until standard input ends."""
    os.nice(19)
    clients = [Client.connect(Path(credential)) for credential in credentials]
    watchers = [Watcher(client, type_code) for client in clients for _ in range(int(per_credential))]
    for watcher in watchers:
        if not watcher.watching.wait(30):
            sys.exit("a watcher got no first answer")
    print("ready", flush=True)
    sys.stdin.read()
    print(json.dumps([watcher.heard for watcher in watchers]))
    for client in clients:
        client.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
