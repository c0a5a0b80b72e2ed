"""Where weights are looked for, and that they are the declared ones."""

import hashlib
import os

import pytest

from bench.contract import Weights
from bench.errors import BenchError, NeedError
from bench.weights.files import find, fingerprints, locate, sha256

ABC = hashlib.sha256(b"abc").hexdigest()


@pytest.fixture
def user(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    return tmp_path / "user"


def declared(digest=ABC, source="a friend"):
    return Weights("w.bin", digest, source, "MIT")


def test_a_folder_beside_comes_before_the_users(user, tmp_path):
    assert find(declared()) is None
    (user / "w.bin").write_bytes(b"abc")
    assert find(declared()) == user / "w.bin"
    (tmp_path / "w.bin").write_bytes(b"abc")
    assert locate(declared(), [tmp_path]) == tmp_path / "w.bin"


def test_missing_weights_say_where_from_and_where_to(user):
    with pytest.raises(NeedError) as error:
        locate(declared())
    assert str(error.value) == (
        f"weights w.bin are missing: get them from a friend and put them there as {user / 'w.bin'}"
    )


def test_another_file_of_the_name_is_refused(user):
    (user / "w.bin").write_bytes(b"abd")
    with pytest.raises(BenchError, match=r"is not the declared file .*delete it and get it again"):
        locate(declared())
    assert locate(declared(None)) == user / "w.bin"  # nothing was declared


def test_a_hash_is_of_what_the_file_holds_now(tmp_path):
    file = tmp_path / "w.bin"
    file.write_bytes(b"abc")
    assert sha256(file) == ABC
    file.write_bytes(b"abcd")
    os.utime(file, ns=(1, 1))
    assert sha256(file) == hashlib.sha256(b"abcd").hexdigest()


def test_fingerprints_name_what_is_missing(user, tmp_path):
    (tmp_path / "own.bin").write_bytes(b"abc")
    own = Weights(str(tmp_path / "own.bin"), None, "", "MIT")
    assert fingerprints([declared(), own]) == {"w.bin": "missing", "own.bin": ABC}
