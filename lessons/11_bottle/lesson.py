"""Lesson 11: the network in a bottle. Its program is a file of properties."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=11,
    title="The network in a bottle",
    idea="One place waits: replace what it asks, and the order of the world is yours.",
    term="determinism",
    minutes=(9, 30),
    program="properties.py",
    applies_until=11,
    hints=(
        Hint(
            "Two at once",
            "`hurries` takes one line out of the buffer, and waits. What must arrive so that people miss a line? And "
            "what for `mixes`, which has one buffer for all?",
            'Two lines in one piece: Send("ana", b"oi\\ntudo bem?\\n"). For `mixes`, half a line of ana, then one of '
            "bia's, then the rest of ana's.",
        ),
        Hint(
            "A kernel that is full",
            "`panics` throws people out as soon as the kernel takes nothing more for them. bia stops reading: why is "
            "that alone not enough to see it?",
            "The kernels of the bottle hold 64 KiB on each side. Make them small before she connects: "
            "Kernel(buffer=10). Then Stall her, let ana say five lines (once the kernels are full, she must speak on), "
            "Resume her, and ask what she has heard.",
        ),
        Hint(
            "Ways to go",
            "People go in good order (Close) or with a reset (Reset), and not always when all is quiet. Which of these "
            "is too much for `keeps`, and which for `stumbles`?",
            "`keeps` never lets go of a name that went with a reset: let it connect again. `stumbles` crashes when "
            "somebody goes while a line is on its way to him: Together(Send(…), Reset(…)).",
        ),
    ),
    explanation="""
        Your server asks one object what is ready, and waits nowhere else. So whoever replaces that object and the
        sockets decides what arrives, in which pieces, in which order, and when. What was luck is now a step in a list,
        or comes from a seed: run it again and the same happens. A property says what must hold in every such world.
        A mutant, a program with one thing changed, shows whether your properties would notice.
    """,
)
