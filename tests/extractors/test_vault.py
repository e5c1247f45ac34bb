"""The stored source comes back as it was, is unreadable without its key, and no damage to it goes unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors import vault

MARKED = "阿波　マークド".encode("cp932")


def store(path: Path, data: bytes, piece: int = 1 << 16) -> Path:
    with vault.Writer(path) as writer:
        for at in range(0, len(data), piece):
            writer.write(data[at : at + piece])
    return path


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from((0, 1, vault.CHUNK - 1, vault.CHUNK, vault.CHUNK + 1, 2 * vault.CHUNK)), st.integers(1, 1 << 21))
def test_what_is_stored_comes_back(tmp_path: Path, size: int, piece: int) -> None:
    data = (MARKED * (size // len(MARKED) + 1))[:size]
    assert b"".join(vault.read(store(tmp_path / "s", data, piece))) == data


def test_nobody_stands_in_clear_in_the_stored_file(tmp_path: Path) -> None:
    assert MARKED not in store(tmp_path / "s", MARKED * 1000).read_bytes()


def damaged(data: bytes, how: str) -> bytes:
    sealed = vault.CHUNK + 16
    first, second, third = (data[16 + at * sealed : 16 + (at + 1) * sealed] for at in range(3))
    return {
        "a flipped bit": data[:5000] + bytes((data[5000] ^ 1,)) + data[5001:],
        "the last chunk gone": data[:16] + first + second,
        "the last bytes gone": data[:-1],
        "all chunks gone": data[:16],
        "chunks swapped": data[:16] + second + first + third,
        "a chunk twice": data[:16] + first + first + second + third,
        "another head": b"UTSUSHI1" + bytes(8) + data[16:],
        "no head": data[1:],
    }[how]


@pytest.mark.parametrize(
    "how",
    [
        "a flipped bit", "the last chunk gone", "the last bytes gone", "all chunks gone", "chunks swapped",
        "a chunk twice", "another head", "no head",
    ],
)  # fmt: skip
def test_damage_is_seen(tmp_path: Path, how: str) -> None:
    path = store(tmp_path / "s", bytes(2 * vault.CHUNK + 100))
    path.write_bytes(damaged(path.read_bytes(), how))
    with pytest.raises(vault.VaultError):
        list(vault.read(path))


def test_another_key_opens_nothing(tmp_path: Path, state_folder: Path) -> None:
    path = store(tmp_path / "s", b"data")
    (state_folder / "secrets" / "source.key").unlink()
    store(tmp_path / "other", b"data")
    with pytest.raises(vault.VaultError):
        list(vault.read(path))


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with vault.Writer(tmp_path / "s") as writer:
            writer.write(b"half")
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
