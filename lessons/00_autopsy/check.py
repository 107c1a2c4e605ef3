"""What lesson 0 asks for: eight predictions, compared with what the program of lesson 0 does when it is tried."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lessons.catalog import Catalog
from lessons.kit import Dialect, LiveCheck
from lessons.kit.program import text_of
from lessons.loopback import Net

Trouble = tuple[str, list[str]] | None

FOLDER = Catalog()[0]
AT_ONCE = 4  # situations, each with a server of its own
WRITTEN = re.compile(r"^prediction_(\d)\s*=([^#\n]*)", re.MULTILINE)
AROUND = "\"'?` \t"  # what may stand beside the letter: it is still one letter
QUESTION = re.compile(r"(?:^# .*\n)+", re.MULTILINE)
OFFERED = " abc"  # in this order, below the question

# For each bug of fail.py, the letter that says so, and where to look if something else was predicted.
ANSWERS = (
    ("b", "recv() returns what has arrived. Which line says where one message ends?"),
    ("c", "which line takes the first recv() for the name, whatever else came with it?"),
    ("a", "decode() gets half a letter. Which except catches that, and what stands below it?"),
    ("c", "what does recv() return when the other side has closed, and which branch of the if is that?"),
    ("b", "in which call does bia's thread stand, and in which one does dora's?"),
    ("c", "in listen() of client.py: what does recv() return now, and what does print() do with it?"),
    ("b", "which threads are there, and in which call does each of them stand?"),
    ("b", "what does send() return, and which line looks at it?"),
)


def predictions(path: Path) -> dict[int, str]:
    """What is said in the file; "" where nothing stands yet."""
    found = dict(WRITTEN.findall(text_of(path)))
    return {number: found.get(str(number), "").strip(AROUND).lower() for number in range(1, len(ANSWERS) + 1)}


def complete(path: Path) -> Trouble:
    """Each prediction is a, b or c. If not, the questions that are open."""
    said = predictions(path)
    missing = [number for number, letter in said.items() if letter not in {"a", "b", "c"}]
    if not missing:
        return None
    story = [line for number in missing for line in ("", *questions()[number])][1:]
    return f"prediction {missing[0]} is not there yet: guess a, b or c; a wrong guess costs nothing", story


def questions() -> dict[int, list[str]]:
    """Each question as it stands in start.py, with its three answers."""
    blocks = QUESTION.findall((FOLDER.path / "start.py").read_text(encoding="utf-8"))
    return {number: [line[2:] for line in block.splitlines()] for number, block in enumerate(blocks, start=1)}


def seen() -> list[bool]:
    """Try all eight. False where this system does not show the bug: there any prediction is good."""
    module = FOLDER.module("fail.py")
    assert module is not None

    def tried(bug: object) -> bool:
        net = Net(FOLDER.path / "server.py", 0, Dialect())
        try:
            return bool(module.is_seen(net, bug))
        finally:
            net.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(tried, [bug for title, bug in module.BUGS]))


def compared(path: Path) -> Trouble:
    """Each prediction is what was seen."""
    said = predictions(path)
    asked = questions()
    story, wrong = [], []
    for (number, letter), (answer, look), shows in zip(said.items(), ANSWERS, seen(), strict=True):
        if shows and letter != answer:
            wrong.append(f"prediction {number}: {look}")
            story.append(f"{number}  you said {letter}; seen was {answer}: {asked[number][OFFERED.index(answer)][6:]}")
        else:
            story.append(f"{number}  {letter}")
    right = len(said) - len(wrong)
    return (wrong[0], [*story, "", f"{right} of {len(said)} predicted"]) if wrong else None


CHECKS = (LiveCheck("eight predictions are there", complete), LiveCheck("and all eight were seen", compared))
