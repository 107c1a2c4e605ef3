"""While the first caller is connected, the second one is not answered."""

APPLIES_UNTIL: int | None = 2  # from 3 on nobody hears himself


def script(net) -> bool:
    ana = net.connect("ana")
    ana.say("oi")
    echo = ana.read(b"oi\n")
    net.say(f"ana sends oi, and reads {echo.decode().strip()!r}")
    bia = net.connect("bia")
    bia.say("ola")
    answer = bia.read(b"ola\n")
    net.say(f"bia sends ola, and reads {answer.decode().strip()!r}")
    return answer == b""
