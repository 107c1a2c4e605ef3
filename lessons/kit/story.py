"""a verdict -> the story of it. The steps, the one that failed, expected and actual, the likely cause."""

from collections.abc import Iterable

from lessons.kit.checks import Verdict
from lessons.kit.models import Complaint
from lessons.kit.words import compared

MOST_STEPS = 16
MOST_PRINTED = 5


def told(verdict: Verdict) -> list[str]:
    """Lines for the learner; one line if all is well."""
    if verdict.complaint is None:
        times = f"{verdict.examples} runs" if verdict.examples > 1 else "1 run"
        return [f"  ok      {verdict.check.title} ({times})"]
    complaint = verdict.complaint
    lines = [f"  FAILED  {verdict.check.title}", ""]
    lines += indented([*steps(complaint), "", *what(complaint)])
    lines += ["", f"  Likely cause: {verdict.cause}"]
    return lines + printed(complaint)


def indented(lines: Iterable[str]) -> list[str]:
    """Four spaces to the right; an empty line stays empty."""
    return [f"    {line}" if line else "" for line in lines]


def steps(complaint: Complaint) -> list[str]:
    """The steps that were done; an arrow at the last one."""
    all_of_them = list(map(str, complaint.run.steps)) or ["the program starts"]
    shown = all_of_them[-MOST_STEPS:]
    left_out = [f"  … {len(all_of_them) - len(shown)} steps"] if len(shown) < len(all_of_them) else []
    return [*left_out, *(f"  {step}" for step in shown[:-1]), f"→ {shown[-1]}"]


def what(complaint: Complaint) -> list[str]:
    """What should be, and what is."""
    crash = complaint.run.crash
    if crash is not None:
        return ["your program stopped:", *(f"  line {n}: {text}" for n, text in crash.lines[-3:]), f"  {crash}"]
    if complaint.kind == "dropped":
        return [
            f"{complaint.name} should still be connected",
            f"{complaint.name}'s connection was closed by the server",
        ]
    if complaint.expected != complaint.actual:
        return compared(complaint.name, complaint.expected, complaint.actual)
    if complaint.line:
        return [complaint.text, f"  your program is at line {complaint.line}"]
    return [complaint.text or "the program did not go on"]


def printed(complaint: Complaint) -> list[str]:
    """The last lines that the program printed, which may say more."""
    said = (line for line in complaint.run.printed.splitlines() if not line.startswith("listening on "))
    lines = list(said)[-MOST_PRINTED:]
    return ["", "  Your program printed:", *indented(lines)] if lines else []
