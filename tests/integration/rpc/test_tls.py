"""TLS with real certificates: in use, changed while it runs, and never without."""

import shutil
from pathlib import Path

import grpc
import pytest

from certsvc.ports import Ledger
from certsvc.rpc.tls import Listener, TLSFiles
from certsvc.v1 import agency_service_pb2, agency_service_pb2_grpc
from tests.integration.rpc.register_server import WAIT, RegisterServer, refusal
from tests.unit.rpc.certificates import make_pair
from tests.unit.services.administration import AGENCY


def get(channel: grpc.Channel, register: RegisterServer) -> str:
    stub = agency_service_pb2_grpc.AgencyServiceStub(channel)
    request = agency_service_pb2.GetAgencyRequest(agency_id=AGENCY)
    metadata = register.metadata(register.operator)
    return str(stub.GetAgency(request, metadata=metadata, timeout=WAIT).agency.agency_id)


def trusting(register: RegisterServer, files: TLSFiles) -> grpc.Channel:
    """A new channel that trusts just this certificate."""
    credentials = grpc.ssl_channel_credentials(files.certificate_chain.read_bytes())
    # Channels with equal arguments share connections; this one must make its own.
    options = [("grpc.use_local_subchannel_pool", 1)]
    return grpc.secure_channel(register.address, credentials, options)


def copied(files: TLSFiles, folder: Path) -> TLSFiles:
    """The same pair at another place."""
    folder.mkdir()
    return TLSFiles(Path(shutil.copy(files.certificate_chain, folder)), Path(shutil.copy(files.private_key, folder)))


@pytest.fixture
def pair(tmp_path: Path) -> TLSFiles:
    return make_pair(tmp_path / "first", "first.example")


def test_a_certificate_is_changed_without_a_restart(ledger: Ledger, tmp_path: Path, pair: TLSFiles) -> None:
    served, second = copied(pair, tmp_path / "served"), make_pair(tmp_path / "second", "second.example")
    register = RegisterServer(ledger, listeners=(Listener("127.0.0.1:0", served),))
    with register.running(), trusting(register, pair) as connected:
        assert get(connected, register) == AGENCY
        with trusting(register, second) as early:
            assert refusal(lambda: get(early, register))[0] is grpc.StatusCode.UNAVAILABLE

        shutil.copy(second.private_key, served.private_key)
        with trusting(register, pair) as meanwhile:
            assert get(meanwhile, register) == AGENCY  # half of a new pair serves nobody
        shutil.copy(second.certificate_chain, served.certificate_chain)

        with trusting(register, second) as late:
            assert get(late, register) == AGENCY
        with trusting(register, pair) as outdated:
            assert refusal(lambda: get(outdated, register))[0] is grpc.StatusCode.UNAVAILABLE
        assert get(connected, register) == AGENCY


def test_a_client_in_clear_gets_nowhere(ledger: Ledger, pair: TLSFiles) -> None:
    register = RegisterServer(ledger, listeners=(Listener("127.0.0.1:0", pair),))
    with register.running() as in_clear:
        assert refusal(lambda: get(in_clear, register))[0] is grpc.StatusCode.UNAVAILABLE


def test_one_server_listens_in_clear_on_loopback_and_with_tls_elsewhere(ledger: Ledger, pair: TLSFiles) -> None:
    listeners = (Listener("127.0.0.1:0"), Listener("0.0.0.0:0", pair))
    register = RegisterServer(ledger, listeners=listeners)
    with register.running() as in_clear:
        assert get(in_clear, register) == AGENCY
        port = register.server.addresses[1].rpartition(":")[2]
        credentials = grpc.ssl_channel_credentials(pair.certificate_chain.read_bytes())
        with grpc.secure_channel(f"127.0.0.1:{port}", credentials) as channel:
            assert get(channel, register) == AGENCY
