"""bytes -> what a person reads. Quoting, and a pointer at the byte."""

SHORT = 60  # characters of a quotation
AROUND = 24  # of them before the byte that the pointer points at


def shown(data: bytes, most: int = SHORT) -> str:
    """'oi\\n': text where it is text, escapes where it is not; the middle of long data is left out."""
    if len(data) <= most:
        return quoted(data)
    return f"{quoted(data[: most // 2])}…{quoted(data[-8:])} ({len(data):,} bytes)"


def quoted(data: bytes) -> str:
    """All of it, between single quotes."""
    return "'" + escaped(data) + "'"


def escaped(data: bytes) -> str:
    """Printable text as it is; controls and broken UTF-8 as escapes."""
    text = data.decode("utf-8", "surrogateescape")
    return "".join(map(escape, text))


def escape(char: str) -> str:
    """One character."""
    if char in "\\\n\t\r":
        return {"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}[char]
    if "\udc80" <= char <= "\udcff":
        return f"\\x{ord(char) - 0xDC00:02x}"
    return char if char.isprintable() else char.encode("unicode_escape").decode()


def first_difference(expected: bytes, actual: bytes) -> int:
    """The index of the first byte that differs, or where the shorter one ends."""
    pairs = zip(expected, actual, strict=False)
    return next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(expected), len(actual)))


def compared(who: str, expected: bytes, actual: bytes) -> list[str]:
    """Three lines: what `who` should have read, what was read, and a pointer at the first difference."""
    at = first_difference(expected, actual)
    start = max(0, at - AROUND) if max(len(expected), len(actual)) > SHORT else 0
    label = max(len(f"{who} should have read"), len(f"{who} has read")) + 2
    before = "…" if start else ""
    lines = [
        f"{text:<{label}}{before}{quoted(data[start : start + SHORT])}{'…' if len(data) > start + SHORT else ''}"
        for text, data in ((f"{who} should have read", expected), (f"{who} has read", actual))
    ]
    where = label + len(before) + 1 + len(escaped(actual[start:at]))
    note = f" byte {at:,}" if start else ""
    return [*lines, " " * where + "^" + note]
