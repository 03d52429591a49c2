"""The registry of connections: deadlines by phase, and who makes room."""

import pytest

from exporter.web.connections import DEADLINES, Connections, Phase
from tests.support import FakeClock


class Client:
    """Stands for a connection; records that it was ended."""

    def __init__(self, origin: str = "192.0.2.1") -> None:
        self.origin = origin
        self.ended = False

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def connections(clock):
    return Connections(3, clock.monotonic)


def entered(connections, phase: Phase, origin: str = "192.0.2.1") -> Client:
    client = Client(origin)
    connections.enter(client, phase)
    return client


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.STALL])
def test_each_phase_has_its_deadline(connections, clock, phase):
    """A connection is ended when its phase has lasted longer than that phase may, and not before."""
    client = entered(connections, phase)
    clock.advance(DEADLINES[phase] - 0.1)
    connections.end_overdue()
    assert not client.ended
    clock.advance(0.2)
    connections.end_overdue()
    assert client.ended
    assert len(connections) == 0


def test_a_deadline_begins_with_its_phase(connections, clock):
    """A scraper that idled for two minutes has the whole time for reading its answer."""
    client = entered(connections, Phase.IDLE)
    clock.advance(125)
    connections.enter(client, Phase.ANSWER)
    clock.advance(29)
    connections.end_overdue()
    assert not client.ended


def test_a_client_that_reads_nothing_ends_before_a_slow_one(connections, clock):
    """An answer that does not move is ended after five seconds; one that moves now and then has thirty."""
    stalled, slow = entered(connections, Phase.ANSWER), entered(connections, Phase.ANSWER)
    connections.stall(stalled)
    for _ in range(6):
        connections.stall(slow)
        clock.advance(1)
        connections.go_on(slow)
        connections.end_overdue()
    assert stalled.ended
    assert not slow.ended
    clock.advance(25)
    connections.stall(slow)
    connections.end_overdue()
    assert slow.ended


def test_the_one_idle_longest_makes_room(connections, clock):
    """Of those that wait, in whatever phase, the one that has waited longest is ended."""
    clients = []
    for phase in (Phase.HEAD, Phase.IDLE, Phase.HANDSHAKE):
        clients.append(entered(connections, phase))
        clock.advance(1)
    for ended in range(3):
        assert connections.make_room()
        assert [each.ended for each in clients] == [number <= ended for number in range(3)]
        entered(connections, Phase.ANSWER)


def test_an_answer_under_way_makes_no_room(clock):
    """While all are being answered, and no address holds many, a newcomer finds no room before a deadline."""
    connections = Connections(16, clock.monotonic)
    clients = [entered(connections, Phase.ANSWER, f"192.0.2.{each // 2}") for each in range(16)]
    clock.advance(DEADLINES[Phase.ANSWER] - 0.1)
    connections.stall(clients[0])
    clock.advance(0.1)
    assert not connections.make_room("198.51.100.7")
    assert not any(each.ended for each in clients)
    clock.advance(1)
    connections.end_overdue()
    assert connections.make_room("198.51.100.7")


def test_who_holds_many_places_makes_room_for_another_address(clock):
    """An address that fills the server cannot shut another out; the others' answers stay."""
    connections = Connections(16, clock.monotonic)
    few = entered(connections, Phase.ANSWER, "192.0.2.1")
    many = [entered(connections, Phase.ANSWER, "203.0.113.9") for _ in range(15)]
    connections.stall(few)
    connections.stall(many[7])
    assert connections.make_room("192.0.2.1")
    assert [each.ended for each in many] == [number == 7 for number in range(15)]
    entered(connections, Phase.ANSWER, "192.0.2.1")
    assert connections.make_room("198.51.100.7")
    assert [each.ended for each in many] == [number in (0, 7) for number in range(15)]
    assert not few.ended


def test_who_reads_nothing_makes_room_for_its_own_address(clock):
    """An answer that moves is not ended for a newcomer of its own address; one that has stalled for 0.25 s is."""
    connections = Connections(5, clock.monotonic)
    clients = [entered(connections, Phase.ANSWER) for _ in range(5)]
    clock.advance(DEADLINES[Phase.ANSWER] - 2)
    assert not connections.make_room(clients[0].origin)
    connections.stall(clients[1])
    clock.advance(0.2)
    assert not connections.make_room(clients[0].origin)
    clock.advance(0.1)
    assert connections.make_room(clients[0].origin)
    assert [each.ended for each in clients] == [False, True, False, False, False]


def test_where_there_are_few_places_nobody_holds_many(connections, clock):
    """With a handful of places no answer is ended for a newcomer."""
    clients = [entered(connections, Phase.ANSWER) for _ in range(3)]
    connections.stall(clients[0])
    clock.advance(4)
    assert not connections.make_room("198.51.100.7")
    assert not any(each.ended for each in clients)


def test_room_is_left_alone(connections):
    """As long as there is room nobody is ended."""
    clients = [entered(connections, Phase.HEAD) for _ in range(2)]
    assert connections.make_room()
    assert not any(each.ended for each in clients)


def test_fewer_connections_end_those_beyond(connections):
    """When the cap shrinks, those beyond it make room as well."""
    clients = [entered(connections, Phase.IDLE) for _ in range(3)]
    connections.most = 1
    assert connections.make_room()
    assert all(each.ended for each in clients)


def test_who_left_is_forgotten(connections, clock):
    """A connection that ended by itself is not ended again, whatever it waited for."""
    client = entered(connections, Phase.ANSWER)
    connections.stall(client)
    connections.leave(client)
    connections.stall(client)
    clock.advance(1000)
    connections.end_overdue()
    assert not client.ended
    assert connections.phase(client) is None
