"""Extracts about somebody else (取違え): what a mixed-up 戸籍 system draws in place of what was ordered.

The pages are well made and the headers right; only what they show is another person's, another state's, another order's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from municipalities.registry import Municipality
from simulators.koseki import hostile
from simulators.koseki.drawing import ADDRESS, ALL, INDIVIDUAL, Wanted, draw, picture
from simulators.koseki.model import Person, Register

Book = Mapping[tuple[str, str], Register]


@dataclass(frozen=True, slots=True)
class Asked:
    """One order as the system understood it: the town, all its registers, the right one, and what is wanted."""

    municipality: Municipality
    book: Book
    register: Register
    wanted: Wanted

    def right(self) -> bytes:
        """What should be answered."""
        return draw(self.municipality, self.register, self.wanted)

    def person(self) -> Person:
        """Whom it is about."""
        found = self.register.member(self.wanted.name, self.wanted.birth)
        assert found is not None
        return found

    def other(self, fits: Callable[[Register], bool] = lambda _: True) -> Register:
        """Another register; the first that fits."""
        registers = (self.book[key] for key in self.book if key != (self.register.domicile, self.register.head))
        return next(one for one in registers if fits(one))

    def of(self, register: Register) -> bytes:
        """The same order carried out on another register: for 個人事項 its first member is shown."""
        people = tuple(one for one in register.people if not one.removed)
        shown = people[:1] if self.wanted.kind == INDIVIDUAL else people
        return draw(self.municipality, register, self.wanted, shown)


def _with(asked: Asked, **changes: object) -> bytes:
    return draw(asked.municipality, asked.register, replace(asked.wanted, **changes))  # type: ignore[arg-type]


def _other_person(asked: Asked) -> bytes:
    return asked.of(asked.other())


def _same_surname(asked: Asked) -> bytes:
    surname = asked.register.head.split("\u3000")[0]
    return asked.of(asked.other(lambda one: one.head.startswith(f"{surname}\u3000")))


def _same_domicile(asked: Asked) -> bytes:
    return asked.of(asked.other(lambda one: one.domicile == asked.register.domicile))


def _relative(asked: Asked) -> Person:
    return next(one for one in asked.register.people if not one.removed and one is not asked.person())


def _relatives(asked: Asked) -> bytes:
    """Another member of the same 戸籍, for whom the page says it is."""
    one = _relative(asked)
    return _with(asked, name=one.name, birth=one.birth_text, kind=INDIVIDUAL)


def _relative_under_the_name(asked: Asked) -> bytes:
    """Another member of the same 戸籍 on a page that says it is the right one's."""
    wanted = replace(asked.wanted, kind=INDIVIDUAL)
    return draw(asked.municipality, asked.register, wanted, (_relative(asked),))


def _two_subjects(asked: Asked) -> bytes:
    wanted = replace(asked.wanted, kind=INDIVIDUAL)
    return draw(asked.municipality, asked.register, wanted, (asked.person(), _relative(asked)))


def _twice(asked: Asked) -> bytes:
    return draw(asked.municipality, asked.register, asked.wanted, (asked.person(), asked.person()))


def _namesake(asked: Asked) -> bytes:
    """Somebody of the same name who was born on another day (父と同名の子)."""
    one = replace(asked.person(), birth_text="昭和3年3月3日")
    return draw(asked.municipality, asked.register, asked.wanted, (one,))


def _removed(asked: Asked) -> bytes:
    """The person as somebody who has left the 戸籍."""
    one = replace(asked.person(), removed=True)
    return draw(asked.municipality, asked.register, asked.wanted, (one,))


def _former_version(asked: Asked) -> bytes:
    """The register as it was before its newest entry: drawn from an older copy than the one that the headers are from."""
    one = asked.person()
    people = tuple(replace(one, entries=one.entries[:-1]) if each is one else each for each in asked.register.people)
    return draw(asked.municipality, replace(asked.register, people=people), asked.wanted)


def _other_kind(asked: Asked) -> bytes:
    return _with(asked, kind=ADDRESS if asked.wanted.kind != ADDRESS else ALL)


def _foreign_page(number: int) -> Callable[[Asked], bytes]:
    def run(asked: Asked) -> bytes:
        return hostile.with_foreign_page(asked.right(), asked.of(asked.other()), number)

    return run


def _picture_of_other(text: str) -> Callable[[Asked], bytes]:
    def run(asked: Asked) -> bytes:
        wanted = replace(asked.wanted, kind=ALL)
        return hostile.with_picture(asked.right(), picture(asked.municipality, asked.other(), wanted), text=text)

    return run


def _yesterday(asked: Asked) -> bytes:
    return _with(asked, issued_on=asked.wanted.issued_on - timedelta(days=1))


MIXED_UP: dict[str, Callable[[Asked], bytes]] = {
    "other_person": _other_person,
    "same_surname": _same_surname,
    "same_domicile": _same_domicile,
    "relative": _relatives,
    "relative_under_the_name": _relative_under_the_name,
    "two_subjects": _two_subjects,
    "twice": _twice,
    "namesake": _namesake,
    "removed": _removed,
    "former_version": _former_version,
    "other_kind": _other_kind,
    "other_order": lambda asked: _with(asked, correlation="ab" * 16),
    "other_serial": lambda asked: _with(asked, serial="20200101000000001"),
    "yesterday": _yesterday,
    "foreign_page": _foreign_page(-1),
    "foreign_middle": _foreign_page(1),
    "picture": _picture_of_other("gone"),
    "picture_over_text": _picture_of_other("under"),
}
