"""Both buffers against the simplest model: plain bytes, and a list of frames."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatcore.buffers import ReceiveBuffer, SendQueue
from chatcore.framing import Framing, LengthFraming, LineFraming

# A small alphabet finds what random bytes miss.
pieces = st.text(st.sampled_from("a\r\né"), max_size=6).map(str.encode)


class ReceiveModel(RuleBasedStateMachine):
    """A ReceiveBuffer holds what a `bytes` would hold, whatever was searched for and taken between."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = ReceiveBuffer()
        self.model = b""

    @rule(data=pieces)
    def append(self, data: bytes) -> None:
        self.buffer.append(data)
        self.model += data

    @rule()
    def find(self) -> None:
        """With one delimiter, as a connection does: the buffer remembers how far it looked for it."""
        assert self.buffer.find(ord("\n")) == self.model.find(b"\n")

    @rule(count=st.integers(0, 20))
    def peek(self, count: int) -> None:
        assert self.buffer.peek(count) == self.model[:count]

    @rule(data=st.data())
    def take(self, data: st.DataObject) -> None:
        count = data.draw(st.integers(0, len(self.model)))
        taken = self.buffer.take(count)
        assert (type(taken), taken) == (bytes, self.model[:count])
        self.model = self.model[count:]

    @rule()
    def take_a_line(self) -> None:
        end = self.buffer.find(ord("\n"))
        if end >= 0:
            line, _, self.model = self.model.partition(b"\n")
            assert self.buffer.take(end + 1) == line + b"\n"

    @invariant()
    def the_length_is_that_of_the_bytes(self) -> None:
        assert len(self.buffer) == len(self.model)


TestReceiveBuffer = ReceiveModel.TestCase
TestReceiveBuffer.settings = settings(stateful_step_count=25)


class Scanned(bytearray):
    """A bytearray that counts the bytes that `find` looks at."""

    looked_at = 0

    def find(self, needle: object, start: object = 0, end: object = None) -> int:
        assert isinstance(needle, int)
        assert isinstance(start, int)
        index = bytes(self).find(needle, start)
        Scanned.looked_at += (len(self) if index < 0 else index + 1) - start
        return index


def test_no_byte_is_searched_twice_while_a_line_drips_in() -> None:
    buffer = ReceiveBuffer()
    buffer._bytes = Scanned()
    Scanned.looked_at = 0
    for _ in range(1_000):
        buffer.append(b"a")
        assert buffer.find(ord("\n")) == -1
    buffer.append(b"\n")
    for _ in range(5):
        assert buffer.find(ord("\n")) == 1_000  # found once, it costs one byte to find again
    assert Scanned.looked_at == 1_000 + 5


# ---------------------------------------------------------------- SendQueue


class SendModel(RuleBasedStateMachine):
    """Chunks of whole frames go in; the kernel takes any number of bytes; now and then all is dropped."""

    framing: type[Framing] = LineFraming

    def __init__(self) -> None:
        super().__init__()
        self.queue = SendQueue()
        self.frames: list[bytes] = []  # not wholly sent, in order
        self.begun = 0  # bytes of the first of them that the kernel has

    @rule(payloads=st.lists(st.binary(max_size=5).map(lambda data: data.replace(b"\n", b"")), max_size=4))
    def push(self, payloads: list[bytes]) -> None:
        frames = [self.framing.encode(payload) for payload in payloads]
        self.queue.push(b"".join(frames))
        self.frames += frames

    @precondition(lambda self: self.frames)
    @rule(data=st.data())
    def the_kernel_takes_some(self, data: st.DataObject) -> None:
        unsent = self.queue.unsent()
        count = data.draw(st.integers(0, len(unsent)))
        self.queue.sent(count)
        self.begun += count
        while self.frames and self.begun >= len(self.frames[0]):
            self.begun -= len(self.frames.pop(0))

    @rule()
    def drop_unbegun(self) -> None:
        self.queue.drop_unbegun(self.framing.end_of_frame)
        del self.frames[1 if self.begun else 0 :]

    @invariant()
    def what_is_unsent_is_what_the_model_says(self) -> None:
        unsent = b"".join(self.frames)[self.begun :]
        assert self.queue.unsent() == unsent
        assert self.queue.size == len(unsent)


class LengthSendModel(SendModel):
    """The same with lengths in front."""

    framing = LengthFraming


TestSendQueueOfLines = SendModel.TestCase
TestSendQueueOfLines.settings = settings(stateful_step_count=25)
TestSendQueueOfLengths = LengthSendModel.TestCase
TestSendQueueOfLengths.settings = settings(stateful_step_count=25)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=5), st.booleans(), st.data())
def test_dropping_at_any_byte_leaves_the_stream_whole(lengths: list[int], lines: bool, data: st.DataObject) -> None:
    """Cut a chunk at each position: what was sent and what is kept are whole frames, and no more of them."""
    framing: type[Framing] = LineFraming if lines else LengthFraming
    frames = [framing.encode(b"a" * length) for length in lengths]
    borders = [0, *(sum(map(len, frames[: index + 1])) for index in range(len(frames)))]
    cut = data.draw(st.integers(0, borders[-1]))
    queue = SendQueue()
    queue.push(b"".join(frames))
    queue.sent(cut)
    queue.drop_unbegun(framing.end_of_frame)
    assert cut + queue.size == min(border for border in borders if border >= cut)
    assert len(queue.unsent()) == queue.size
    queue.push(framing.encode(b"bye"))
    assert queue.unsent()[-len(framing.encode(b"bye")) :] == framing.encode(b"bye")


def test_a_single_chunk_is_shared_and_not_copied() -> None:
    """One object in ten thousand queues is what makes fan-out cheap."""
    chunk = b"to everybody\n"
    queue = SendQueue()
    queue.push(chunk)
    assert queue.unsent() is chunk
    queue.push(b"")  # nothing to say to this one
    assert queue.unsent() is chunk
    queue.sent(0)
    assert queue.unsent() is chunk


def test_an_empty_queue_has_nothing_to_send_and_nothing_to_drop() -> None:
    queue = SendQueue()
    assert (queue.size, queue.unsent()) == (0, b"")
    queue.drop_unbegun(LineFraming.end_of_frame)
    queue.sent(0)
    assert (queue.size, queue.unsent()) == (0, b"")


def test_chunks_that_were_sent_are_let_go() -> None:
    """Else a peer that reads slowly but steadily would keep all that it was ever sent."""
    queue = SendQueue()
    for _ in range(10):
        queue.push(b"ten bytes\n")
    sizes = []
    while queue.size:
        queue.sent(min(7, queue.size))
        sizes.append(sum(map(len, queue._chunks)) - queue.size)
    assert all(0 <= kept < 10 for kept in sizes)
    assert queue._chunks == []


def test_a_length_frame_with_newlines_inside_is_cut_at_its_length() -> None:
    framing = LengthFraming
    first, second = framing.encode(b"a\nb\n"), framing.encode(b"\n")
    for sent in range(1, len(first)):
        queue = SendQueue()
        queue.push(first + second)
        queue.sent(sent)
        queue.drop_unbegun(framing.end_of_frame)
        assert queue.unsent() == first[sent:]
