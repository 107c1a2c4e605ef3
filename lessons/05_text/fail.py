"""What strangers send goes straight to everybody's terminal, and a line without an end grows for ever."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana, bia = net.connect("ana"), net.connect("bia")
    ana.send(b"\x1b[2Jboo\xc3\n")
    heard = bia.read(b"\n" if net.lesson < 10 else b"\xbd\n", 0.5)
    steered = b"\x1b" in heard
    half = heard.decode("utf-8", "ignore").encode() != heard
    net.say(
        "ana sends ESC[2J and half an é; bia's terminal "
        + ("obeys, and her screen is cleared" if steered else "shows them as harmless marks")
    )
    sent = ana.send(b"x" * 4_000_000, 0.5)
    unbounded = sent == 4_000_000 and not ana.ended
    net.say(
        "ana sends 4 MB without a newline; the server "
        + ("keeps all of it in memory" if unbounded else "refuses: a line may be 16384 bytes long")
    )
    return steered and half and unbounded
