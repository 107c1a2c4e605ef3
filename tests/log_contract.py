"""drafts -> messages, as every log has to do it. The same tests run on each log.

The log's own test file (test_log.py, test_sqlite_log.py) makes a subclass of `Contract`, which has
one test for each rule, and one of `Model`, which tries the rules in any order; each knows how to
make such a log.
"""

from contextlib import AbstractContextManager
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatcore.log import Committed, Draft, Duplicate, Log, NotKept, Outcome, Span
from chatcore.names import Name, parse_name
from chatcore.protocol import Message

NOW = "2026-01-02T03:04:05.678Z"
EVERYTHING = 1_000_000


def name(text: str) -> Name:
    parsed = parse_name(text)
    assert parsed is not None
    return parsed


LOBBY, PORTO = name("lobby"), name("Porto")
ANA, JOAO, PLAIN_JOAO = name("ana"), name("João"), name("joao")


def draft(text: str = "oi", cid: str = "c1", room: Name = LOBBY, sender: Name = ANA, time: str = NOW) -> Draft:
    return Draft(room, sender, text, time, cid)


def append_all(log: Log, *drafts: Draft) -> list[Outcome]:
    """Append them in one turn, commit, and return what was reported."""
    outcomes: list[Outcome] = []
    for each in drafts:
        log.append(each, outcomes.append)
    assert outcomes == []  # nothing is acknowledged before the commit
    log.commit()
    return outcomes


def committed(log: Log, *drafts: Draft) -> list[Message]:
    """The messages that these drafts became."""
    outcomes = append_all(log, *drafts)
    messages = [outcome.message for outcome in outcomes if isinstance(outcome, Committed)]
    assert len(messages) == len(drafts), outcomes
    return messages


def span(log: Log, room: Name = LOBBY) -> Span:
    answers: list[Span] = []
    log.span(room, answers.append)
    (answer,) = answers
    return answer


def read(log: Log, room: Name = LOBBY, after: int = 0, most: int = EVERYTHING) -> list[Message]:
    answers: list[list[Message]] = []
    log.read(room.fold, after, most, answers.append)
    (answer,) = answers
    return answer


def rooms(log: Log, after: str = "", most: int = EVERYTHING) -> list[Span]:
    answers: list[list[Span]] = []
    log.rooms(after, most, answers.append)
    (answer,) = answers
    return answer


def is_used_id(outcome: Outcome) -> bool:
    """docs/reference/protocol.md: the same id "with another room or text … is `bad_field`"."""
    return isinstance(outcome, NotKept) and outcome.code == "bad_field" and "cid" in outcome.text


