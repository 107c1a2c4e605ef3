"""What lesson 10 promises: everybody has one name, nobody has another's, and all know who says what.

The model is the rules once more, as plain as they can be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Close,
    Complaint,
    Connect,
    Dialect,
    HalfClose,
    Model,
    Reset,
    Run,
    Send,
    Step,
    heard,
    raised,
)
from lessons.kit.schedules import schedules

ME = "(me)"
REFUSAL = b"! ...\n"  # in whatever words
REFUSALS = re.compile(rb"^! [^\n]*\n", re.MULTILINE)
LONGEST = 32
WAYS_TO_GO: tuple[Step, ...] = (Close("ana"), Send("ana", b"sair\n"), HalfClose("ana"), Reset("ana"))
NAMES = ("ana2", "2", "é" * LONGEST)  # and what is none:
NO_NAMES = ("", "a b", " ana", "ana!", "x" * (LONGEST + 1))


class Rules(Model):
    """Names, and who is told what."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.partial: dict[str, bytes] = {}
        self.names: dict[str, str] = {}
        self.history: list[str] = []

    def enters(self, name: str, run: Run) -> None:
        """Connected, and nobody yet."""
        self.partial[name] = b""

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Line by line, until `sair`."""
        *lines, self.partial[name] = (self.partial[name] + data).split(b"\n")
        for line in lines:
            if name not in self.may_drop:
                self.line(name, line.decode())

    def line(self, peer: str, text: str) -> None:
        """What the line is depends on who says it."""
        if text == "sair":
            self.may_drop.add(peer)
            self.leave(peer)
        elif peer not in self.names:
            self.enter(peer, text)
        elif text:
            self.history.append(f"{self.names[peer]}: {text}")
            self.tell_others(peer, self.history[-1])

    def enter(self, peer: str, name: str) -> None:
        """A name, if it is one, and free."""
        taken = {other.casefold() for other in self.names.values()}
        if not is_name(name) or name.casefold() in taken:
            self.hears[peer] += REFUSAL
            return
        company = " with " + ", ".join(self.names.values()) if self.names else ""
        recent = self.history[-self.dialect.recent :] if self.dialect.recent else []
        for text in (f"* you are {name}, in lobby{company}", *recent):
            self.hears[peer] += f"{text}\n".encode()
        self.names[peer] = name
        self.tell_others(peer, f"* {name} entered")

    def leaves(self, name: str, run: Run) -> None:
        """However it happens."""
        self.leave(name)

    def leave(self, peer: str) -> None:
        """The name is free, and the others are told."""
        name = self.names.pop(peer, None)
        if name is not None:
            self.tell_others(peer, f"* {name} left")

    def tell_others(self, peer: str, text: str) -> None:
        """Everybody who has a name."""
        for other in self.names:
            if other != peer:
                self.hears[other] += f"{text}\n".encode()

    def misheard(self, run: Run) -> Complaint | None:
        """Every line counts, also what was noise so far; how a refusal is worded does not."""
        last = getattr(run.steps[-1], "name", "") if run.steps else ""
        for name in sorted(self.hears, key=lambda name: name != last):  # whoever did something comes first
            expected, actual = bytes(self.hears[name]), REFUSALS.sub(REFUSAL, run.raw(name))
            if run.open(name) and actual != expected:
                return Complaint("heard", run, name, expected, actual)
        return None


def lines(when: Callable[[str, str], object]) -> Callable[[Complaint], bool]:
    """`when` is told the first two lines that differ, what should be and what is; "" if there is none."""

    def first(complaint: Complaint) -> object:
        should, did = (text.decode(errors="replace").split("\n") for text in (complaint.expected, complaint.actual))
        place = next((i for i, pair in enumerate(zip(should, did, strict=False)) if pair[0] != pair[1]), 0)
        return when(should[place], did[place])

    return heard(first)


def stranger(complaint: Complaint) -> bool:
    """Somebody has said no name yet, and hears something that is no answer."""
    actual = complaint.actual
    return b"* you are" not in actual and actual.startswith(complaint.expected) and actual != complaint.expected


def unanswered(complaint: Complaint) -> bool:
    """A second try at a name is no longer answered."""
    return complaint.expected.startswith(complaint.actual) and REFUSAL in complaint.actual


def for_another(complaint: Complaint) -> bool:
    """Somebody reads the answer to what another one has said."""
    more = complaint.actual.removeprefix(complaint.expected) if complaint.actual.startswith(complaint.expected) else b""
    return more.startswith((b"! ", b"* you are")) and getattr(complaint.step, "name", "") != complaint.name


def same_name(complaint: Complaint) -> bool:
    """A name was given, and it is one, but somebody has it."""
    step = complaint.step
    given_now = lines(lambda *two: is_name(given(*two)))
    return given_now(complaint) and isinstance(step, Send) and is_name(step.data.decode().removesuffix("\n"))


def is_new(complaint: Complaint) -> bool:
    """A name was refused that nobody has said before."""
    said = [step.data.decode().strip().casefold() for step in complaint.run.steps if isinstance(step, Send)]
    return refused_all_the_same(complaint) and said.count(said[-1]) == 1


def own_news(complaint: Complaint) -> bool:
    """Somebody reads that he himself has entered."""
    name = own_name(complaint.actual.decode())
    return f"* {name} entered\n".encode() in complaint.actual


def own_name_as_text(should: str, did: str) -> bool:
    """The line that was a name is said to all besides."""
    name, colon, text = did.partition(": ")
    return not should and bool(colon) and name == text


def other_name(should: str, did: str) -> bool:
    """Somebody is called by a name that he has not said, in his own greeting or in that of another."""
    same = [name.casefold() for name in company(should)] == [name.casefold() for name in company(did)]
    return own_name(did).strip() not in ("", own_name(should)) or (same and company(should) != company(did))


def those_who_left(should: str, did: str) -> bool:
    """Somebody meets more people than there are."""
    there, named = company(should), company(did)
    return set(named) > set(there) and own_name(did) == own_name(should)


def other_order(should: str, did: str) -> bool:
    """Somebody meets the right people in the wrong order."""
    there, named = company(should), company(did)
    return there != named and sorted(there) == sorted(named)


def company(text: str) -> list[str]:
    """The names behind `with` in a greeting."""
    return text.partition(" with ")[2].split(", ")


def own_company(should: str, did: str) -> bool:
    """Somebody is in the list of those whom he meets."""
    return own_name(did) in company(did)


def own_name(heard: str) -> str:
    """From the greeting; a space, which is nobody's name, if there is none."""
    return heard.partition("* you are ")[2].partition(",")[0] or " "


