"""After a restart the history is gone: a line that everybody has heard is lost."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana, bia = net.connect("ana"), net.connect("bia")
    ana.say("oi")
    bia.read(net.heard("ana", "oi"))
    net.say("ana says oi, and bia hears it; kill -9; the server is started again")
    net.restart()
    bia = net.connect("bia")
    lost = bia.read(b"ana: oi\n", 0.5) != b"ana: oi\n"
    net.say("bia comes back and " + ("is shown nothing" if lost else "is shown `ana: oi`"))
    if lost:
        return True
    bia.say("/after 0")
    replay = bia.read(b"\n").decode().strip()
    bia.say("tudo bem?")
    echo = bia.read(b"\n").decode().strip()
    net.say(f"bia says /after 0 and reads `{replay}`; she says tudo bem? and reads `{echo}`: acknowledged; kill -9")
    net.restart()
    bia = net.connect("bia")
    bia.read(b"tudo bem?\n")
    bia.say("/after 1")
    again = bia.read(b"\n").decode().strip()
    net.say(f"bia comes back, says /after 1 and reads `{again}`")
    return (replay, echo, again) != ("#1 ana: oi", "#2 bia: tudo bem?", "#2 bia: tudo bem?")
