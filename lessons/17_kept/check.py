"""What lesson 17 promises: whoever has heard a line may rely on it, whenever the server dies."""

import re

from hypothesis import strategies as st

from lessons.kit import (
    Cause,
    Check,
    Complaint,
    Connect,
    Dialect,
    Kernel,
    Kill,
    Lines,
    Model,
    Press,
    Restart,
    Run,
    Send,
    Stall,
    Step,
    Together,
    heard,
    of,
    raised,
)
from lessons.kit.schedules import schedules

ANA_AND_BIA = (Connect("ana"), Connect("bia"))
FROM_THE_START = b"/after 0\n"
OI = Send("ana", b"oi\n")
COMMAND = b"/after "
NO_NUMBERS = (b"x", "²".encode(), b"9" * 20)
NUMBERED = re.compile(rb"#(\d+) (.*)")
NUMBER = re.compile(rb"^#\d+ ", re.MULTILINE)
TWICE = re.compile(rb"^(.*\n)#\d+ \1", re.MULTILINE)
NEWS = re.compile(rb"\* (\w+) (entered|left)")


class Kept(Lines):
    """A room with a log. Who has said /after reads numbers, and his own lines too."""

    may_block = False

    def __init__(self, dialect: Dialect) -> None:
        super().__init__(dialect)
        self.numbered: set[str] = set()
        self.said: list[tuple[str, bytes]] = []
        self.commits = self.turns = 0

    def step(self, step: Step, run: Run) -> None:
        """kill -9 ends every connection, and nothing else."""
        if isinstance(step, Kill):
            self.may_drop.update(self.hears)
        super().step(step, run)

    def enters(self, name: str, run: Run) -> None:
        """Nobody reads numbers who has not asked for them."""
        super().enters(name, run)
        self.numbered.discard(name)

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """All of it is one turn: commands are answered in it, what is said is told at its end."""
        super().sends(name, data, run)
        said, self.said = self.said, []
        for speaker, text in said:
            self.history.append(text)
            for other in filter(run.open, self.hears):
                if other in self.numbered:
                    self.hears[other] += b"#%d %s" % (len(self.history), text)
                elif other != speaker:
                    self.hears[other] += text

    def line(self, name: str, line: bytes, run: Run) -> None:
        """Said to everybody, or a question about the past."""
        if not line.startswith(COMMAND):
            self.said.append((name, self.dialect.said(name, line)))
        elif (position := line.removeprefix(COMMAND)).isdigit():
            self.numbered.add(name)
            numbers = enumerate(self.history, start=1)
            self.hears[name] += b"".join(b"#%d %s" % one for one in list(numbers)[int(position) :])

    def judge(self, run: Run) -> Complaint | None:
        """And no more than one commit in a turn."""
        return super().judge(run) or self.costly(run)

    def costly(self, run: Run) -> Complaint | None:
        """More transactions than turns; while it starts, a program may make its tables."""
        commits, turns = run.computer.commits - self.commits, run.turns - self.turns
        self.commits, self.turns = run.computer.commits, run.turns
        if commits <= turns or not run.steps or isinstance(run.steps[-1], Restart):
            return None
        text = f"{commits} commits in {turns} turn{'s' if turns > 1 else ''}, and each waits for the disk"
        return Complaint("costly", run, text=text)


class OnDisk(Kept):
    """A COMMIT that returns has waited for the disk."""

    def judge(self, run: Run) -> Complaint | None:
        """Ask the database how it is set."""
        hasty = any(not database.waits_for_the_disk() for database in run.computer.databases)
        text = "COMMIT returns while the text is still in memory: after a power cut it would be gone"
        return super().judge(run) or (Complaint("hasty", run, text=text) if hasty else None)


class InLine(Model):
    """Who goes stands in the same line as what he said."""

    may_block = False

    def sends(self, name: str, data: bytes, run: Run) -> None:
        """Whoever says `sair` is let go."""
        if b"sair\n" in data:
            self.may_drop.add(name)

    def misheard(self, run: Run) -> Complaint | None:
        """Somebody who is told to have left speaks."""
        for name in filter(run.open, self.hears):
            gone: set[bytes] = set()
            for line in run.raw(name).splitlines():
                speaker = line.partition(b": ")[0]
                if match := NEWS.fullmatch(line):
                    (gone.add if match[2] == b"left" else gone.discard)(match[1])
                elif speaker in gone:
                    who = speaker.decode()
                    text = f"{name} reads `* {who} left`, and after it `{line.decode()}`"
                    return Complaint("overtaken", run, who, text=text)
        return None