class Contract:
    """What every log keeps. A subclass has a fixture `log` that gives an empty one."""

    # --- numbers

    def test_a_new_log_is_empty(self, log: Log) -> None:
        assert log.identity
        assert log.count == 0
        assert span(log) == Span(LOBBY, first=1, head=0)
        assert read(log) == []
        assert rooms(log) == []

    def test_a_commit_without_drafts_is_nothing(self, log: Log) -> None:
        log.commit()
        assert log.count == 0

    def test_a_draft_becomes_a_message(self, log: Log) -> None:
        (message,) = committed(log, draft("olá 🙂", "c1", PORTO, JOAO))
        assert message == Message("Porto", 1, "João", "olá 🙂", NOW, "c1")
        assert read(log, PORTO) == [message]
        assert log.count == 1

    def test_each_room_counts_1_2_3(self, log: Log) -> None:
        drafts = [draft(cid=f"c{number}", room=PORTO if number % 3 else LOBBY) for number in range(12)]
        messages = committed(log, *drafts[:5]) + committed(log, *drafts[5:])
        assert [message.seq for message in messages if message.room == "Porto"] == list(range(1, 9))
        assert [message.seq for message in messages if message.room == "lobby"] == list(range(1, 5))
        assert (span(log).head, span(log, PORTO).head, log.count) == (4, 8, 12)

    def test_outcomes_come_in_the_order_of_the_appends(self, log: Log) -> None:
        outcomes = append_all(log, draft("a", "1"), draft("a", "1", PORTO), draft("b", "2"), draft("a", "1"))
        assert [type(outcome) for outcome in outcomes] == [Committed, NotKept, Committed, Duplicate]

    def test_a_refusal_leaves_no_gap(self, log: Log) -> None:
        outcomes = append_all(log, draft("a", "1"), draft("x", "1"), draft("a", "1"), draft("b", "2"))
        seqs = [outcome.message.seq for outcome in outcomes if isinstance(outcome, Committed)]
        assert seqs == [1, 2]
        assert log.count == 2

    def test_what_is_not_to_be_kept_is_refused_unless_it_is_kept_already(self, log: Log) -> None:
        (kept,) = committed(log, draft("oi", "c1"))
        refused = replace(draft("oi", "c1"), refusal="muted")
        outcomes = append_all(log, replace(refused, cid="c2"), refused, replace(refused, text="no"))
        assert outcomes[:2] == [NotKept("muted"), Duplicate(kept)]
        assert is_used_id(outcomes[2])
        assert log.count == 1

    def test_one_who_hears_an_outcome_may_append_at_once(self, log: Log) -> None:
        outcomes: list[Outcome] = []

        def again(outcome: Outcome) -> None:
            outcomes.append(outcome)
            log.append(draft("second", "c2"), outcomes.append)

        log.append(draft("first", "c1"), again)
        log.commit()
        assert len(outcomes) == 1  # its turn is the next one
        log.commit()
        assert [message.text for message in read(log)] == ["first", "second"]
        assert len(outcomes) == 2

    def test_what_was_not_committed_cannot_be_read(self, log: Log) -> None:
        log.append(draft(), lambda outcome: None)
        assert read(log) == []
        assert span(log).head == 0
        assert rooms(log) == []
        assert log.count == 0

    # --- ids

    def test_a_retry_gets_the_original(self, log: Log) -> None:
        (original,) = committed(log, draft(time=NOW))
        outcomes = append_all(log, draft(time="2026-01-02T03:04:09.000Z"))
        assert outcomes == [Duplicate(original)]
        assert read(log) == [original]
        assert log.count == 1

    def test_a_retry_gets_the_original_also_while_the_first_is_being_committed(self, log: Log) -> None:
        first, second = append_all(log, draft(), draft())
        assert isinstance(first, Committed)
        assert second == Duplicate(first.message)

    def test_a_retry_is_known_by_the_fold_of_the_name_and_of_the_room(self, log: Log) -> None:
        (original,) = committed(log, draft(sender=JOAO, room=name("Café")))
        assert append_all(log, draft(sender=PLAIN_JOAO, room=name("CAFE"))) == [Duplicate(original)]
        assert (original.sender, original.room) == ("João", "Café")

    def test_an_id_is_for_one_text_in_one_room(self, log: Log) -> None:
        committed(log, draft("oi", "c1", LOBBY))
        for other in (draft("oi", "c1", PORTO), draft("Oi", "c1", LOBBY), draft("", "c1", PORTO)):
            (outcome,) = append_all(log, other)
            assert is_used_id(outcome)
        assert log.count == 1
        assert rooms(log) == [Span(LOBBY, 1, 1)]

    def test_an_id_belongs_to_one_name(self, log: Log) -> None:
        assert len(committed(log, draft(sender=ANA), draft(sender=JOAO))) == 2

    @pytest.mark.parametrize("others", [("é", "e\u0301"), ("a", "A"), ("a", "a "), ("a\0b", "a\0c"), ("1", "01")])
    def test_ids_are_compared_exactly(self, log: Log, others: tuple[str, str]) -> None:
        """Any 64 characters are an id, also those that databases like to fold, trim or end at."""
        one, other = others
        first, _ = committed(log, draft("x", one), draft("y", other))
        assert append_all(log, draft("x", one)) == [Duplicate(first)]
        assert [message.cid for message in read(log)] == [one, other]

    @pytest.mark.parametrize("text", ["", "'); DROP TABLE messages; --", "a\tb", "🙂" * 1_024, "e\u0301"])
    def test_a_text_comes_back_as_it_was(self, log: Log, text: str) -> None:
        committed(log, draft(text))
        assert [message.text for message in read(log)] == [text]
        assert isinstance(append_all(log, draft(text))[0], Duplicate)

    # --- reading

    def test_a_room_is_shown_as_it_was_first_written(self, log: Log) -> None:
        committed(log, draft(cid="1", room=name("Café")), draft(cid="2", room=name("CAFE")))
        assert span(log, name("cafe")) == Span(name("Café"), 1, 2)
        assert rooms(log) == [Span(name("Café"), 1, 2)]
        assert {message.room for message in read(log, name("cafe"))} == {"Café"}

    def test_who_spoke_is_shown_as_written_each_time(self, log: Log) -> None:
        committed(log, draft(cid="1", sender=JOAO), draft(cid="2", sender=PLAIN_JOAO))
        assert [message.sender for message in read(log)] == ["João", "joao"]

    def test_reading_page_by_page(self, log: Log) -> None:
        """`after` 0 is everything, beyond the end is the end, however far."""
        messages = committed(log, *(draft(str(number), str(number)) for number in range(10)))
        for page in (1, 3, 10, 100):
            got: list[Message] = []
            while more := read(log, after=got[-1].seq if got else 0, most=page):
                assert len(more) <= page
                got += more
            assert got == messages
        for after in (10, 11, 2**63 - 1, 2**63, 10**100):
            assert read(log, after=after) == []
        assert read(log, PORTO) == []

    def test_rooms_page_by_page(self, log: Log) -> None:
        """In the order of their folds, which is not the order in which they were made."""
        names = [name(text) for text in ("b", "Á", "_", "Zz", "c-1", "9", "ab")]
        committed(log, *(draft(cid=each.fold, room=each) for each in names))
        in_order = [Span(each, 1, 1) for each in sorted(names, key=lambda each: each.fold)]
        for page in (1, 2, 7, 100):
            got: list[Span] = []
            while more := rooms(log, got[-1].room.fold if got else "", page):
                assert len(more) <= page
                got += more
            assert got == in_order
        assert rooms(log, after="a~") == [each for each in in_order if each.room.fold > "a~"]
        assert rooms(log, after="zzz") == []


