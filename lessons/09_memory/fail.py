"""What a stalled peer does not take is kept for it, without a limit."""

APPLIES_UNTIL: int | None = None
LINE = "x" * 999


def script(net) -> bool:
    ana, bia, caio = (net.connect(name) for name in ("ana", "bia", "caio"))
    ana.stop_reading()
    bia.send((LINE + "\n").encode() * (net.much // 1000))
    bia.say("that was all")
    last = net.heard("bia", "that was all")
    caio.read(last, 8)
    much = f"{net.much // 1_000_000} MB"
    net.say(f"ana does not read; bia says {much}, and caio has read all of it; now ana begins to read")
    ana.resume_reading()
    kept = last in ana.read(last, 4)
    net.say(
        "ana gets "
        + (
            f"all of the {much}: the server had kept what the kernel did not take"
            if kept
            else "what had been kept for her, and the end"
        )
    )
    return kept
