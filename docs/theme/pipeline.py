"""The picture of the tour: the pipeline as a trip down on the left, through the log, and up on the right.

Each box is a link to the page about it and names modules of `chatcore/`; one that is not there stops the build.
"""

from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "chatcore"
WIDTH, HALF, GAP = 360, 150, 20  # of the picture, of a box in a column, between the borders of the boxes; in pixels
TOP, STEP, HEIGHT = 14, 66, 46  # of the first row, from row to row, of a box
SPOKEN = "What a message goes through, from the kernel to the log and back. The list below says the same."
INK, LINE, PAPER = "var(--md-default-fg-color)", "var(--md-default-fg-color--light)", "var(--md-default-bg-color)"


@dataclass(frozen=True)
class Box:
    """What it is called, its modules, the page about it, and where it stands: `column` None is both."""

    title: str
    modules: str
    page: str
    row: int
    column: int | None = None


BOXES = (
    Box("1  wait: who is ready?", "loop timers", "loop-and-server", 0),
    Box("2  receive", "server", "loop-and-server", 1, 0),
    Box("cut out frames", "buffers framing", "buffers-and-framing", 2, 0),
    Box("understand them", "dialects protocol", "protocol-and-dialects", 3, 0),
    Box("who may speak?", "intake commands", "backpressure", 4, 0),
    Box("4  commit: it is kept", "log sqlite_log", "log-and-durability", 5),
    Box("who hears it?", "rooms delivery replay", "rooms-and-delivery", 4, 1),
    Box("say it in bytes", "text_codec json_codec", "protocol-and-dialects", 3, 1),
    Box("keep what waits", "buffers", "buffers-and-framing", 2, 1),
    Box("5  send once, judge", "server marks", "backpressure", 1, 1),
)
# Who holds the boxes together: name, page, first and last row.
FRAMES = (("connection", "one-connection", 2, 3), ("chat", "the-turn", 2, 4))


def pipeline() -> str:
    """The figure, as HTML."""
    height = TOP + 5 * STEP + HEIGHT + 6
    inside = "".join([*map(_frame, FRAMES), *_arrows(), *map(_box, BOXES)])
    style = "width:100%;height:auto;font-size:12px"
    picture = f'<svg viewBox="0 0 {WIDTH} {height}" role="group" aria-label="{SPOKEN}" style="{style}">{inside}</svg>'
    return f'<figure class="pipeline" style="width:100%;max-width:{WIDTH + 60}px">{picture}</figure>'


def _left(box: Box) -> int:
    return GAP if box.column in (None, 0) else WIDTH - GAP - HALF


def _y(row: int) -> int:
    return TOP + row * STEP


def _box(box: Box) -> str:
    for module in box.modules.split():
        if not (PACKAGE / f"{module}.py").exists():
            raise LookupError(f"the picture names {module}, which is not in {PACKAGE.name}/")
    width = HALF if box.column is not None else WIDTH - 2 * GAP
    x, y = _left(box), _y(box.row)
    middle = x + width // 2
    return (
        f'<a href="{box.page}.html"><rect x="{x}" y="{y}" width="{width}" height="{HEIGHT}" rx="7" '
        f'style="fill:{PAPER};stroke:{LINE};stroke-width:1.5"/>'
        f'<text x="{middle}" y="{y + 19}" text-anchor="middle" style="fill:{INK}">'
        f"{box.title}</text>"
        f'<text x="{middle}" y="{y + 37}" text-anchor="middle" font-family="monospace" font-size="11" '
        f'style="fill:{INK}">{box.modules}</text></a>'
    )


def _frame(frame: tuple[str, str, int, int]) -> str:
    """A dashed line around rows, with its name upright at the left or the right border."""
    name, page, first, last = frame
    is_outer = name == "chat"
    margin = 3 if is_outer else 12
    extra = 12 if is_outer else 6
    x, y = margin, _y(first) - extra
    width, height = WIDTH - 2 * margin, _y(last) + HEIGHT + extra - y
    at, middle = (WIDTH // 2, y + height // 2) if not is_outer else (WIDTH // 2, _y(last) + HEIGHT // 2)
    return (
        f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="9" '
        f'style="fill:none;stroke:{LINE};stroke-dasharray:4 4"/>'
        f'<a href="{page}.html"><text transform="translate({at + 4} {middle}) rotate(-90)" text-anchor="middle" '
        f'font-family="monospace" font-size="11" style="fill:{INK}">{name}</text></a>'
    )


def _arrows() -> list[str]:
    """Down on the left, up on the right; the heads are drawn, so that no marker has to be defined."""
    left, right = GAP + HALF // 2, WIDTH - GAP - HALF // 2
    down = [_arrow(left, _y(row) + HEIGHT, _y(row + 1)) for row in range(5)]
    up = [_arrow(right, _y(row + 1), _y(row) + HEIGHT) for row in range(5)]
    return down + up


def _arrow(x: int, start: int, end: int) -> str:
    back = end + (6 if end < start else -6)
    head = f"M{x} {end}L{x - 4} {back}L{x + 4} {back}z"
    return f'<path d="M{x} {start}V{end}{head}" style="stroke:{LINE};fill:{LINE};stroke-width:1.5"/>'
