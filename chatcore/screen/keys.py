"""bytes from a terminal -> keys. Pure.

A key arrives as one byte, as two to four (UTF-8), or as an escape sequence, and a read may end in
the middle of any of them. So everything goes through one character at a time, and what is unfinished
is remembered. No clock decides what a lone Esc means: it waits for the next character.
"""

import codecs
import enum
import re


class Key(enum.Enum):
    """A key that does something. Keys that write are themselves: strings of one character."""

    ENTER = enum.auto()
    END_OF_INPUT = enum.auto()
    LEFT = enum.auto()
    RIGHT = enum.auto()
    WORD_LEFT = enum.auto()
    WORD_RIGHT = enum.auto()
    HOME = enum.auto()
    END = enum.auto()
    UP = enum.auto()
    DOWN = enum.auto()
    BACKSPACE = enum.auto()
    DELETE = enum.auto()
    CUT_WORD = enum.auto()
    CUT_BEFORE = enum.auto()
    CUT_AFTER = enum.auto()
    CLEAR = enum.auto()


CONTROLS = {
    "\x01": Key.HOME,  # Ctrl-A, as in every shell
    "\x02": Key.LEFT,
    "\x04": Key.END_OF_INPUT,
    "\x05": Key.END,
    "\x06": Key.RIGHT,
    "\x08": Key.BACKSPACE,
    "\n": Key.ENTER,
    "\x0b": Key.CUT_AFTER,
    "\x0c": Key.CLEAR,
    "\r": Key.ENTER,
    "\x0e": Key.DOWN,
    "\x10": Key.UP,
    "\x15": Key.CUT_BEFORE,
    "\x17": Key.CUT_WORD,
    "\x7f": Key.BACKSPACE,
}

# What follows ESC. Terminals disagree on Home and End; ECMA-48 8.3 and xterm's ctlseqs have the rest.
SEQUENCES = {
    "[A": Key.UP,
    "[B": Key.DOWN,
    "[C": Key.RIGHT,
    "[D": Key.LEFT,
    "[H": Key.HOME,
    "[F": Key.END,
    "OA": Key.UP,
    "OB": Key.DOWN,
    "OC": Key.RIGHT,
    "OD": Key.LEFT,
    "OH": Key.HOME,
    "OF": Key.END,
    "OM": Key.ENTER,
    "[1~": Key.HOME,
    "[7~": Key.HOME,
    "[4~": Key.END,
    "[8~": Key.END,
    "[3~": Key.DELETE,
    "[1;5C": Key.WORD_RIGHT,
    "[1;3C": Key.WORD_RIGHT,
    "[1;5D": Key.WORD_LEFT,
    "[1;3D": Key.WORD_LEFT,
    "b": Key.WORD_LEFT,
    "f": Key.WORD_RIGHT,
    "\x7f": Key.CUT_WORD,
}
PASTE_BEGINS, PASTE_ENDS = "[200~", "[201~"

# The beginnings of sequences that go on; [[ is how the console of Linux begins its function keys.
_UNFINISHED = re.compile(r"O|\[\[?[ -?]*")
LONGEST_SEQUENCE = 32


class Keys:
    """Decodes a stream of bytes. However it is cut, the keys are the same."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._sequence: str | None = None  # what came since ESC
        self._pasting = False

    def feed(self, data: bytes) -> list[Key | str]:
        """Return the keys that `data` completes."""
        keys = map(self._key, self._decoder.decode(data))
        return [key for key in keys if key is not None]

    def _key(self, char: str) -> Key | str | None:
        if char == "\x1b":  # a terminal never sends one inside a sequence: this one is new
            self._sequence = ""
            return None
        if self._sequence is not None:
            return self._escaped(char)
        return pasted(char) if self._pasting else self._typed(char)

    def _escaped(self, char: str) -> Key | str | None:
        """Return the key of the sequence when `char` ends it. Sequences we do not know do nothing."""
        sequence = f"{self._sequence}{char}"
        unfinished = _UNFINISHED.fullmatch(sequence) and len(sequence) < LONGEST_SEQUENCE
        self._sequence = sequence if unfinished else None
        if sequence in (PASTE_BEGINS, PASTE_ENDS):
            self._pasting = sequence == PASTE_BEGINS
        return None if self._pasting else SEQUENCES.get(sequence)

    def _typed(self, char: str) -> Key | str | None:
        return char if _writes(char) else CONTROLS.get(char)


def pasted(text: str) -> str:
    """Return what of a paste goes into the line: nothing in it acts, a line end in it must not send."""
    return "".join(char if _writes(char) else " " for char in text)


def _writes(char: str) -> bool:
    """False for C0, DEL and C1."""
    return " " <= char < "\x7f" or char >= "\xa0"
