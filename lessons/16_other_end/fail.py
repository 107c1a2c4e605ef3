"""What others say lands in the middle of the line that is being typed."""

APPLIES_UNTIL: int | None = None
WHERE = "loopback"  # for the terminal


def script(net) -> bool:
    try:
        terminal = net.terminal()
    except ImportError:
        net.say("this needs a terminal of a Unix (a pty), and here is none: the page shows what happens")
        return net.lesson < 16
    terminal.type("ana\n")
    terminal.wait_for("* you are ana")
    bia = net.connect("bia")
    terminal.wait_for("* bia entered")
    net.pass_time(0.1)
    terminal.type("hel")
    terminal.wait_for("hel")
    bia.say("oi")
    terminal.wait_for("bia: oi")
    net.pass_time(0.1)
    terminal.wait_for("\0", 0.1)
    mixed, whole = b"helbia: oi" in terminal.seen, b"bia: oi" in terminal.seen and terminal.seen.endswith(b"hel")
    shown = "`helbia: oi`" if mixed else "`bia: oi`, and hel below it" if whole else "no `bia: oi`"
    net.say("ana has typed hel; bia says oi")
    net.say(f"ana's terminal shows {shown}")
    terminal.type("lo\n")
    line = net.heard("ana", "hello")
    heard = line in bia.read(line)
    net.say("ana types lo and Enter; bia hears " + ("hello" if heard else "nothing"))
    return mixed or not (whole and heard)
