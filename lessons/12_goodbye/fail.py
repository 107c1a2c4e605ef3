"""A peer that is dropped never reads why."""

APPLIES_UNTIL: int | None = None
LINE = "x" * 999


def script(net) -> bool:
    ana, bia = net.connect("ana"), net.connect("bia")
    ana.stop_reading()
    for _ in range(400):
        bia.send((LINE + "\n").encode() * 64)
        if b"* ana left\n" in bia.read(b"* ana left\n", 0.01):
            break
    net.say("ana does not read; bia talks until ana is dropped; then ana reads")
    ana.resume_reading()
    last = ana.read(None, 3).decode().splitlines()[-1]
    told = last == "! you read too slowly"
    net.say("the last that ana reads is " + (f"`{last}`" if told else "somewhere in the middle of what bia said"))
    return not told
