"""A polite guest, written as callbacks: each function does one step and names the next."""

import heapq
import selectors
import socket
import sys
import time


class Guest:
    """Says its name, greets after the greeting, waits for an answer, takes its leave a moment later."""

    def __init__(self, port: int) -> None:
        self.selector = selectors.DefaultSelector()
        self.timers: list[tuple[float, object]] = []
        self.sock = socket.create_connection(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.buffer = b""
        self.on_line = self.greeted
        self.sock.send(b"guest\n")
        self.selector.register(self.sock, selectors.EVENT_READ)

    def greeted(self, line: str) -> None:
        self.sock.send(b"hello, who is there?\n")
        self.on_line = self.answered

    def answered(self, line: str) -> None:
        self.name = line.partition(":")[0]  # a local variable would be gone by the next step
        self.on_line = self.ignore
        heapq.heappush(self.timers, (time.monotonic() + 0.2, self.take_leave))

    def take_leave(self) -> None:
        self.sock.send(f"goodbye, {self.name}\nsair\n".encode())

    def ignore(self, line: str) -> None:
        pass

    def run(self) -> None:
        while True:
            timeout = max(0.0, self.timers[0][0] - time.monotonic()) if self.timers else None
            for key, events in self.selector.select(timeout):
                data = self.sock.recv(4096)
                if not data:
                    return
                *lines, self.buffer = (self.buffer + data).split(b"\n")
                for line in lines:
                    print(line.decode(), flush=True)
                    self.on_line(line.decode())
            while self.timers and self.timers[0][0] <= time.monotonic():
                heapq.heappop(self.timers)[1]()


def main() -> None:
    Guest(int(sys.argv[1]) if len(sys.argv) > 1 else 14532).run()


if __name__ == "__main__":
    main()