def given(should: str, did: str) -> str:
    """The name that was given and should have been refused."""
    return own_name(did).strip() if should.startswith("!") else ""


refused_all_the_same = lines(lambda should, did: "* you are" in should and did.startswith("!"))


def is_name(text: str) -> bool:
    """Letters and digits, and not too many."""
    return 1 <= len(text) <= LONGEST and text.isalnum()


@dataclass(frozen=True, slots=True)
class SayName(Send):
    """`name` says his own name: also when the story is told with other names."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "data", f"{self.name}\n".encode())


def spoken(step: Step) -> Step:
    """Nobody greets by himself; whoever says ME says his own name."""
    match step:
        case Connect(name):
            return Connect(name, greet=False)
        case Send(name, data) if data == f"{ME}\n".encode():
            return SayName(name, data)
    return step


def people(
    *texts: str, names: tuple[str, ...] = ("ana", "bia", "caio"), steps: tuple[str, ...] = ("connect", "send")
) -> st.SearchStrategy[list[Step]]:
    """They connect and say these things."""
    said = tuple(text.encode() + b"\n" for text in texts)
    return schedules(names, said, steps).map(lambda steps: [spoken(step) for step in steps])


def goes_and_another_comes(way: Step) -> list[Step]:
    """ana goes, one way or another, and somebody else says her name."""
    ana_and_bia = [Connect("ana"), Send("ana", f"{ME}\n".encode()), Connect("bia"), Send("bia", f"{ME}\n".encode())]
    return [spoken(step) for step in (*ana_and_bia, way, Connect("caio"), Send("caio", b"ana\n"))]


GONE = "somebody has gone, and the rules were not told: leave() belongs where all ways of going meet"
CAUSES = (
    Cause("the rules expect a name, and he who left had none yet: {error}", raised("KeyError")),
    Cause(
        "the rules return a list of events, also when there is nothing to tell: an empty one",
        lambda c: c.error == "TypeError" and "'NoneType' object is not iterable" in c.text,
    ),
    Cause("the others are told that somebody left who never had a name", lines(lambda _, did: did == "* None left")),
    Cause(
        "`sair` is no name and no text: whoever says it goes, also without a name",
        lines(lambda should, did: not should and (own_name(did) == "sair" or did.endswith(": sair"))),
    ),
    Cause("{name} reads what was an answer to somebody else: an event is for one peer alone", heard(for_another)),
    Cause("a refused name was kept all the same: a refusal leaves the state as it was", heard(unanswered)),
    Cause(
        "the first line that somebody says is a name: greet him, or refuse it",
        lines(lambda should, did: not did and (should.startswith("!") or "you are" in should)),
    ),
    Cause("two have the same name: compare without regard to capitals", same_name),
    Cause("this is no name, and was accepted: 1 to 32 letters and digits", lines(given)),
    Cause("this is a name, and was refused: 1 to 32 letters and digits", is_new),
    Cause("who enters reads the news of himself: his greeting says it already", heard(own_news)),
    Cause("who enters is named in his own company: look who is there first", lines(own_company)),
    Cause("who has said no name yet hears the others: tell only those who have one", heard(stranger)),
    Cause("a name was said to all as a text: the line that is a name is no more than that", lines(own_name_as_text)),
    Cause(
        "a text was taken for a name: who has one keeps it, and says text from then on",
        lines(lambda should, did: not should and (did.startswith("!") or "you are" in did)),
    ),
    Cause("an empty line was said to all: it is nothing", lines(lambda _, did: did.endswith(": "))),
    Cause(
        "a text was believed that begins with a name: the connection says who speaks, not the text",
        lines(lambda should, did: ": " in did and should.endswith(": " + did)),
    ),
    Cause(
        "said in the name of somebody else: each peer has a name of its own",
        lines(lambda should, did: ": " in should and should.partition(": ")[2] == did.partition(": ")[2]),
    ),
    Cause(
        "a refusal begins with `! `, so that everybody sees that it is one",
        lines(lambda should, did: should.startswith("!") and did and not did.startswith("! ")),
    ),
    Cause("the others are not told that somebody has entered", lines(lambda should, _: should.endswith(" entered"))),
    Cause(
        "the name is still taken although its owner has gone: leave() has to free all that you ask later",
        refused_all_the_same,
    ),
    Cause("this is not the name that was said: only to compare, fold it", lines(other_name)),
    Cause("the company stands in the order in which it entered", lines(other_order)),
    Cause(GONE, lines(lambda should, did: should.endswith(" left") or those_who_left(should, did))),
    Cause(
        "the greeting is `* you are NAME, in lobby`, and ` with ` and the names only if somebody is there",
        lines(lambda should, _: "* you are" in should),
    ),
)

CHECKS = (
    Check("she is greeted", [Connect("ana", greet=False), SayName("ana", b"")], Rules, CAUSES),
    Check("one, and a name", people("ana", "oi", "a b", "", "x" * 33, names=("ana",)), Rules, CAUSES, examples=40),
    Check(
        "what is a name, and what is none",
        st.sampled_from((*NAMES, *NO_NAMES)).map(
            lambda text: [Connect("ana", greet=False), Send("ana", f"{text}\n".encode())]
        ),
        Rules,
        CAUSES,
        examples=40,
    ),
    Check("two, and their names", people(ME, "ana", "Ana", names=("ana", "bia")), Rules, CAUSES, examples=40),
    Check("who says what", people(ME, "oi", "bia: I am bia", ""), Rules, CAUSES, examples=60),
    Check("a name is free again", st.sampled_from(WAYS_TO_GO).map(goes_and_another_comes), Rules, CAUSES, examples=40),
    Check(
        "they come and go",
        people(ME, "ana", "oi", "sair", steps=("connect", "send", "send", "close", "reset", "half-close")),
        Rules,
        CAUSES,
    ),
)
