"""`python3 -m chatcore connect`: a real terminal, a real socket, a real clock around the client."""

import argparse
import os
import random
import secrets
import selectors
import signal
import sys
import time
from datetime import datetime

from chatcore.client.client import Client
from chatcore.client.words import Words
from chatcore.loop import Wakeup
from chatcore.screen import open_screen
from chatcore.sockets import PYTHON, show_address, start_connecting


def connect(options: argparse.Namespace) -> int:
    """Chat until the person leaves. Returns the exit status."""
    stdin = sys.stdin or open(os.devnull)  # noqa: SIM115 (`<&-`, as long as the program)
    is_terminal = stdin.isatty() and sys.stdout.isatty()
    screen = open_screen(options.plain, stdin, sys.stdout)
    client = Client(
        dial=lambda: start_connecting(options.address),
        selector=selectors.DefaultSelector(),
        clock=time.monotonic,
        screen=screen,
        words=Words(
            colours=is_terminal and not options.plain and not os.environ.get("NO_COLOR"),
            today=lambda: datetime.now().astimezone().date(),
        ),
        name=options.name,
        room=options.room,
        new_id=lambda: secrets.token_hex(8),
        chance=random.random,
        asks_for_name=options.name is None or is_terminal,
    )
    wakeup = Wakeup(client.loop, (signal.SIGINT, signal.SIGTERM), lambda number: client.leave())
    try:
        status = client.run()
    finally:
        wakeup.close()
    if client.failure:
        where = show_address(*options.address)
        print(f"chatcore: {where}: {client.failure}", file=sys.stderr)
        if not client.was_connected:
            print(f"is a server running there? {PYTHON} -m chatcore starts one", file=sys.stderr)
    return status
