"""the first bytes -> how this client is spoken to. One port serves every kind of client.

The server never speaks first, so the client's first bytes decide. While they are only the
beginning of a row of TABLE, nothing is decided; a line end or the end of the stream decides for
text, so `ana`, `GET` and `NICK` are names.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chatcore import json_codec, text_codec
from chatcore.framing import Framing, LengthFraming, LineFraming
from chatcore.protocol import Command, Event, Help

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, eq=False)  # compared by identity: it is a key in the hot path
class Dialect:
    """One way to speak: a framing, and a codec for what is in the frames.

    A dialect with a `refusal` is not spoken here: that line is the whole answer.
    """

    name: str
    framing: Callable[[int], Framing]
    end_of_frame: Callable[[bytes, int], int]
    decode: Callable[[bytes, bool], Command]
    encode: Callable[[Event, str], bytes]
    is_program: bool = True
    refusal: bytes = b""


def _json(framing: type[LineFraming] | type[LengthFraming], name: str) -> Dialect:
    def encode(event: Event, me: str = "") -> bytes:
        return b"" if isinstance(event, Help) else framing.encode(json_codec.to_payload(event))

    return Dialect(name, framing, framing.end_of_frame, json_codec.decode_command, encode)


def _refused(name: str, refusal: str) -> Dialect:
    return Dialect(
        name,
        LineFraming,
        LineFraming.end_of_frame,
        text_codec.decode_line,
        text_codec.encode_event,
        refusal=refusal.encode(),
    )


def _http(sentence: str) -> Dialect:
    head = "HTTP/1.0 501 Not Implemented\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
    return _refused("http", f"{head}{sentence}\n")


HOW_TO_CONNECT = "this is a chat: python3 -m chatcore connect HOST:PORT, or nc HOST PORT and a name"

TEXT = Dialect(
    "text", LineFraming, LineFraming.end_of_frame, text_codec.decode_line, text_codec.encode_event, is_program=False
)
JSON_LINES = _json(LineFraming, "json-lines")
JSON_LENGTH = _json(LengthFraming, "json-length")
HTTP = _http(f"no web page yet; {HOW_TO_CONNECT}")
TLS = _refused("tls", f"! TLS is not spoken here; {HOW_TO_CONNECT}\n")
IRC = _refused("irc", "ERROR :IRC is not spoken here yet; type a name in nc, or python3 -m chatcore connect\r\n")
SSH = _refused("ssh", f"! SSH is not spoken here; {HOW_TO_CONNECT}\n")

HTTP_VERBS = (b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"TRACE ", b"CONNECT ", b"PRI ")
IRC_WORDS = (b"NICK ", b"USER ", b"CAP ", b"PASS ")
TABLE: dict[bytes, Dialect] = {
    b"{": JSON_LINES,
    b"\x00": JSON_LENGTH,
    b"\x16\x03": TLS,
    b"SSH-": SSH,
    **dict.fromkeys(HTTP_VERBS, HTTP),
    **dict.fromkeys(IRC_WORDS, IRC),
}


def choose(opening: bytes, ended: bool) -> tuple[Dialect, bytes] | None:
    """The dialect of a client that began with `opening`, and its bytes without a byte order mark.

    None while more bytes are needed; `ended` tells that no more will come.
    """
    if not ended and BYTE_ORDER_MARK.startswith(opening):
        return None
    rest = opening.removeprefix(BYTE_ORDER_MARK)
    for prefix, dialect in TABLE.items():
        if rest.startswith(prefix):
            return dialect, rest
        if prefix.startswith(rest) and not ended:
            return None
    return TEXT, rest
