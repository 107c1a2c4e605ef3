"""At the limit of file descriptors the server dies."""

APPLIES_UNTIL: int | None = None
FILES = 24


def script(net) -> bool:
    ana, bia = net.connect("ana"), net.connect("bia")
    crowd = []
    for number in range(40):
        try:
            crowd.append(net.connect(f"guest{number}", greet=False))
        except ConnectionError:
            break
    net.pass_time(0.5)
    net.say("the server may have 24 files open; 40 more callers come")
    alive = net.server_alive()
    before = net.cpu_turns()
    net.pass_time(1)
    spins = net.cpu_turns() - before > 100
    ana.say("oi")
    heard = net.heard("ana", "oi")
    works = heard in bia.read(heard, 0.5)
    net.say("the server is " + ("alive" if alive else "dead: OSError: [Errno 24] Too many open files"))
    if alive:
        net.say("ana says oi; bia " + ("hears it" if works else "hears nothing"))
        for guest in crowd[:30]:
            guest.close()
        crowd[-1].say("zoe")
        served = b"* you are zoe" in crowd[-1].read(b"\n", 4)
        net.say("30 of them go; the last in line " + ("is let in" if served else "still waits"))
        return spins or not works or not served
    return True
