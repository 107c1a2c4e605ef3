"""Outside the rule: True when the three guests do not have the same conversation."""

import subprocess
import sys
from pathlib import Path

APPLIES_UNTIL: int | None = None
GUESTS = ("callbacks.py", "own_await.py", "with_asyncio.py")


def script(net) -> bool:
    conversations = []
    for program in GUESTS:
        net.process.kill()
        net.process.wait()
        for file in net.folder.glob("chat.db*"):
            file.unlink()
        net.start()  # an empty history, so that each guest finds the same
        bia = net.connect("bia")
        path = Path(__file__).resolve().parent / program
        guest = subprocess.Popen([sys.executable, str(path), str(net.address[1])], stdout=subprocess.PIPE)
        heard = bia.read(b"who is there?\n", 3)
        bia.say("bia is here")
        heard += bia.read(b"* guest left\n", 3)
        try:
            shown = guest.communicate(timeout=3)[0]
        except subprocess.TimeoutExpired:
            guest.kill()
            shown = b"(never ends)"
        conversations.append((heard, shown))
        net.say(f"{program}: the guest reads {shown.decode().splitlines()}")
        net.say(f"{program}: bia hears {heard.decode().splitlines()}")
    return len(set(conversations)) != 1 or b"goodbye, bia" not in conversations[0][0]
