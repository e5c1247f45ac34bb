"""Where exchange files come from: a vendor's SFTP server (``sftp``) or a local folder.

A source lists names and reads bytes; it knows nothing of numbering or completeness, and never writes at the vendor's
except resend requests. Only names that match the exchange pattern are ever opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from extractors.exchange import parse_name
from records.errors import Place, TransferError

CHUNK = 1 << 18
MAX_FILE_BYTES = 8 << 30


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at the source; ``mark`` changes when the file does (size and time of change, as the server tells)."""

    name: str
    mark: str


class Session(Protocol):
    """An open connection to a source."""

    def entries(self, feed: str) -> list[Entry]:
        """The ``.dat`` and ``.ctl`` files that belong to exchange files, of whatever municipality."""

    def read(self, feed: str, name: str) -> Iterator[bytes]:
        """The bytes of one file, in chunks."""

    def request(self, name: str, content: bytes) -> None:
        """Leave a resend request for the vendor."""


class Source(Protocol):
    """Something that can be opened as a ``Session``."""

    def open(self) -> AbstractContextManager[Session]:
        """Connect; raises ``TransferError`` and its kin."""


def is_exchange_name(name: str) -> bool:
    """Whether ``name`` is that of an exchange file or its control file: no path, no link trick can match."""
    return parse_name(name.removesuffix(".ctl") + ".dat" if name.endswith(".ctl") else name) is not None


class FolderSource:
    """Files that lie flat in a local folder, or in a sub-folder per feed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self) -> FolderSource:
        """The folder itself is the session."""
        return self

    def __enter__(self) -> FolderSource:
        if not self._folder.is_dir():
            raise TransferError("the folder is missing", Place(self._folder.name))
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""

    def entries(self, feed: str) -> list[Entry]:
        """Regular files only; links are left alone."""
        found = [path for folder in self._folders(feed) for path in folder.iterdir() if is_exchange_name(path.name)]
        regular = [(path, path.stat()) for path in found if path.is_file() and not path.is_symlink()]
        return [Entry(path.name, f"{facts.st_size}-{facts.st_mtime_ns}") for path, facts in regular]

    def read(self, feed: str, name: str) -> Iterator[bytes]:
        """The file's bytes; ``TransferError`` when it has gone since it was listed, or can't be read."""
        try:
            path = next((folder / name for folder in self._folders(feed) if (folder / name).is_file()), None)
            if path is None:
                raise TransferError("could not read: not there", Place(name))
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk
        except OSError as error:
            raise TransferError(f"could not read: {type(error).__name__}", Place(name)) from None

    def request(self, name: str, content: bytes) -> None:
        """A folder has nobody who would answer."""
        raise TransferError("a folder can't be asked for a resend")

    def _folders(self, feed: str) -> list[Path]:
        return [folder for folder in (self._folder, self._folder / feed) if folder.is_dir()]
