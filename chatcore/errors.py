"""what can go wrong -> what is done about it. Four families, and each has one answer.

- `CommandError`: the command is bad. Reply with its code and carry on.
- `StreamError`: the stream of bytes is broken. Reply, drain, close.
- `OSError`: the network or the peer failed. Drop that peer and tell its rooms.
- anything else is a mistake of ours. Log it with its trace and drop that one peer.

`LogError` stands outside: when the log can no longer promise anything, the server stops.
"""

# Each code with the sentence a person reads. Where more is known, the sentence says more.
COMMAND_ERRORS = {
    "bad_json": "this is not one JSON object",
    "bad_utf8": "this is not UTF-8",
    "unknown_type": "there is no such command",
    "bad_field": "a field is missing or has a wrong value",
    "hello_first": "say hello first",
    "name_invalid": "a name is 1 to 32 Latin letters, digits, or _ - .",
    "name_taken": "somebody here has this name",
    "wrong_password": "the password is wrong",
    "room_invalid": "a room is 1 to 32 Latin letters, digits, or _ - .",
    "too_many_rooms": "you are in as many rooms as you may be",
    "not_in_room": "you are not in this room",
    "no_such_user": "nobody here has this name",
    "text_invalid": "the text is too long or has characters that are not allowed",
    "muted": "the operator has muted you",
    "storage_full": "storage is full",
}

STREAM_ERRORS = {
    "too_big": "this is longer than a frame may be",
    "bad_frame": "the stream ended in the middle of a frame",
    "too_many_connections": "there are too many connections, try again later",
}


class CommandError(Exception):
    """One command is refused; the connection stays usable. `code` is a key of COMMAND_ERRORS."""

    def __init__(self, code: str, text: str = "", cid: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.text = text or COMMAND_ERRORS[code]
        self.cid = cid


class StreamError(Exception):
    """The connection cannot go on after this. `code` is a key of STREAM_ERRORS."""

    def __init__(self, code: str, text: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.text = text or STREAM_ERRORS[code]


class LogError(Exception):
    """The log cannot be opened, or failed in a way after which nothing may be acknowledged."""
