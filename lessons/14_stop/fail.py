"""Ctrl-C throws away what was said and not yet taken, and nobody is told."""

APPLIES_UNTIL: int | None = None
LINE = "x" * 999


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.stop_reading()
    said = 0
    while not net.short_sends() and said < 20_000:
        bia.send((LINE + "\n").encode() * 63 + f"{said}.\n".encode())
        said += 64
        caio.read(f"{said - 64}.\n".encode())  # caio reads; what he has, ana was sent, too
    net.say("bia talks until the kernel takes no more for ana; Ctrl-C; then ana reads")
    net.interrupt()
    net.pass_time(0.3)
    ana.resume_reading()
    read = ana.read(None, 3)
    bye = read.endswith(b"* the server stops\n")
    complete = read.count(b"\n", read.index(net.heard("bia", LINE))) == said + bye
    for client in (ana, bia, caio):
        client.close()
    status = net.exit_status(8)
    net.say(
        "ana "
        + ("gets every line" if complete else "does not get all of it")
        + (", then `* the server stops`" if bye else "")
    )
    net.say("exit status: " + ("0" if status == 0 else "not 0, and a traceback"))
    return not (complete and bye and status == 0)
