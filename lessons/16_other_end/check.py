"""What lesson 16 promises: what is typed and what comes in never mix, and the terminal is given back.

The program is the client, and the check is its server: see `lessons.client_stage`.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from lessons.client_stage import ClientStage, Rows, Wrong
from lessons.kit import LiveCheck

HELLO = "* you are ana, in lobby"
OI = "bia: oi"
NOT_SHOWN = "nothing shows what is typed before Enter: take each key at once, and draw the line yourself"
NOT_SENT = "Enter should send the line that was typed, and the server has not read it"
KEY_BY_KEY = "keys were sent one by one: a line is sent when Enter is pressed"
NO_NEWLINE = "the line was sent without its newline: the server waits for the end of it"
RETURN_TOO = "a line ends with its newline alone: a return before it would be a part of the text"
MIXED = "what came in was printed into the typed line: one owner erases the line, prints, and draws it again"
NOT_WAITING = "while a line is being typed nothing is shown: wait for the keyboard and the network in one select()"
TWICE = "the typed line is left standing above: erase it before you print"
NOT_DRAWN = "the typed line is gone from the screen: draw it again below what was printed"
STAIRS = "the typed line does not begin in the first column: raw mode goes too far, cbreak mode is enough"
NOT_ERASED = "what stood in the row is still there: after \\r erase it with \\x1b[K, and draw the line then"
NOT_KEPT = "what ana has said is gone from the screen: show it above, for the server does not send it back"
SAID_TWICE = "what ana has said stands there twice: show it, or leave the typed line standing, not both"
BACKSPACE = "Backspace should take back one character of the typed line"
HIDDEN = "of two lines typed at once one was not sent: it waits in a buffer that select() does not see"
HALF_A_LINE = "half a line was shown as a line: keep the rest until its newline comes"
GOES_ON = "the server has closed, and the client goes on: b'' is the end at this end, too"
CTRL_D = "Ctrl-D should end the client"
CTRL_C = "Ctrl-C should end the client"


def always(why: str) -> Callable[[object], str]:
    """The same cause, whatever is seen."""
    return lambda seen: why


def typed(text: str) -> Callable[[Rows], bool]:
    """The last row ends with the typed line, a prompt may stand before it; and it stands nowhere else."""
    return lambda rows: (
        rows[-1].endswith(text) and not rows[-1].startswith(" ") and not any(text in row for row in rows[:-1])
    )


def said(text: str) -> Callable[[Rows], bool]:
    """One row above shows what was said, and the typed line is empty."""
    return lambda rows: sum(text in row for row in rows[:-1]) == 1 and text not in rows[-1]


def above(*texts: str) -> Callable[[Rows], bool]:
    """They stand in rows of their own, one right below the other, and the typed line is below them."""

    def test(rows: Rows) -> bool:
        return any(tuple(rows[at : at + len(texts)]) == texts for at in range(len(rows) - 1)) and typed("hel")(rows)

    return test


def why_not_above(rows: Rows) -> str:
    """What went wrong when something came in."""
    if any("hel" in row and OI in row for row in rows):
        return MIXED
    if not any(OI in row for row in rows):
        return NOT_WAITING
    if any("hel" in row for row in rows[:-1]):
        return TWICE
    return STAIRS if rows[-1].startswith(" ") and rows[-1].endswith("hel") else NOT_DRAWN


def why_not_sent(heard: bytes) -> str:
    """What went wrong with the line that Enter should send."""
    if heard == b"hello":
        return NO_NEWLINE
    if heard == b"hello\r\n":
        return RETURN_TOO
    return KEY_BY_KEY if heard and not heard.endswith(b"\n") else NOT_SENT


def why_not_back(rows: Rows) -> str:
    """What went wrong when a key came and was taken back."""
    return NOT_ERASED if rows[-1].endswith("hell") else HALF_A_LINE


def begin(stage: ClientStage) -> None:
    """The client is there, shows what comes, and shows what is typed."""
    stage.connected()
    stage.sends(f"{HELLO}\n".encode())
    stage.shows([HELLO], lambda rows: HELLO in rows, always("what the server sends is not shown"))
    stage.types_slowly(b"hel")
    stage.shows([HELLO, "hel"], typed("hel"), always(NOT_SHOWN))


def what_comes_stands_above(stage: ClientStage) -> None:
    """`bia: oi`, while `hel` is typed."""
    begin(stage)
    stage.sends(f"{OI}\n".encode())
    stage.shows([HELLO, OI, "hel"], above(OI), why_not_above)
    stage.hears(b"", always(KEY_BY_KEY))


def enter_sends(stage: ClientStage) -> None:
    """`hello`, and Enter. When what comes then is shown, all that Enter does is done."""
    begin(stage)
    stage.types_slowly(b"lo\n")
    stage.hears(b"hello\n", why_not_sent)
    stage.sends(f"{OI}\n".encode())
    stage.shows([HELLO, "hello", OI, ""], lambda rows: OI in rows and said("hello")(rows), why_not_said)


def why_not_said(rows: Rows) -> str:
    """What went wrong with one's own line."""
    return SAID_TWICE if sum("hello" in row for row in rows) > 1 else NOT_KEPT