class Told(Model):
    """What happens while the turn is told is told in the next one, and that comes at once."""

    may_block = False

    def step(self, step: Step, run: Run) -> None:
        """Who does not read may be dropped."""
        super().step(step, run)
        if isinstance(step, Stall):
            self.may_drop.add(step.name)

    def misheard(self, run: Run) -> Complaint | None:
        """Everybody who reads knows who was dropped."""
        for gone in self.may_drop:
            news = b"* %s left\n" % gone.encode()
            for name in self.hears if isinstance(run.steps[-1], Send) else ():
                if name not in self.may_drop and news not in run.raw(name):
                    text = f"{gone} was dropped at the end of a turn, and {name} has not read `* {gone} left`"
                    return Complaint("untold", run, gone, text=text)
        return None


class Stopped(Kept):
    """What was said in the turn in which the server is told to stop is said."""

    may_end = True

    def step(self, step: Step, run: Run) -> None:
        """All are let go."""
        super().step(step, run)
        if isinstance(step, Press):
            self.may_drop.update(self.hears)

    def costly(self, run: Run) -> Complaint | None:
        """The last turn may have two commits: stop() makes one."""
        return None

    def misheard(self, run: Run) -> Complaint | None:
        """Also by those who have read the end."""
        for name, expected in self.hears.items():
            if run.heard(name) != expected:
                return Complaint("heard", run, name, bytes(expected), run.heard(name))
        return None


class Unharmed(Model):
    """Whatever stands behind /after, the room goes on."""

    may_block = False

    def misheard(self, run: Run) -> Complaint | None:
        """Lines come through."""
        if run.steps and run.steps[-1] == OI and not run.raw("bia").endswith(b"ana: oi\n"):
            return Complaint("heard", run, "bia", b"ana: oi\n", run.raw("bia")[-8:])
        return None


class Witnesses(Kept):
    """Whatever anybody has read is in the log, once, under one number. At the end eva reads the log."""

    def misheard(self, run: Run) -> Complaint | None:
        """Compare what everybody has read with what eva is shown."""
        if not (run.steps and run.steps[-1] == Send("eva", FROM_THE_START)):
            return None
        found = [match.groups() for line in lines(run, "eva") if (match := NUMBERED.fullmatch(line))]
        log = {int(number): text for number, text in found}
        if list(log) != list(range(1, len(found) + 1)):
            numbers = ", ".join(f"#{number}" for number in log)
            return Complaint("gap", run, "eva", text=f"eva reads {numbers}")
        everything = ((name, line) for name in self.hears if name != "eva" for line in lines(run, name))
        return next(filter(None, (self.against(run, name, line, log) for name, line in everything)), None)

    def against(self, run: Run, name: str, line: bytes, log: dict[int, bytes]) -> Complaint | None:
        """One line that somebody has read."""
        match = NUMBERED.fullmatch(line)
        number, text = (int(match[1]), match[2]) if match else (0, line)
        if text not in log.values():
            kind = "acknowledged" if number else "lost"
        elif number and log.get(number) != text:
            kind = "renumbered"
        else:
            return None
        kept = ", ".join(f"#{number} {text.decode()}" for number, text in log.items()) or "nothing"
        return Complaint(kind, run, name, text=f"{name} has read `{line.decode()}`; the log holds {kept}")


def lines(run: Run, name: str) -> list[bytes]:
    """The whole lines that somebody has read."""
    return run.heard(name).split(b"\n")[:-1]


def killed(given: tuple[list[str], list[str], int, list[list[str]]]) -> list[Step]:
    """People talk; the server dies in the middle of a turn; it is started again, and eva reads the log."""
    numbering, before, calls, after = given
    numbers = iter(range(1, 100))

    def say(name: str) -> Send:
        return Send(name, b"line %d\n" % next(numbers))

    return [
        *ANA_AND_BIA,
        Connect("caio"),
        *(Send(name, FROM_THE_START) for name in numbering),
        *map(say, before),
        Kill(calls),
        *(Together(*map(say, speakers)) if speakers[1:] else say(*speakers) for speakers in after),
        Kill(),
        Restart(),
        Connect("eva"),
        Send("eva", FROM_THE_START),
    ]


