"""The keys of personal data: five tasks, made once, never half there."""

from pathlib import Path

import pytest

from certsvc.domain.signing_key import KeyPurpose
from certsvc.errors import AlreadyExistsError, DataIntegrityError, NotFoundError
from certsvc.keyring.data_keys import USAGE, DataKeys, create_data_keys, load_data_keys
from tests.unit.keyring.builders import key_file, new_files, reopened

FILES = ["fingerprint", "number-index", "payload-digest", "permutation", "sealing-00001"]


def test_created_keys_come_back_and_are_all_different(tmp_path: Path) -> None:
    created = create_data_keys(new_files(tmp_path))

    assert load_data_keys(reopened(tmp_path)) == created
    keys = _all_keys(created)
    assert len(keys) == len(set(keys)) == 5
    assert {len(key) for key in keys} == {32}
    assert list(created.sealing) == [1]


def test_they_are_made_once(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    created = create_data_keys(files)

    with pytest.raises(AlreadyExistsError) as refused:
        create_data_keys(files)

    assert refused.value.reason == "DATA_KEYS_EXIST"
    assert load_data_keys(files) == created


@pytest.mark.parametrize("missing", FILES)
def test_no_key_may_be_missing(tmp_path: Path, missing: str) -> None:
    files = new_files(tmp_path)
    create_data_keys(files)
    files.remove(missing)

    with pytest.raises(NotFoundError) as refused:
        load_data_keys(files)

    assert refused.value.reason == "DATA_KEYS_MISSING"
    assert missing.removesuffix("-00001") in refused.value.message


def test_an_interrupted_creation_may_be_repeated(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    create_data_keys(files)
    kept = load_data_keys(files).number_index
    for name in ("permutation", "sealing-00001"):
        files.remove(name)

    again = create_data_keys(files)

    assert again.number_index == kept
    assert load_data_keys(files) == again


def test_a_newer_sealing_key_stands_beside_the_old_one(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    created = create_data_keys(files)
    files.put(b"2" * 32, usage=USAGE, name="sealing-00002")

    assert load_data_keys(files).sealing == {1: created.sealing[1], 2: b"2" * 32}


def test_a_key_of_another_size_is_refused(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    create_data_keys(files)
    files.remove("fingerprint")
    files.put(b"short", usage=USAGE, name="fingerprint")

    with pytest.raises(DataIntegrityError) as refused:
        load_data_keys(files)

    assert refused.value.reason == "DATA_KEY_SIZE"


def test_a_key_in_the_place_of_another_is_detected(tmp_path: Path) -> None:
    files = new_files(tmp_path)
    create_data_keys(files)
    key_file(tmp_path, usage=USAGE, name="permutation").replace(key_file(tmp_path, usage=USAGE, name="number-index"))
    files.put(b"p" * 32, usage=USAGE, name="permutation")

    with pytest.raises(DataIntegrityError) as refused:
        load_data_keys(files)

    assert refused.value.reason == "WRAPPED_SECRET_CHANGED"


def test_data_keys_show_nothing(tmp_path: Path) -> None:
    assert repr(create_data_keys(new_files(tmp_path))) == "DataKeys(sealing versions [1])"


def test_no_signing_key_can_pass_for_a_data_key() -> None:
    assert USAGE not in set(KeyPurpose)


def _all_keys(keys: DataKeys) -> list[bytes]:
    single = [keys.number_index, keys.permutation, keys.payload_digest, keys.fingerprint]
    return [*single, *keys.sealing.values()]
