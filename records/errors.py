"""The error tree of the whole product, readable in one glance.

An error names the *place* (file, row number, field, byte offset, code), never a value of a person's record: messages
end in logs, run states and alarms that people without access to the register read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is wrong. ``row`` counts data records from 1; ``offset`` counts bytes of the file from 0."""

    file: str | None = None
    row: int | None = None
    field: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        parts = [
            self.file,
            f"row {self.row}" if self.row is not None else None,
            f"field {self.field}" if self.field else None,
            f"byte {self.offset}" if self.offset is not None else None,
        ]
        return ", ".join(part for part in parts if part)


class UtsushiError(Exception):
    """Base of all our errors. ``code`` is stable (alarms and tests use it); ``text`` says what to do about it."""

    code = "error"
    transient = False

    def __init__(self, text: str, place: Place | None = None) -> None:
        self.text = text
        self.place = place or Place()
        where = str(self.place)
        super().__init__(f"{self.code}: {text}" + (f" ({where})" if where else ""))


class ConfigurationError(UtsushiError):
    """A settings, layout, map or dictionary file of ours is wrong."""

    code = "configuration"


class TransferError(UtsushiError):
    """The vendor's server could not be used. Transient unless a subclass says otherwise."""

    code = "transfer"
    transient = True


class HostKeyMismatch(TransferError):
    """The server's host key is not the pinned one: never continue, never retry."""

    code = "host_key_mismatch"
    transient = False


class AuthenticationRefused(TransferError):
    """The vendor's server refused our key."""

    code = "authentication_refused"
    transient = False


class FeedError(UtsushiError):
    """A feed as a whole can't go on until somebody acts."""

    code = "feed"


class NotInitialised(FeedError):
    """No full set (全件) has been loaded yet."""

    code = "not_initialised"


class SequenceGap(FeedError):
    """A number is missing between what was applied and what lies at the vendor: ask for a resend."""

    code = "sequence_gap"


class SequenceConflict(FeedError):
    """The same number again with other content."""

    code = "sequence_conflict"


class FeedSilent(FeedError):
    """No difference, not even an empty one (heartbeat), for longer than the feed's limit."""

    code = "feed_silent"


class BatchRejected(UtsushiError):
    """A whole exchange file (連携ファイル) is refused and nothing of it is loaded."""

    code = "batch_rejected"


class IncompleteFile(BatchRejected):
    """The control record and the data disagree, or one of them is not there yet: the upload may still be under way."""

    code = "incomplete_file"
    transient = True


class ControlRecordInvalid(BatchRejected):
    """The control record can't be read or contradicts itself."""

    code = "control_record_invalid"


class WrongMunicipality(BatchRejected):
    """The file says that it belongs to another municipality."""

    code = "wrong_municipality"


class LayoutMismatch(BatchRejected):
    """Columns, record length or record type are not those of the layout."""

    code = "layout_mismatch"


class BrokenEncoding(BatchRejected):
    """Bytes that the charset does not allow, outside any single record that could be set aside."""

    code = "broken_encoding"


class StoredRejection(BatchRejected):
    """A rejection that an earlier step found and kept in the batch's manifest, raised once more at the end."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text.removeprefix(f"{code}: "))


class TooManyBadRows(BatchRejected):
    """The share of bad rows is above the municipality's limit."""

    code = "too_many_bad_rows"


class UnreadableKey(BatchRejected):
    """A row whose person can't be told: nobody could be withheld, so nothing is loaded."""

    code = "unreadable_key"


class DatabaseError(UtsushiError):
    """A driver error reduced to SQLSTATE and table, because PostgreSQL's own text quotes rows."""

    code = "database"


class DatabaseUnavailable(DatabaseError):
    """Connection refused or lost: it may pass by itself."""

    code = "database_unavailable"
    transient = True


class LockBusy(DatabaseError):
    """Another run holds this feed's lock."""

    code = "lock_busy"
    transient = True


class VerificationFailed(UtsushiError):
    """What was written is not what was read."""

    code = "verification_failed"


class EntryRefused(UtsushiError):
    """What staff wanted to enter (職員の入力) is not possible; nothing was changed."""

    code = "entry_refused"


class IssueRefused(UtsushiError):
    """No certificate. ``code`` of the instance is the result code that the certificate centre gets."""

    code = "issue_refused"


class CheckFailed(UtsushiError):
    """A finished page is not exactly what was demanded; it must not leave."""

    code = "check_failed"
