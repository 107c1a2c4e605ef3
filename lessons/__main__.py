"""`python3 -m lessons`. An older Python must be able to read this file, or nobody is told what is needed."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (it may well be)
    sys.exit("the lessons need Python 3.11 or newer, and this is " + sys.version.split()[0])

from lessons.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
