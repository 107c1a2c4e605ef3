"""The terminal client: the server's loop, buffers, framing and protocol, from the other end."""