def once_more(complaint: Complaint) -> bool:
    """True when somebody said /after N and is shown line N."""
    data = complaint.step.data if isinstance(complaint.step, Send) else b""
    number = b"#%s " % data.removeprefix(COMMAND).strip()
    return data.startswith(COMMAND) and complaint.actual.count(number) > complaint.expected.count(number)


def by_one(complaint: Complaint) -> bool:
    """True when one line is missing in front, or one too many stands there."""
    longer, shorter = sorted((complaint.actual, complaint.expected), key=len, reverse=True)
    return bool(shorter) and longer.partition(b"\n")[2] == shorter


def other_numbers(complaint: Complaint) -> bool:
    """True when the numbers are wrong, and nothing else."""
    return NUMBER.sub(b"#", complaint.actual) == NUMBER.sub(b"#", complaint.expected)


def unasked(complaint: Complaint) -> bool:
    """True when somebody reads numbers who has not asked for them."""
    return not NUMBER.search(complaint.expected) and NUMBER.sub(b"", complaint.actual) == complaint.expected


def in_both_ways(complaint: Complaint) -> bool:
    """True when a line stands there without its number, and right after it with its number."""
    return len(TWICE.findall(complaint.actual)) > len(TWICE.findall(complaint.expected))


def without_own(complaint: Complaint) -> bool:
    """True when all that is missing are the speaker's own lines."""
    own = re.compile(rb"#\d+ %s: .*\n" % complaint.name.encode())
    return own.sub(b"", complaint.actual) == own.sub(b"", complaint.expected)


names = st.sampled_from(("ana", "bia", "caio"))
some = st.lists(names, max_size=2, unique=True)
turns = st.lists(st.lists(names, min_size=1, max_size=3), min_size=1, max_size=3)
deaths = st.tuples(some, some, st.integers(1, 15), turns).map(killed)
# What is told before the commit shows at one call out of a dozen: each of them is tried.
short_lives = st.integers(1, 12).map(lambda calls: killed((["ana"], [], calls, [["ana"]])))

TALK = (b"oi\n", b"a\nb\n", b"tudo", b" bem?\n", b"/after 0\n", b"/after 1\n", b"/after x\n")
A_LONG_LINE = b"x" * 15_900 + b"\n"
JUST_TOO_MUCH = 17 * A_LONG_LINE  # 16 of them may wait for somebody who does not read
MANY_LINES = b"".join(b"line %d\n" % number for number in range(1, 23))
talk = schedules(texts=TALK, steps=("send", "send", "send", "connect", "close"), start=ANA_AND_BIA, most=6)

NOT_COMMITTED = Cause(
    "what was heard is gone with the server: nothing was committed",
    heard(lambda c: Restart() in c.run.steps and not c.actual),
)
NOT_TOLD = Cause(
    "what is said waits in the line, and nobody tells it: the last step of a turn is commit()",
    heard(lambda c: Restart() not in c.run.steps and not c.actual and not NUMBER.search(c.expected)),
)
TOLD_AGAIN = Cause("the line is told again and again: take it, and leave an empty one in its place", of("loop"))
BY_ONE = Cause(
    "one line too many, or one too few: `seq > N` begins right behind N, and the last 20 behind head - 20",
    heard(by_one),
)
OTHER_NUMBERS = Cause(
    "the numbers are not those of the log: ask it for its head before you append, and count on from there",
    heard(other_numbers),
)
UNASKED = Cause("{name} has not asked for numbers, and reads them: only those who said /after do", heard(unasked))
IN_BOTH_WAYS = Cause("who reads numbers reads a line twice, with its number and without it", heard(in_both_ways))
NOT_SAID = Cause(
    "coming and going got a number: what people say is kept, and nothing else",
    heard(lambda c: re.search(rb"^#\d+ \* ", c.actual, re.MULTILINE)),
)
NOT_ACKNOWLEDGED = Cause(
    "{name}'s own line does not come back with its number: that is the acknowledgement", heard(without_own)
)

ABOUT_NUMBERS = (
    Cause("/after N shows line N again: what is missing is behind it", heard(once_more)),
    Cause(
        "the numbers began again after the restart: only the log can count",
        heard(lambda c: Restart() in c.run.steps and NUMBER.sub(b"", c.actual) == NUMBER.sub(b"", c.expected)),
    ),
    OTHER_NUMBERS,
    NOT_SAID,
    UNASKED,
    IN_BOTH_WAYS,
    BY_ONE,
    NOT_ACKNOWLEDGED,
)

