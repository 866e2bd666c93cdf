"""TLS with certificates of our own making: gRPC and the page off loopback, renewed while the process serves."""

import dataclasses
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from certsvc.client import CallError, Client, load_credential
from certsvc.v1 import verification_service_pb2
from tests.e2e.certificates import Authority, private_pem
from tests.e2e.permits import APPROVAL_BUREAU, CLERK, TRAFFIC_POLICE, permit
from tests.e2e.server_process import NO_RETRIES, ServerProcess, initialized, run_command

SOON = 10.0
"""Seconds in which a renewed certificate must be served."""


@dataclass(frozen=True, slots=True)
class Secured:
    """A register that listens on all interfaces, the authority of its certificate, and where the pair lies."""

    server: ServerProcess
    authority: Authority
    certificate: Path
    key: Path

    @property
    def ports(self) -> dict[str, int]:
        """The ports by protocol."""
        addresses = {"grpc": self.server.grpc_address, "http": self.server.http_address}
        return {name: int(address.rpartition(":")[2]) for name, address in addresses.items()}

    @property
    def page(self) -> str:
        """The public URL."""
        return f"https://localhost:{self.ports['http']}"

    def client(self, agency_id: str, officer: str = "", *, host: str = "localhost") -> Client:
        """A client that trusts the authority and nothing else."""
        credential = dataclasses.replace(
            load_credential(self.server.credential(agency_id)),
            endpoint=f"{host}:{self.ports['grpc']}",
            ca_pem=self.authority.file.read_text(),
        )
        client = Client.connect(credential, officer=officer, policy=NO_RETRIES)
        self.server.clients.append(client)
        return client


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Filled with samples on loopback, then served off it, with TLS on both ports."""
    folder = tmp_path_factory.mktemp("secured")
    authority = Authority(folder / "ca.pem")
    certificate, key = folder / "server.pem", folder / "server.key"
    authority.issue(certificate, key)
    server = initialized(folder / "register")
    server.start()
    try:
        server.fill_with_samples()
        server.stop()
        server.grpc_address = server.grpc_address.replace("127.0.0.1", "0.0.0.0")
        server.http_address = server.http_address.replace("127.0.0.1", "0.0.0.0")
        made = Secured(server, authority, certificate, key)
        server.options = ("--tls-certificate", str(certificate), "--tls-key", str(key), "--public-url", made.page)
        server.start()
        yield made
    finally:
        server.close()


def served_serial(secured: Secured, protocol: str) -> int:
    """The serial number of the certificate that a new connection gets."""
    context = ssl.create_default_context(cafile=str(secured.authority.file))
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", secured.ports[protocol]), timeout=10) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as secure,
    ):
        received = secure.getpeercert(binary_form=True)
    assert received is not None
    return x509.load_der_x509_certificate(received).serial_number


def wait_for_serial(secured: Secured, serial: int) -> None:
    ends_at = time.monotonic() + SOON
    for protocol in secured.ports:
        while served_serial(secured, protocol) != serial:
            assert time.monotonic() < ends_at, f"{protocol} serves the old certificate"
            time.sleep(0.2)


def wait_for_log(secured: Secured, event: str) -> None:
    ends_at = time.monotonic() + SOON
    while f'"event": "{event}"' not in secured.server.log.read_text("utf-8"):
        assert time.monotonic() < ends_at, f"no {event} in the log"
        time.sleep(0.2)


def test_phones_and_agencies_reach_it_over_tls(secured: Secured) -> None:
    """A code that is issued now names the https page, and the page is there."""
    text = secured.client(APPROVAL_BUREAU, CLERK).licenses.issue(permit("T-1")).qr_text
    assert text.startswith(f"{secured.page}/q#")
    verifier = secured.client(TRAFFIC_POLICE, host="127.0.0.1")
    assert verifier.verification.verify(text).verdict == verification_service_pb2.VERDICT_VALID
    context = ssl.create_default_context(cafile=str(secured.authority.file))
    with httpx.Client(verify=context, timeout=10) as phone:
        page = phone.get(text.partition("#")[0])
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        metadata = phone.get(f"{secured.page}/.well-known/jwt-vc-issuer").json()
        assert metadata["issuer"] == secured.page


def test_buf_calls_it_over_tls(secured: Secured) -> None:
    """A client that is not ours, with Go's TLS."""
    buf = str(Path(sys.executable).with_name("buf"))
    url = f"https://localhost:{secured.ports['grpc']}/grpc.health.v1.Health/Check"
    trusting = [buf, "curl", "--protocol", "grpc", "--cacert", str(secured.authority.file), url]
    assert "SERVING" in subprocess.run(trusting, capture_output=True, text=True, check=True, timeout=60).stdout
    doubting = [buf, "curl", "--protocol", "grpc", url]
    assert subprocess.run(doubting, capture_output=True, check=False, timeout=60).returncode != 0


def test_strangers_authorities_and_plaintext_get_nowhere(secured: Secured, tmp_path: Path) -> None:
    """No token leaves for a server whose certificate the credential's authority did not sign, and none in clear."""
    other = dataclasses.replace(secured, authority=Authority(tmp_path / "other.pem"))
    with pytest.raises(CallError) as refused:
        other.client(TRAFFIC_POLICE).verification.verify("1")
    assert refused.value.code == "UNAVAILABLE"
    with pytest.raises(ssl.SSLCertVerificationError):
        served_serial(other, "http")
    for port in secured.ports.values():
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://localhost:{port}/healthz", timeout=5)


def test_certificates_change_while_it_serves(secured: Secured) -> None:
    """New connections get the new certificate, old ones go on; a pair that does not fit changes nothing."""
    early = secured.client(TRAFFIC_POLICE)
    text = secured.client(APPROVAL_BUREAU, CLERK).licenses.issue(permit("T-2")).qr_text
    renewed = secured.authority.issue(secured.certificate, secured.key)
    wait_for_serial(secured, renewed)

    secured.key.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
    wait_for_log(secured, "certificate_not_loaded")  # HTTP looks by itself, gRPC whenever somebody connects
    wait_for_serial(secured, renewed)
    wait_for_log(secured, "tls_certificate_kept")

    last = secured.authority.issue(secured.certificate, secured.key)
    wait_for_serial(secured, last)
    for client in (early, secured.client(TRAFFIC_POLICE)):
        assert client.verification.verify(text).verdict == verification_service_pb2.VERDICT_VALID


def test_a_pair_that_does_not_fit_is_refused_at_the_start(tmp_path: Path) -> None:
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    Authority(tmp_path / "ca.pem").issue(certificate, key)
    key.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
    server = initialized(tmp_path / "register")
    pair = ("--tls-certificate", str(certificate), "--tls-key", str(key))
    for option in ("--grpc-address", "--http-address"):
        refused = run_command("serve", "--data-dir", str(server.data_dir), option, "0.0.0.0:0", *pair)
        assert refused.returncode == 3, refused.stderr
        assert "[TLS_FILES]" in refused.stderr
        assert "Traceback" not in refused.stderr
