# golden: come('ana', 'bia') without yield from in front of it does nothing
"""Lets another function make the steps, and does not hand them over."""

from lessons.kit import Close, Connect, Kernel, Reset, Resume, Send, Stall, Together


def a_line_arrives_whole(room, chance):
    """However few bytes the kernel takes at a time, the others read all of it."""
    yield Kernel(send_most=chance.randint(1, 20))
    yield Connect("ana")
    yield Connect("bia")
    yield Send("ana", b"tudo bem?\n")
    assert room.heard("bia") == ["ana: tudo bem?"]


def come(*names):
    for name in names:
        yield Connect(name)


def two_lines_are_two_lines(room):
    come("ana", "bia")
    yield Send("ana", b"oi\ntudo bem?\n")
    assert room.heard("bia") == ["ana: oi", "ana: tudo bem?"]


def a_line_is_its_owners(room):
    """Also when two people are in the middle of a line."""
    for name in ("ana", "bia", "caio"):
        yield Connect(name)
    yield Send("ana", b"oi")
    yield Send("bia", b"tudo bem?\n")
    yield Send("ana", b" gente\n")
    assert room.heard("caio") == ["bia: tudo bem?", "ana: oi gente"]


def who_is_slow_stays(room):
    """Who stops reading for a moment is not thrown out, and reads everything later."""
    yield Kernel(buffer=10)
    yield Connect("ana")
    yield Connect("bia")
    yield Stall("bia")
    for _ in range(5):
        yield Send("ana", b"tudo bem?\n")
    yield Resume("bia")
    assert room.heard("bia") == ["ana: tudo bem?"] * 5


def a_name_is_free_again(room, chance):
    """However its owner went."""
    leave = chance.choice((Close, Reset))
    yield Connect("ana")
    yield leave("ana")
    yield Connect("ana")
    assert room.told("ana") == ["* you are ana, in lobby"]


def one_dies_the_rest_go_on(room, chance):
    """Also when somebody dies while another speaks."""
    names = ["ana", "bia", "caio"]
    for name in names:
        yield Connect(name)
    chance.shuffle(names)
    yield Together(Send(names[0], b"oi\n"), Reset(names[1]))
    assert room.heard(names[2]) == [f"{names[0]}: oi"]
