"""What lesson 14's page says of SO_REUSEADDR, on a real kernel."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).resolve().parent.parent / "lessons" / "14_stop" / "in_use.py"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other kernels keep an address in other ways")
def test_a_port_is_free_again_only_with_the_option() -> None:
    done = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "without SO_REUSEADDR: Address already in use",
        "with SO_REUSEADDR: it starts again",
    ]
