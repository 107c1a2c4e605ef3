"""A peer that has vanished without a word keeps its name for ever."""

APPLIES_UNTIL: int | None = None
CLOCK = 1200.0


def script(net) -> bool:
    net.connect("ana")
    net.say("ana's cable is pulled: no FIN, no RST; 20 minutes pass")
    net.pass_time(1200)
    again = net.connect("ana again", greet=False)
    again.say("ana")
    answer = again.read(b"\n").decode().strip()
    net.say(f"she connects again and says ana; the server answers `{answer}`")
    return answer.startswith("!")
