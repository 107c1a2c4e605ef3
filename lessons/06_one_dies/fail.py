"""One connection that is reset ends the server for everybody; so does one who says goodbye twice."""

APPLIES_UNTIL: int | None = None


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    caio.reset()
    net.say("caio's connection is reset")
    died = not net.server_alive()
    bia.say("oi")
    heard = net.heard("bia", "oi")
    lost = heard not in ana.read(heard, 0.5)
    net.say("the server is " + ("dead: ConnectionResetError" if died else "alive"))
    net.say("bia says oi; ana hears " + ("nothing" if lost else "it"))
    if died:
        net.restart()
        bia = net.connect("bia")
        net.say("the server is started again, and bia is back")
    bia.say("sair\nsair")
    died_again = not net.server_alive()
    net.say("bia says sair twice in one breath; the server is " + ("dead: KeyError" if died_again else "alive"))
    return died and died_again
