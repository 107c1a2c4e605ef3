"""You hear only yourself."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana = net.connect("ana")
    bia = net.connect("bia")
    ana.say("oi")
    heard = net.heard("ana", "oi")
    alone = heard not in bia.read(heard, 0.5)
    net.say("ana says oi")
    net.say("bia hears " + ("nothing" if alone else "oi"))
    net.say("ana hears " + ("oi" if heard in ana.read(heard, 0.2) else "nothing"))
    return alone
