"""What must always hold in the room of lesson 10, whatever the network does.

A function whose first parameter is `room` is a property. It yields steps; after each of them the world runs until
nobody can act. Then ask: `room.heard("bia")`, the lines of others that bia has read; `room.told("bia")`, the lines
of the server; `room.here("bia")`, is she connected? A second parameter, `chance`, is a `random.Random`: then the
property is tried with 20 seeds.
"""

from lessons.kit import Close, Connect, Kernel, Reset, Resume, Send, Stall, Together


def a_line_arrives_whole(room, chance):
    """However few bytes the kernel takes at a time, the others read all of it."""
    yield Kernel(send_most=chance.randint(1, 20))
    yield Connect("ana")
    yield Connect("bia")
    yield Send("ana", b"tudo bem?\n")
    assert room.heard("bia") == ["ana: tudo bem?"]


# Two lines are two lines, also when both arrive in one piece.
# A line is its owner's, also when two people are in the middle of a line.
# Who stops reading for a moment stays, and reads everything later.
# A name is free again, however its owner went.
# One dies, the rest go on, also when it happens while somebody speaks.
