"""`python3 -m lessons`."""

import sys

from lessons.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
