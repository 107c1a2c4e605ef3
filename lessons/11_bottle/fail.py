"""A program with one line changed: all is well, day after day, and then a piece of a text is missing."""

APPLIES_UNTIL: int | None = None
SHOWN_ON = "mutants/forgets.py"
LINES, WIDTH = 200, 999


def script(net) -> bool:
    ana, bia = net.connect("ana"), net.connect("bia")
    missing = 0
    for day in ("monday", "tuesday", "wednesday", "thursday"):
        is_tunnel = day == "thursday"
        if is_tunnel:
            bia.stop_reading()
        ana.send((b"x" * WIDTH + b"\n") * LINES)
        net.pass_time(1)
        bia.resume_reading()
        ana.say(f"until {day}")
        read = bia.read(net.heard("ana", f"until {day}")).count(b"x" * WIDTH)
        before = "bia's train is in a tunnel for a second; " if is_tunnel else ""
        net.say(f"{day:10} {before}ana sends {LINES} lines, bia reads {read}")
        missing += LINES - read
    return missing > 0
