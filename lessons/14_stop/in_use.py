"""Why a server may not start again at once: two short lives on one port, without SO_REUSEADDR and with it.

A Unix is needed: on Windows the option means something else.
"""

import socket


def live(port: int, reuse: bool) -> int:
    """Listen, accept one caller, and close before the caller does. The port."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        listener.bind(("127.0.0.1", port))
        listener.listen()
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            sock, address = listener.accept()
            sock.close()
    return port


def main() -> None:
    for reuse in (False, True):
        port = live(0, reuse)
        try:
            live(port, reuse)
            print(f"{'with' if reuse else 'without'} SO_REUSEADDR: it starts again")
        except OSError as error:
            print(f"{'with' if reuse else 'without'} SO_REUSEADDR: {error.strerror}")


if __name__ == "__main__":
    main()
