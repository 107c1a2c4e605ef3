"""Properties in the bottle of lesson 11: what is one, what breaks one, and the six mutants."""

import textwrap
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from lessons import trace
from lessons.catalog import Catalog
from lessons.kit import Connect, Reset, Send, Together, program
from lessons.kit.bottle import MOST_STEPS, SEEDS, Improper, Trial, attempt, properties_of
from lessons.kit.dialects import NAMED
from lessons.kit.stage import Stage

BOTTLE = Catalog()[11]
ROOM = BOTTLE.path / "server.py"
MUTANTS = sorted((BOTTLE.path / "mutants").glob("*.py"))
IMPORTS = "from lessons.kit import Close, Connect, Kernel, Pass, Press, Reset, Send, Together\n\n"
TALK = """
    def talk(room):
        yield Connect("ana")
        yield Connect("bia")
        yield Send("ana", b"oi\\n")
        {}
"""


def written(folder: Path, text: str) -> program.Source:
    path = folder / "properties.py"
    path.write_text(IMPORTS + textwrap.dedent(text), encoding="utf-8")
    return program.read(path)


def tried(folder: Path, text: str, server: Path = ROOM, seed: int = 0) -> Trial:
    return attempt(Stage(program.read(server)), properties_of(written(folder, text))[0], seed)


def test_a_property_is_a_function_whose_first_parameter_is_room(tmp_path: Path) -> None:
    found = properties_of(
        written(
            tmp_path,
            """
            def one(room):
                yield Connect("ana")

            def many(room, chance):
                yield Connect("ana")

            def helper(names):
                return names

            PEOPLE = helper(["ana"])
            """,
        )
    )
    assert [(one.name, list(one.seeds)) for one in found] == [("one", [0]), ("many", list(range(SEEDS)))]


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("x = 1", "the file has no property: a function whose first parameter is room", 0),
        ("def p(room):\n    assert room", "p has no step: hand each one over with yield", 3),
        (
            "def p(room):\n    yield Connect('ana')\n    Reset('ana')",
            "Reset('ana') without yield in front of it does nothing",
            5,
        ),
        ("x = unknown", "NameError: name 'unknown' is not defined", 3),
        (
            "def come(*names):\n    yield from map(Connect, names)\ndef p(room):\n    come('ana')\n    yield Pass(1)",
            "come('ana') without yield from in front of it does nothing",
            6,
        ),
        (
            "def p(server):\n    yield Connect('ana')",
            "p is no property: the first parameter of a property is called room",
            3,
        ),
        (
            "def p(room):\n    yield Pass(1)\ndef p(room):\n    yield Pass(2)",
            "two functions are called p, and Python keeps the second: give each its own name",
            3,
        ),
    ],
)
def test_what_cannot_be_a_property(tmp_path: Path, text: str, says: str, line: int) -> None:
    with pytest.raises(Improper) as caught:
        properties_of(written(tmp_path, text))
    assert (str(caught.value), caught.value.line) == (says, line)


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("yield Connect('ana'), Connect('bia')", "yield one step at a time: a tuple is none", 4),
        ("yield Press('SIGINT')", "yield one step at a time: a Press is none", 4),
        ("yield Send('ana', 'oi')", "bytes are sent, not text: Send('ana', b'oi')", 4),
        ("yield Send(b'oi\\n', 'ana')", "who sends comes first, then the bytes: Send('ana', b'oi\\n')", 4),
        (
            "yield Kernel(buffer=0)",
            "a kernel takes at least one byte at a time, and not the kernel's buffers hold 0 bytes",
            4,
        ),
        ("yield Together(Connect('ana'), 'oi')", "yield one step at a time: a str is none", 4),
        ("yield Connect('ana'); room.heard('anna')", "nobody called 'anna' has connected", 4),
        ("for _ in range(400): yield Pass(1)", f"a run has more than {MOST_STEPS} steps", 4),
    ],
)
def test_what_no_property_can_do(tmp_path: Path, text: str, says: str, line: int) -> None:
    trial = tried(tmp_path, f"def p(room):\n    {text}")
    assert (trial.improper, trial.line) == (says, line)
    assert trial.failed


def test_a_property_sees_what_people_and_the_server_have_said(tmp_path: Path) -> None:
    claims = (
        "assert room.heard('bia') == ['ana: oi'] and room.heard('ana') == []",
        "assert room.told('bia') == ['* you are bia, in lobby with ana']",
        "assert room.here('bia') and not room.here('caio')",
    )
    for claim in claims:
        assert not tried(tmp_path, TALK.format(claim)).failed