def every_key_counts(stage: ClientStage) -> None:
    """Two lines at once, half an é, and Backspace."""
    begin(stage)
    stage.types(b"lo\noi\n")
    stage.hears(b"hello\noi\n", always(HIDDEN))
    stage.types(b"caf\xc3")
    stage.shows([HELLO, "hello", "oi", "caf"], typed("caf"), always(NOT_SHOWN))
    stage.types(b"\xa9!\x7f\x7fe\n")
    stage.hears(b"hello\noi\ncafe\n", always(BACKSPACE))


def lines_however_cut(stage: ClientStage) -> None:
    """A line in three pieces, and two in one. A key that is shown proves that what came before it was read."""
    begin(stage)
    for piece in (b"bia: caf\xc3", b"\xa9 com", b" leite\nbia: sim\ncaio: oi\n"):
        stage.sends(piece)
        for key in (b"l", b"\x7f"):
            stage.types(key)
            text = "hell" if key == b"l" else "hel"
            why = always(HALF_A_LINE) if key == b"l" else why_not_back
            stage.shows([HELLO, text], lambda rows, text=text: rows[-1].endswith(text), why)
    lines = ("bia: café com leite", "bia: sim", "caio: oi")
    stage.shows([HELLO, *lines, "hel"], above(*lines), always(HALF_A_LINE))


def the_server_goes(stage: ClientStage) -> None:
    """And the client ends."""
    begin(stage)
    stage.goes()
    stage.ends(GOES_ON, status=0)


def the_server_crashes(stage: ClientStage) -> None:
    """The terminal is given back all the same."""
    begin(stage)
    stage.goes(with_rst=True)
    stage.ends(GOES_ON)


def ctrl_d(stage: ClientStage) -> None:
    """The end of what is typed."""
    begin(stage)
    stage.types(b"\x04")
    stage.ends(CTRL_D)


def ctrl_c(stage: ClientStage) -> None:
    """The terminal is given back all the same."""
    begin(stage)
    stage.signal(signal.SIGINT)
    stage.ends(CTRL_C)


def windows(stage: ClientStage) -> None:
    """The same, with keys of another kind."""
    begin(stage)
    stage.sends(f"{OI}\n".encode())
    stage.shows([HELLO, OI, "hel"], above(OI), why_not_above)
    stage.types("x\blo é\r".encode())
    stage.hears(
        "hello é\n".encode(), always("on Windows Enter is \\r and Backspace is \\b, and msvcrt.getwch() gives them")
    )
    stage.goes()
    stage.ends(GOES_ON, status=0)


def live(title: str, play: Callable[[ClientStage], None], on_windows: bool = False) -> LiveCheck:
    """A check that starts the client."""

    def judge(program: Path) -> tuple[str, list[str]] | None:
        stage = ClientStage(program, on_windows)
        try:
            play(stage)
        except Wrong as wrong:
            steps = ["the client starts", *stage.done]
            return str(wrong), [*(f"  {step}" for step in steps[:-1]), f"→ {steps[-1]}", "", *stage.story]
        finally:
            stage.close()
        return None

    return LiveCheck(title, judge)


ON_A_TERMINAL = (
    live("what comes in stands above what is typed", what_comes_stands_above),
    live("Enter sends the line", enter_sends),
    live("every key counts", every_key_counts),
    live("lines, however the network cut them", lines_however_cut),
    live("the server goes", the_server_goes),
    live("the server crashes", the_server_crashes),
    live("Ctrl-D", ctrl_d),
    live("Ctrl-C", ctrl_c),
)
WITHOUT_ONE = "as on Windows" if os.name != "nt" else "on Windows (what needs a Unix terminal is not checked here)"
CHECKS = (*(ON_A_TERMINAL if os.name != "nt" else ()), live(WITHOUT_ONE, windows, on_windows=True))
