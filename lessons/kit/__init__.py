"""What the files of a lesson import: facts, steps, models, causes. `lessons/FORMAT.md` describes them."""

from lessons.kit.causes import Cause, heard, of, raised
from lessons.kit.checks import Check, LiveCheck
from lessons.kit.lesson import Dialect, Hint, Lesson, TooBig
from lessons.kit.models import Complaint, Echo, Lines, Model, Room
from lessons.kit.run import Run
from lessons.kit.steps import (
    Close,
    Connect,
    HalfClose,
    Kernel,
    Kill,
    Pass,
    Press,
    Reset,
    Restart,
    Resume,
    Send,
    SetClock,
    Stall,
    Step,
    Together,
    Vanish,
)

__all__ = [
    "Cause", "Check", "Close", "Complaint", "Connect", "Dialect", "Echo", "HalfClose", "Hint", "Kernel", "Kill",
    "Lesson", "Lines", "LiveCheck",
    "Model", "Pass", "Press", "Reset", "Restart", "Resume", "Room", "Run", "Send", "SetClock", "Stall", "Step",
    "Together", "TooBig", "Vanish", "heard", "of", "raised",
]  # fmt: skip
