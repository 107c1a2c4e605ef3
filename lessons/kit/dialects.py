"""names -> bytes on the wire. How the programs of the lessons greet and quote, for `lesson.py` to declare."""

import re
from dataclasses import replace

from lessons.kit.lesson import Dialect

PLAIN = Dialect()  # up to lesson 9: nobody has a name
NAMED = Dialect(  # from lesson 10: the first line is the name; who comes, goes or errs is told in lines of their own
    greet=lambda name: name.replace(" ", "").encode() + b"\n",
    said=lambda name, line: name.encode() + b": " + line + b"\n" if line else b"",  # nobody hears an empty line
    noise=re.compile(rb"[*!] .*"),
)
REMEMBERED = replace(NAMED, recent=20)  # from lesson 17: a newcomer is shown what was said last
