"""While nothing happens the program spins, for a socket can nearly always be written to."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    net.connect("ana")
    net.connect("bia")
    net.pass_time(0.1)
    before = net.cpu_turns()
    net.pass_time(0.3)
    turns = net.cpu_turns() - before
    net.say("two peers are connected and silent for 0.3 s")
    net.say("turns meanwhile: " + ("more than 1000" if turns > 1000 else "fewer than 20"))
    return turns > 1000
