"""Published weight files: found by torch's own rule, known by the first digits of their sha256."""

import hashlib
import os

from bench.files.published import WebFile, fault, published_digits

DIGEST = hashlib.sha256(b"weights").hexdigest()


def test_a_file_is_whole_when_its_sha256_begins_as_published(tmp_path):
    """All digits or the first ones; what is wrong is the end of a sentence."""
    path = tmp_path / "net.pth"
    assert fault(path, DIGEST) == "no such file"
    path.write_bytes(b"weights")
    assert fault(path, DIGEST) == fault(path, DIGEST[:8]) == fault(path, "") == ""
    assert fault(path, "0" * 64) == f"sha256 is {DIGEST[:8]}… (7 bytes), expected 00000000…: damaged or another file"


def test_a_file_that_was_replaced_is_read_again(tmp_path):
    """By its size or time; bytes that turn without either are seen where the caller asks for it."""
    path = tmp_path / "net.pth"
    path.write_bytes(b"weights")
    assert not fault(path, DIGEST)
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    path.write_bytes(b"weighut")
    os.utime(path, ns=times)
    assert not fault(path, DIGEST)
    assert fault(path, DIGEST, again=True)
    path.write_bytes(b"other weights")
    assert fault(path, DIGEST)


def test_what_is_no_web_address_is_a_name_only(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    named, published = WebFile("open-mmlab://resnet18"), WebFile("https://example.org/a/net-0123abcd.pth")
    assert (named.fetchable, published.fetchable) == (False, True)
    assert published.path == tmp_path / "hub" / "checkpoints" / "net-0123abcd.pth"
    assert published_digits(published.path) == "0123abcd"
    assert published.cached() is None
    published.path.parent.mkdir(parents=True)
    published.path.touch()
    assert published.cached() == published.path