def test_a_claim_that_is_false_is_told_with_its_steps(tmp_path: Path) -> None:
    trial = tried(tmp_path, TALK.format("assert room.heard('bia') == ['oi']"))
    assert trial.failed
    assert trial.story == [
        "talk",
        "    connect ana",
        "    connect bia",
        "    send ana 'oi\\n'",
        "",
        "line 8: assert room.heard('bia') == ['oi']",
        "ana has read '* you are ana, in lobby\\n* bia entered\\n'",
        "bia has read '* you are bia, in lobby with ana\\nana: oi\\n'",
    ]


def test_an_error_in_a_property_breaks_it(tmp_path: Path) -> None:
    trial = tried(tmp_path, TALK.format("room.heard('bia')[3]"))
    assert trial.story[-4:-2] == ["line 8: room.heard('bia')[3]", "IndexError: list index out of range"]
    assert trial.failed
    assert trial.erred
    assert not tried(tmp_path, TALK.format("assert False")).erred


def test_a_property_may_have_its_steps_from_a_function_of_the_file(tmp_path: Path) -> None:
    text = "def come(*names):\n    yield from map(Connect, names)\ndef p(room):\n    yield from come('ana', 'bia')"
    assert tried(tmp_path, text).steps == ["connect ana", "connect bia"]


def test_a_step_that_is_not_possible_is_left_out_and_told(tmp_path: Path) -> None:
    trial = tried(tmp_path, "def p(room):\n    yield Connect('ana')\n    yield Send('anna', b'oi')\n")
    assert trial.steps == ["connect ana", "(left out, not possible now: send anna 'oi')"]
    assert not trial.failed


def test_the_end_of_the_program_breaks_every_property(tmp_path: Path) -> None:

    def broken(old: str, new: str) -> str:
        server = tmp_path / "server.py"
        server.write_text(ROOM.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
        return tried(tmp_path, TALK.format("pass"), server).broken

    crash = broken('if text == "sair"', "if 1 / 0")
    assert crash.startswith("the program crashed in line ")
    assert crash.endswith(": ZeroDivisionError: division by zero")
    assert broken('if text == "sair"', "if sys.exit()") == "the program ended"
    assert "select() returned 100 times" in broken("self.accept()", "pass")


def test_the_same_seed_is_the_same_run(tmp_path: Path) -> None:
    text = """
        def p(room, chance):
            names = ["ana", "bia", "caio"]
            chance.shuffle(names)
            for name in names:
                yield Connect(name)
            yield Together(Send(names[0], b"oi\\n"), Reset(names[1]))
    """
    runs = [tried(tmp_path, text, seed=seed) for seed in (3, 3, 4)]
    assert (runs[0].steps, runs[0].seen) == (runs[1].steps, runs[1].seen)
    assert runs[0].steps != runs[2].steps


def test_what_happens_together_is_seen_in_one_turn() -> None:
    steps = (Connect("ana"), Connect("bia"), Together(Reset("bia"), Send("ana", b"oi\n")))
    turns = trace.record(ROOM, steps, NAMED)["turns"]
    assert isinstance(turns, list)
    assert turns[-1]["ready"] == [{"who": "ana", "events": "r"}, {"who": "bia", "events": "r"}]


def test_there_are_six_mutants() -> None:
    assert [path.stem for path in MUTANTS] == ["forgets", "hurries", "keeps", "mixes", "panics", "stumbles"]


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_is_the_room_with_one_thing_changed(path: Path) -> None:
    room, mutant = (file.read_text(encoding="utf-8").splitlines() for file in (ROOM, path))
    blocks = SequenceMatcher(None, room, mutant, autojunk=False).get_opcodes()
    changed = [block for block in blocks if block[0] != "equal"]
    first, last = changed[0], changed[-1]
    assert last[4] - first[3] <= 4


@pytest.mark.parametrize("path", MUTANTS, ids=lambda path: path.stem)
def test_a_mutant_looks_right_on_most_days(tmp_path: Path, path: Path) -> None:
    ordinary = """
        def an_evening(room):
            for name in ("ana", "bia", "caio"):
                yield Connect(name)
            for name in ("ana", "bia", "ana"):
                yield Send(name, b"oi\\n")
            yield Close("ana")
            yield Connect("ana")
            yield Send("caio", b"sair\\n")
            yield Connect("caio")
            yield Send("ana", b"tudo bem?\\n")
            assert room.heard("bia") == ["ana: oi", "ana: oi", "ana: tudo bem?"]
            assert room.told("caio") == ["* you are caio, in lobby with bia, ana"]
    """
    assert not tried(tmp_path, ordinary, path).failed
