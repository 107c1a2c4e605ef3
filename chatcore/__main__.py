"""The command line: `python3 -m chatcore`. See PROTOCOL, "Command line"."""

import sys

from chatcore.cli import main

sys.exit(main(sys.argv[1:]))
