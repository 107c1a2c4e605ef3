"""Each line costs one system call for each member, although all of a turn would fit into one."""

APPLIES_UNTIL: int | None = None
MEMBERS, LINES = 20, 10


def script(net) -> bool:
    members = [net.connect(f"m{number}") for number in range(MEMBERS)]
    bia = net.connect("bia")
    for member in members:
        member.read(b"* bia entered\n")
    before = net.sends()
    bia.send("".join(f"line {number}\n" for number in range(LINES)).encode())
    arrived = all(
        net.heard("bia", f"line {LINES - 1}") in member.read(net.heard("bia", f"line {LINES - 1}"))
        for member in members
    )
    sends = net.sends() - before
    net.say(f"{MEMBERS} members; bia says {LINES} lines in one piece; all hear them: {'yes' if arrived else 'no'}")
    each = ", one for each line and member" if sends == MEMBERS * LINES else ""
    net.say(f"calls of send: {sends}{each}")
    return not arrived or sends > 3 * MEMBERS  # three each: elsewhere the ten lines may come in pieces
