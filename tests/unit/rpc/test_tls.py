"""Where the server listens, and how a certificate follows its files."""

import os
import shutil
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from certsvc.errors import FailedPreconditionError
from certsvc.rpc.tls import Listener, ReloadingCertificate, TLSFiles, is_loopback
from tests.unit.rpc.certificates import make_pair


@pytest.fixture
def files(tmp_path: Path) -> TLSFiles:
    """A pair that works."""
    return make_pair(tmp_path / "served", "first.example")


def replace_by(files: TLSFiles, pair: TLSFiles) -> None:
    """Put another pair in the place of the served one, as a renewal does."""
    shutil.copy(pair.certificate_chain, files.certificate_chain)
    shutil.copy(pair.private_key, files.private_key)


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:50051", True),
        ("127.9.9.9:0", True),
        ("[::1]:50051", True),
        ("localhost:50051", True),
        ("0.0.0.0:50051", False),
        ("[::]:50051", False),
        ("192.168.1.7:50051", False),
        ("localhost.example:50051", False),
        ("register.example:50051", False),
        ("127.0.0.1.example:50051", False),
        ("50051", False),
        ("", False),
    ],
)
def test_in_clear_only_on_loopback(address: str, loopback: bool) -> None:
    assert is_loopback(address) == loopback
    if loopback:
        Listener(address)
    else:
        with pytest.raises(FailedPreconditionError) as refused:
            Listener(address)
        assert refused.value.reason == "PLAINTEXT_REFUSED"


def test_with_tls_anywhere(files: TLSFiles) -> None:
    assert Listener("0.0.0.0:50051", files).tls == files


def test_nothing_changes_while_the_files_do_not(files: TLSFiles) -> None:
    certificate = ReloadingCertificate(files)

    assert certificate.changed() is None
    assert certificate.changed() is None


def test_a_new_pair_is_taken_once(files: TLSFiles, tmp_path: Path) -> None:
    certificate = ReloadingCertificate(files)
    replace_by(files, make_pair(tmp_path / "new", "second.example"))

    assert certificate.changed() is not None
    assert certificate.changed() is None


def test_a_pair_that_was_moved_into_place_is_seen_though_its_time_is_old(files: TLSFiles, tmp_path: Path) -> None:
    certificate = ReloadingCertificate(files)
    new = make_pair(tmp_path / "new", "second.example")
    for old_path, new_path in (
        (files.certificate_chain, new.certificate_chain),
        (files.private_key, new.private_key),
    ):
        stat = old_path.stat()
        os.utime(new_path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        new_path.replace(old_path)

    assert certificate.changed() is not None


def test_half_of_a_new_pair_is_not_taken(files: TLSFiles, tmp_path: Path) -> None:
    certificate = ReloadingCertificate(files)
    new = make_pair(tmp_path / "new", "second.example")

    shutil.copy(new.certificate_chain, files.certificate_chain)
    with capture_logs() as lines:
        assert certificate.changed() is None
        assert certificate.changed() is None
    shutil.copy(new.private_key, files.private_key)

    assert certificate.changed() is not None
    assert [line["event"] for line in lines] == ["tls_certificate_kept"]


@pytest.mark.parametrize("spoilt", ["certificate_chain", "private_key"])
@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"])
def test_what_cannot_serve_is_refused_at_the_start_and_kept_out_later(
    files: TLSFiles, spoilt: str, content: bytes | None
) -> None:
    certificate = ReloadingCertificate(files)
    path: Path = getattr(files, spoilt)
    path.unlink() if content is None else path.write_bytes(content)

    assert certificate.changed() is None
    with pytest.raises(FailedPreconditionError) as refused:
        ReloadingCertificate(files)
    assert refused.value.reason == "TLS_FILES"
