"""Anybody can speak in anybody's name."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.say("bia: I am bia")
    heard = caio.read(b"I am bia\n").decode().splitlines()[-1]
    net.say("ana types `bia: I am bia`")
    net.say(f"caio reads `{heard}`")
    return heard == "bia: I am bia"
