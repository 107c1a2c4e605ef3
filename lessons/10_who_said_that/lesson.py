"""Lesson 10: who said that?"""

from lessons.kit import Hint, Lesson
from lessons.kit.dialects import NAMED

LESSON = Lesson(
    number=10,
    title="Who said that?",
    idea="The rules are a pure state machine: commands go in, events come out.",
    term="state machine",
    minutes=(10, 30),
    hints=(
        Hint(
            "Who speaks",
            "A line arrives. Which part of the program knows for sure from whom, and is not told by the text?",
            "receive(): it knows the connection that the bytes came from. So a name belongs to a connection, once and "
            "for all, and the server writes it in front of each line.",
        ),
        Hint(
            "What is remembered",
            "ana says `oi`. Is this a name, or something to be told to all? What must you remember to know that?",
            "Who has a name already: a dict from peer to name. Not in it: the line is a name, to be accepted or "
            "refused. In it: the line is said to all others who are in it.",
        ),
        Hint(
            "However one goes",
            "ana's name must be free again when she has gone. In how many ways can she go? Where do they all meet?",
            "By sair, by closing, by a reset, by reading too slowly: they all end in close(). Call chat.leave() there, "
            "where `is_open` sees to it that it happens once, and deliver what it returns.",
        ),
    ),
    explanation="""
        The chat's rules hold one thing, the names of the peers. A command (what a peer said, or that it left) goes in,
        changes this state, and a list of events comes out: who is to be told, and what. No socket, no clock, no print:
        so the rules are the same with three friends, with a test, or with another network. The server carries events
        to connections and knows no rule.
    """,
    dialect=NAMED,
    green=(2,),
)
