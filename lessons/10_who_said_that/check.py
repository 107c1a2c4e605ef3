"""What lesson 10 promises: everybody has one name, nobody has another's, and all know who says what.

The model is the rules once more, as plain as they can be.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from lessons.kit import Cause, Check, Complaint, Connect, Dialect, Model, Run, Send, Step, heard, raised
from lessons.kit.schedules import schedules

ME = "(me)"
REFUSAL = b"! ...\n"  # in whatever words
REFUSALS = re.compile(rb"^! [^\n]*\n", re.MULTILINE)
LONGEST = 32


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


def own_news(complaint: Complaint) -> bool:
    """Somebody reads that he himself has entered."""
    name = own_name(complaint.actual.decode())
    return f"* {name} entered\n".encode() in complaint.actual


def own_company(should: str, did: str) -> bool:
    """Somebody is in the list of those whom he meets."""
    return own_name(did) in did.partition(" with ")[2].split(", ")


def own_name(heard: str) -> str:
    """From the greeting; a space, which is nobody's name, if there is none."""
    return heard.partition("* you are ")[2].partition(",")[0] or " "


def given(should: str, did: str) -> str:
    """The name that was given and should have been refused."""
    return own_name(did).strip() if should.startswith("!") else ""


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


GONE = "somebody has gone, and the rules were not told: leave() belongs where all ways of going meet"
CAUSES = (
    Cause("the rules expect a name, and he who left had none yet: {error}", raised("KeyError")),
    Cause("the others are told that somebody left who never had a name", lines(lambda _, did: did == "* None left")),
    Cause("a refused name was kept all the same: a refusal leaves the state as it was", heard(unanswered)),
    Cause(
        "the first line that somebody says is a name: greet him, or refuse it",
        lines(lambda should, did: not did and (should.startswith("!") or "you are" in should)),
    ),
    Cause("two have the same name: compare without regard to capitals", lines(lambda *two: is_name(given(*two)))),
    Cause("this is no name, and was accepted: 1 to 32 letters and digits", lines(given)),
    Cause("who enters reads the news of himself: his greeting says it already", heard(own_news)),
    Cause("who enters is named in his own company: look who is there first", lines(own_company)),
    Cause("who has said no name yet hears the others: tell only those who have one", heard(stranger)),
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
    Cause(GONE, lines(lambda should, did: should.endswith(" left") or "you are" in should)),
)

CHECKS = (
    Check("one, and a name", people("ana", "oi", "a b", "", "x" * 33, names=("ana",)), Rules, CAUSES, examples=40),
    Check("two, and their names", people(ME, "ana", "Ana", names=("ana", "bia")), Rules, CAUSES, examples=40),
    Check("who says what", people(ME, "oi", "bia: I am bia", ""), Rules, CAUSES, examples=60),
    Check(
        "they come and go",
        people(ME, "ana", "oi", "sair", steps=("connect", "send", "send", "close", "reset", "half-close")),
        Rules,
        CAUSES,
    ),
)
