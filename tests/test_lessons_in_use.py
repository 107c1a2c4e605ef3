"""What the pages say of a real computer: SO_REUSEADDR in lesson 14, and that lesson 19's guest runs on Windows, too."""

import subprocess
import sys

import pytest

from lessons.catalog import HERE, Catalog
from lessons.kit.dialects import REMEMBERED
from lessons.loopback import Net

CATALOG = Catalog()
SECONDS = 10.0  # only a broken program takes so long


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other kernels keep an address in other ways")
def test_a_port_is_free_again_only_with_the_option() -> None:
    program = CATALOG[14].path / "in_use.py"
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "without SO_REUSEADDR: Address already in use",
        "with SO_REUSEADDR: it starts again",
    ]


@pytest.mark.parametrize("name", ["callbacks.py", "own_await.py"])
def test_a_guest_never_selects_nothing_which_windows_refuses(name: str) -> None:
    folder = CATALOG[19].path
    net = Net(folder / "server.py", 19, REMEMBERED)
    try:
        bia = net.connect("bia")
        command = [sys.executable, str(HERE / "on_windows.py"), str(folder / name), str(net.address[1])]
        guest = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert bia.read(b"who is there?\n", SECONDS)
        bia.say("bia is here")
        shown, _ = guest.communicate(timeout=SECONDS)
    finally:
        net.close()
    assert (shown.decode().splitlines(), guest.returncode) == (
        ["* you are guest, in lobby with bia", "bia: bia is here"],
        0,
    )