GONE = (
    Cause("{name} had heard a line that is not in the log: commit first, then tell", of("lost")),
    Cause("{name}'s line was acknowledged before the commit: its number may leave only after it", of("acknowledged")),
)

CHECKS = (
    Check(
        "what was heard is there after kill -9",
        (*ANA_AND_BIA, OI, Kill(), Restart(), Connect("caio")),
        Kept,
        (
            NOT_COMMITTED,
            NOT_TOLD,
            TOLD_AGAIN,
            UNASKED,
            Cause(
                "after a restart the table is there already: CREATE TABLE IF NOT EXISTS",
                lambda c: raised("OperationalError")(c) and "already exists" in c.text,
            ),
            Cause("executemany() takes rows, and a row of one value is (text,)", raised("ProgrammingError")),
        ),
    ),
    Check(
        "a line with an apostrophe",
        (*ANA_AND_BIA, Send("ana", b"copo d'agua\n")),
        Kept,
        (
            Cause(
                "what somebody said became a part of the command: write ?, and hand the text over beside it",
                raised("OperationalError"),
            ),
        ),
    ),
    Check(
        "22 lines at once: one commit, and the last 20 for a newcomer",
        (*ANA_AND_BIA, Send("ana", MANY_LINES), Connect("caio")),
        Kept,
        (
            Cause("{text}: commit once per turn", of("costly")),
            Cause(
                "a newcomer is shown where the log begins: the last lines are those behind head - RECENT",
                heard(lambda c: b" 1\n" in c.actual and b" 1\n" not in c.expected),
            ),
            BY_ONE,
        ),
    ),
    Check(
        "asked for and said in one turn: shown once",
        (*ANA_AND_BIA, Send("ana", b"oi\n/after 0\n")),
        Kept,
        (
            Cause(
                "/after showed a line that was not committed yet, and then it came once more",
                heard(lambda c: c.actual == 2 * c.expected),
            ),
            OTHER_NUMBERS,
            NOT_SAID,
            NOT_ACKNOWLEDGED,
        ),
    ),
    Check(
        "the numbers go on after a restart",
        (*ANA_AND_BIA, Send("ana", b"a\nb\n"), Kill(), Restart(), Connect("ana"), Send("ana", b"/after 1\n"), OI),
        Kept,
        ABOUT_NUMBERS,
    ),
    Check(
        "nobody leaves before his last line",
        (*ANA_AND_BIA, Send("ana", b"oi\nsair\n")),
        InLine,
        (
            Cause(
                "the last line of {name} was told after `{name} left`: coming and going stand in the same line",
                of("overtaken"),
            ),
        ),
    ),
    Check(
        "who is dropped at the end of a turn has left",
        (Connect("bia"), Connect("caio"), Kernel(buffer=16), Connect("ana"), Stall("ana"), Send("bia", JUST_TOO_MUCH)),
        Told,
        (Cause("{text}: while the line is not empty, select() must not wait", of("untold")),),
    ),
    Check(
        "said and told to stop in one turn",
        (*ANA_AND_BIA, Together(OI, Press("SIGTERM"))),
        Stopped,
        (Cause("what was said in the last turn is told to nobody: stop() commits before it says goodbye", heard()),),
    ),
    Check(
        "what is no number",
        (*ANA_AND_BIA, *(Send("ana", COMMAND + text + b"\n") for text in NO_NUMBERS), OI),
        Unharmed,
        (
            Cause(
                "a stranger's number ended the server: `²` is a digit, too, and SQLite takes 64 bits at most",
                raised("ValueError", "OverflowError"),
            ),
        ),
    ),
    Check(
        "a commit waits for the disk",
        (*ANA_AND_BIA, OI),
        OnDisk,
        (Cause("PRAGMA synchronous is not FULL: what was acknowledged does not survive a power cut", of("hasty")),),
    ),
    Check(
        "/after: what is missing, then what comes",
        st.tuples(talk, talk).map(lambda two: [*two[0], Kill(), Restart(), *two[1]]),
        Kept,
        ABOUT_NUMBERS,
        examples=40,
    ),
    Check("kill -9 after each call of a turn: what was read is in the log", short_lives, Witnesses, GONE, examples=40),
    Check("kill -9 while many talk: what was read is in the log", deaths, Witnesses, GONE, examples=40),
)
