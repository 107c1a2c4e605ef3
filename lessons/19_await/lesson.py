"""Lesson 19: your own await."""

from lessons.kit import Hint, Lesson

LESSON = Lesson(
    number=19,
    title="Your own await",
    idea="A function that can pause keeps its story; the loop goes on with it when its wish has come true.",
    term="coroutine",
    minutes=(10, 30),
    hints=(
        Hint(
            "What a task gives you",
            "task.send(None) lets the task go on. When does that call return, and what does it return?",
            "When the task pauses: then it returns the wish, a tuple. When the task is done it raises StopIteration.",
        ),
        Hint(
            "Where a wish is kept",
            'A task wishes ("readable", sock), another one ("sleep", 5). Who in your loop can wait for each of them?',
            "The selector waits for the socket: register it, with the task as data. The heap keeps times: push when, a "
            "number, and the task.",
        ),
        Hint(
            "How long to wait",
            "Two tasks sleep, one for 5 s and one for 3 s, and no socket is ready. What do you give to select()?",
            "The time to the first timer, 3 s, and never less than 0. Without a timer None: only a socket can help.",
        ),
    ),
    explanation="""
        A callback must return, and then its variables and its place in the story are gone. A coroutine pauses
        instead: at an await it hands its wish to the loop, and keeps everything else. The loop is the one you have
        had since lesson 2, with a selector and a heap of timers; it only holds paused tasks where it held functions.
        asyncio does the same.
    """,
    program="own_await.py",
)
