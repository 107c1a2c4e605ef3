"""The command line: `python3 -m chatcore`. See docs/run/options.md.

An older Python must be able to read this file, or nobody is told what is needed.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 (it may well be)
    sys.exit("chatcore needs Python 3.11 or newer, and this is " + sys.version.split()[0])

from chatcore.cli import main

sys.exit(main(sys.argv[1:]))
