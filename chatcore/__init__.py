"""A chat server to read: one thread, one event loop, and nothing lost that was acknowledged."""
