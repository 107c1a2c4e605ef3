"""Half a line of one peer and a line of another arrive as one: the server knows no messages."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.send(b"oi")
    net.pass_time(0.1)
    bia.say("tudo bem?")
    heard = caio.read(net.heard("bia", "tudo bem?")).decode()
    net.say("ana has typed oi and not yet pressed Enter; bia says tudo bem?")
    line = heard.splitlines()[-1].removeprefix("bia: ") if heard else ""
    net.say(f"caio reads {line!r}")
    ana.send(b" gente\n")
    late = caio.read(net.heard("ana", "oi gente"), 0.5)
    net.say(
        "ana goes on with gente and Enter; caio reads " + repr(late.decode().splitlines()[-1].removeprefix("ana: "))
    )
    return line == "oitudo bem?"
