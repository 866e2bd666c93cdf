"""Plaintext to this machine only, TLS to all others."""

import datetime
import ipaddress
from concurrent import futures

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certsvc.client import channel
from certsvc.client.call_error import CallError
from certsvc.client.connection import Connection
from certsvc.client.licenses import LicenseCalls
from certsvc.errors import InvalidInputError
from certsvc.v1 import license_service_pb2
from certsvc.v1.license_service_pb2_grpc import add_LicenseServiceServicer_to_server
from tests.unit.client.scripted_register import ScriptedRegister, policy


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1"])
def test_loopback(host: str) -> None:
    assert channel.is_loopback(host)


@pytest.mark.parametrize(
    "host", ["example.org", "10.0.0.1", "0.0.0.0", "::", "localhost.example.org", "127.0.0.1.nip.io"]
)
def test_everything_else_is_not_loopback(host: str) -> None:
    assert not channel.is_loopback(host)


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost", "localhost:", ":50051", "localhost:x", "localhost:99999", "http://localhost:1", "a@localhost:1",
     "localhost:50051/path", "dns:///localhost:1", "unix:/tmp/socket"],
)  # fmt: skip
def test_an_endpoint_is_host_and_port(endpoint: str) -> None:
    with pytest.raises(InvalidInputError) as raised:
        channel.open_channel(endpoint)
    assert raised.value.violations[0].reason == "ENDPOINT"


def test_a_remote_endpoint_is_spoken_to_in_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[str, str]] = []
    monkeypatch.setattr(grpc, "insecure_channel", lambda target, options: opened.append(("plaintext", target)))
    monkeypatch.setattr(grpc, "secure_channel", lambda target, credentials, options: opened.append(("TLS", target)))
    channel.open_channel("127.0.0.1:1")
    channel.open_channel("register.example.org:443")
    channel.open_channel("127.0.0.1:1", ca_pem=b"certificate")
    assert opened == [("plaintext", "127.0.0.1:1"), ("TLS", "register.example.org:443"), ("TLS", "127.0.0.1:1")]


def _certificate() -> tuple[bytes, bytes]:
    """A self-signed certificate for 127.0.0.1 and its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test register")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM), private


@pytest.mark.parametrize("trusted", [True, False])
def test_only_the_credentials_own_authority_counts(trusted: bool) -> None:
    certificate, private = _certificate()
    register = ScriptedRegister()
    register.steps = [lambda request, context: license_service_pb2.GetLicenseResponse()]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=2))
    add_LicenseServiceServicer_to_server(register, server)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(private, certificate)]))
    server.start()
    authority = certificate if trusted else _certificate()[0]
    try:
        with channel.open_channel(f"127.0.0.1:{port}", ca_pem=authority) as opened:
            connection = Connection(opened, authorization=lambda: "Bearer x", timeout=2.0, policy=policy())
            if trusted:
                assert LicenseCalls(connection).get("x") == license_service_pb2.License()
            else:
                with pytest.raises(CallError):
                    LicenseCalls(connection).get("x")
    finally:
        server.stop(grace=None).wait()
    assert bool(register.requests) is trusted
