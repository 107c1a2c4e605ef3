"""One peer that does not read freezes everybody."""

APPLIES_UNTIL: int | None = None
LINE = "x" * 999


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.stop_reading()
    bia.send((LINE + "\n").encode() * (net.much // 1000))
    bia.say("that was all")
    last = net.heard("bia", "that was all")
    heard = caio.read(last, 6)
    arrived = last in heard
    part = "less than half" if len(heard) < net.much / 2 else "a part"
    net.say("ana does not read; bia says more than all kernel buffers hold; caio reads as fast as he can")
    net.say("caio gets " + ("all of it" if arrived else f"{part} of it, and then nothing more"))
    if not arrived:
        ana.resume_reading()
        bia.say("that was all")
        late = last in caio.read(last, 6)
        net.say("ana reads again; now caio " + ("gets the rest" if late else "still gets nothing"))
    return not arrived
