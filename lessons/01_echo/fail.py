"""After a caller has left, `recv` returns b"" for ever and the program spins."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana = net.connect("ana")
    ana.say("sair")
    net.pass_time(0.1)
    ana.close()
    net.pass_time(0.2)
    before = net.cpu_turns()
    net.pass_time(0.3)
    turns = net.cpu_turns() - before
    net.say("ana leaves; then nobody does anything for 0.3 s")
    net.say("calls of recv meanwhile: " + ("more than 1000" if turns > 1000 else "fewer than 20"))
    return turns > 1000
