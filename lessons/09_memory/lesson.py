"""Lesson 9: memory ends."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=9,
    title="Memory ends",
    idea="A queue has a limit, and what happens at the limit is your decision.",
    term="backpressure",
    minutes=(9, 30),
    hints=(
        Hint(
            "Where it grows",
            "ana does not read, bia talks. In which line of the program of lesson 8 does memory grow, and for whom?",
            "In send(): `connection.queue += …` for ana. For caio as well, but flush() empties his queue at once.",
        ),
        Hint(
            "When to judge",
            "A line has been put into the queue. Is it too long now, or do you have to do something first?",
            "First flush(): the kernel may take all of it. What is left after that is what the peer does not take. "
            "Judge len(connection.queue) then, in bytes.",
        ),
        Hint(
            "How to say why",
            "The queue is over the ceiling, and you want to tell ana the reason. What happens if you call send()?",
            "send() finds the queue over the ceiling, and wants to tell ana the reason, and calls send() … So put the "
            "reason into the queue yourself, flush(), close().",
        ),
    ),
    explanation="""
        A stalled peer costs nothing while you wait for it, but what is said meanwhile needs a place. There are three
        policies: let the speakers wait, drop messages, or say goodbye to the slow consumer. Ours is the third: at most
        CEILING bytes wait for each, judged after the attempt to send. No line is ever left out in silence: what you
        have read is all that was said, up to the end.
    """,
)
