"""The lessons, from echo to the full chat, and the runner that goes with them: `python3 -m lessons`."""