# ---------------------------------------------------------------- in any order

ROOMS = [name(text) for text in ("lobby", "Café", "CAFE", "b")]
SENDERS = [ANA, JOAO, PLAIN_JOAO]


class Model(RuleBasedStateMachine):
    """Appends, commits and reads, compared with plain lists. A subclass says how to open a log."""

    most = EVERYTHING  # messages that it keeps; older ones are forgotten, and their ids with them

    def open_log(self) -> AbstractContextManager[Log]:
        raise NotImplementedError

    @initialize()
    def start(self) -> None:
        self.context = self.open_log()
        self.log = self.context.__enter__()
        self.messages: dict[str, list[Message]] = {}  # all that ever were
        self.shown: dict[str, Name] = {}
        self.kept: dict[tuple[str, str], tuple[str, Message]] = {}  # oldest first
        self.waiting: list[Draft] = []
        self.reported: list[Outcome] = []

    def teardown(self) -> None:
        self.context.__exit__(None, None, None)

    @rule(
        room=st.sampled_from(ROOMS),
        sender=st.sampled_from(SENDERS),
        text=st.sampled_from(["oi", "olá", ""]),
        cid=st.sampled_from(["1", "2", "3", "4"]),
    )
    def append(self, room: Name, sender: Name, text: str, cid: str) -> None:
        each = draft(text, cid, room, sender, time=f"{len(self.kept)}")
        self.waiting.append(each)
        self.log.append(each, self.reported.append)

    @precondition(lambda self: self.waiting)
    @rule()
    def commit(self) -> None:
        assert self.reported == []
        self.log.commit()
        expected = [self.outcome_of(each) for each in self.waiting]
        assert self.reported == expected
        self.waiting, self.reported[:] = [], []

    def outcome_of(self, each: Draft) -> Outcome:
        key = (each.sender.fold, each.cid)
        if key in self.kept:
            room, original = self.kept[key]
            if (room, original.text) == (each.room.fold, each.text):
                return Duplicate(original)
            return NotKept("bad_field", "this cid was used for another message")
        room_name = self.shown.setdefault(each.room.fold, each.room)
        history = self.messages.setdefault(each.room.fold, [])
        sender, seq = each.sender.shown, len(history) + 1
        history.append(Message(room_name.shown, seq, sender, each.text, each.time, each.cid))
        self.kept[key] = (each.room.fold, history[-1])
        if len(self.kept) > self.most:
            del self.kept[next(iter(self.kept))]
        return Committed(history[-1])

    def expected_span(self, room: Name) -> Span:
        history = self.messages.get(room.fold, [])
        first = len(history) - len(self.expected_messages(room.fold)) + 1
        return Span(self.shown.get(room.fold, room), first, len(history))

    def expected_messages(self, fold: str) -> list[Message]:
        return [message for room, message in self.kept.values() if room == fold]

    @rule(room=st.sampled_from(ROOMS), after=st.integers(0, 12), count=st.integers(1, 4))
    def read_a_page(self, room: Name, after: int, count: int) -> None:
        expected = [message for message in self.expected_messages(room.fold) if message.seq > after]
        assert read(self.log, room, after, count) == expected[:count]

    @rule(after=st.sampled_from(["", "b", "cafe", "d", "zzz"]), count=st.integers(1, 3))
    def list_rooms(self, after: str, count: int) -> None:
        folds = sorted(fold for fold in self.shown if fold > after)[:count]
        assert rooms(self.log, after, count) == [self.expected_span(self.shown[fold]) for fold in folds]

    @invariant()
    def the_log_is_the_truth(self) -> None:
        for room in ROOMS:
            assert span(self.log, room) == self.expected_span(room)
            kept = self.expected_messages(room.fold)
            for after in range(len(self.messages.get(room.fold, [])) + 2):
                assert read(self.log, room, after) == [message for message in kept if message.seq > after]
        assert self.log.count == sum(map(len, self.messages.values()))
