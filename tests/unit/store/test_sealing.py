"""The place that a sealed value is bound to: its table, column and row, and no two rows read alike."""

from hypothesis import given
from hypothesis import strategies as st

from certsvc.store import tables
from certsvc.store.sealing import Privacy, to_json
from tests.integration.store.builders import INDEX

KEYS = st.lists(st.text(max_size=6) | st.integers(min_value=0), min_size=1, max_size=3)


class PlaceCipher:
    """Shows where it was asked to seal."""

    def seal(self, plaintext: bytes, *, table: str, row: str, column: str) -> bytes:
        return "|".join((table, row, column)).encode()

    def open(self, sealed: bytes, *, table: str, row: str, column: str) -> bytes:
        return self.seal(b"", table=table, row=row, column=column)


PRIVACY = Privacy(PlaceCipher(), INDEX)
CONTENT, CODE = tables.license_versions.c.content, tables.license_versions.c.code


def test_a_value_is_bound_to_table_row_and_column() -> None:
    assert PRIVACY.seal(CONTENT, b"", 12, 1) == b"license_versions|2:12,1:1|content"
    assert PRIVACY.open(CONTENT, b"", 12, 1) == PRIVACY.seal(CONTENT, b"", 12, 1)
    assert PRIVACY.seal(CODE, b"", 12, 1) != PRIVACY.seal(CONTENT, b"", 12, 1)


@given(KEYS, KEYS)
def test_two_keys_never_name_one_row(one: list[str | int], other: list[str | int]) -> None:
    same = [str(part) for part in one] == [str(part) for part in other]
    assert (PRIVACY.seal(CODE, b"", *one) == PRIVACY.seal(CODE, b"", *other)) == same


def test_equal_license_numbers_of_two_types_do_not_show_as_equal() -> None:
    first, second = (PRIVACY.license_number_ix(code, "粤A1") for code in ("T1", "T2"))
    assert first is not None
    assert second is not None
    assert first != second
    assert PRIVACY.license_number_ix("T1", "粤A1") == first
    assert PRIVACY.license_number_ix("T1", "") is None


def test_json_is_short() -> None:
    assert to_json({"名": ["张三", 1, None]}) == '{"名":["张三",1,null]}'
