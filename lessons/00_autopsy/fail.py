"""The scoreboard: eight bugs of the thread-per-client chat, each shown by itself. True when all are seen."""

import os
import subprocess
import sys
import time

APPLIES_UNTIL: int | None = 0
PATIENCE = 5  # seconds, on a busy computer


def enter(net, *names):
    """Callers whom the server knows: each has read what was said at the console."""
    callers = []
    for name in names:
        callers.append(net.connect(name))
        for _ in range(PATIENCE * 10):
            net.console("welcome")
            if b"welcome" in callers[-1].read(b"welcome", 0.1):
                break
    return callers


def hold(net) -> None:
    """Let what is sent gather before the program reads. Windows cannot hold a program: there it is up to chance."""
    if os.name != "nt":
        net.hold()
        os.waitpid(net.process.pid, os.WUNTRACED)


def release(net) -> None:
    if os.name != "nt":
        net.release()


def glued_messages(net) -> bool:
    ana, bia = enter(net, "ana", "bia")
    hold(net)
    ana.send(b"oi")
    ana.send(b"tudo bem?")
    release(net)
    return b"ana: oitudo bem?" in bia.read(b"tudo bem?", PATIENCE)


def glued_name(net) -> bool:
    (bia,) = enter(net, "bia")
    hold(net)
    caio = net.connect("caio", greet=False)
    caio.send(b"caio")
    caio.send(b"oi")
    release(net)
    return b"caiooi entered" in bia.read(b"entered", PATIENCE)


def accent_kicks(net) -> bool:
    (ana,) = enter(net, "ana")
    ana.send("café".encode()[:-1])
    ana.read(None, PATIENCE)
    return ana.ended


def hot_after_sair(net) -> bool:
    ana, bia = enter(net, "ana", "bia")
    ana.send(b"sair")
    bia.read(b"ana left", PATIENCE)
    ana.close()
    net.pass_time(0.1)
    before = net.cpu_turns()
    net.pass_time(0.3)
    return net.cpu_turns() - before > 1000


def slow_reader_stops_all(net) -> bool:
    ana, bia, caio, dora = enter(net, "ana", "bia", "caio", "dora")
    ana.stop_reading()
    turns = -1
    while net.cpu_turns() != turns:  # until the server receives nothing any more
        turns = net.cpu_turns()
        bia.send(b"x" * 4_000_000, 0.2)
        net.pass_time(0.2)
    dora.send(b"is anybody there?")
    return b"is anybody there?" not in caio.read(b"is anybody there?", 1)


def blank_lines_for_ever(net) -> bool:
    (bia,) = enter(net, "bia")
    client = subprocess.Popen(
        [sys.executable, str(net.program.parent / "client.py"), str(net.address[1])],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    client.stdin.write(b"ana\n")
    client.stdin.flush()
    bia.read(b"ana entered", PATIENCE)
    net.process.kill()
    shown = client.stdout.read(2000)
    client.kill()
    client.communicate()
    return shown.count(b"\n") > 500


def sair_does_not_end_it(net) -> bool:
    (ana,) = enter(net, "ana")
    net.console("sair")
    ana.read(b"goodbye", PATIENCE)
    return net.exit_status(1) is None


def send_result_ignored(net) -> bool:
    (ana,) = enter(net, "ana")
    ana.stop_reading()
    net.pass_time(0.1)
    net.console("x" * 16_000_000)
    net.pass_time(0.5)
    ana.resume_reading()
    net.console("that was all")
    return 0 < ana.read(b"that was all", PATIENCE).count(b"x") < 16_000_000


BUGS = (
    ("messages glue together", glued_messages),
    ("a name glues to the first message", glued_name),
    ("an é in two pieces kicks its user", accent_kicks),
    ("99 % CPU after a clean sair", hot_after_sair),
    ("one slow reader stops everyone", slow_reader_stops_all),
    ("the client prints blank lines for ever when the server closes", blank_lines_for_ever),
    ("sair at the server never ends the process", sair_does_not_end_it),
    ("the result of send() is ignored", send_result_ignored),
)


def is_seen(net, bug) -> bool:
    """On a busy computer a bug may hide for once: then it is tried again, for some seconds."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        net.start()
        if bug(net):
            return True
    return False


def script(net) -> bool:
    seen = 0
    for title, bug in BUGS:
        there = is_seen(net, bug)
        seen += there
        net.say(f"{'seen' if there else 'not seen':8}  {title}")
    net.say("")
    net.say(f"scoreboard: {len(BUGS) - seen}/{len(BUGS)}")
    return seen == len(BUGS)
