"""Records of the cache: whole, or made anew."""

import pytest

from bench.files.cache import read_record, tell_damaged, write_record
from tests.conftest import Said


@pytest.fixture
def path(tmp_path):
    write_record(tmp_path / "deep" / "record", b"content")
    return tmp_path / "deep" / "record"


def test_what_was_written_is_read(path):
    damaged = []
    assert read_record(path, 7, damaged) == b"content"
    assert read_record(path.with_name("none"), 7, damaged) is None
    assert damaged == []
    assert [one.name for one in path.parent.iterdir()] == ["record"]


def test_every_bit_counts_and_every_byte(path):
    data = path.read_bytes()
    wrong = [bytes([*data[:at], data[at] ^ 1 << bit, *data[at + 1 :]]) for at in range(len(data)) for bit in range(8)]
    for bad in (*wrong, *(data[:end] for end in range(len(data))), data + b"\0"):
        damaged = []
        path.write_bytes(bad)
        assert read_record(path, 7, damaged) is None
        assert damaged == [path]


def test_a_record_of_another_length_is_damaged(path):
    damaged = []
    assert read_record(path, 6, damaged) is None
    assert damaged == [path]


def test_damage_is_told_in_one_line(path):
    progress = Said()
    tell_damaged([], progress)
    assert progress.lines == []
    tell_damaged([path], progress)
    tell_damaged([path] * 3, progress)
    assert progress.lines == [
        f"{path}: damaged in the cache, and made anew",
        f"{path} and 2 more: damaged in the cache, and made anew",
    ]
