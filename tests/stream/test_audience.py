"""The audience of a feed, with a real hub and viewers in memory: what each choice gets, and what is made only once."""

from __future__ import annotations

from telemetry_stream.hub import Client, End, Hub
from telemetry_stream.stream import Choice, HistoryLimits, Stream
from tests.fleet.reports import received
from tests.hub.clients import wait_for_fan_out
from tests.server.service import HOST
from tests.stream.streaming import LINES, OTHER_HOST, Viewer, add_feed, publish, streaming


def test_a_sample_that_nobody_gets_does_not_wake_the_hub() -> None:
    """Without a viewer, nothing is put into the hub's inbox: if it is full, nothing is refused."""
    hub = Hub()  # its thread is not started
    feed = add_feed(Stream(hub, version="1.2.3", history=HistoryLimits(600.0)), HOST)
    while hub.broadcast(b"frame"):
        pass
    refused = hub.stats().refused
    publish(feed, 3)
    assert hub.stats().refused == refused
    hub.close()


def test_viewers_of_one_choice_get_the_same_bytes() -> None:
    """Their frames are one object, so it was made once; a different ``every`` changes nothing in a frame."""
    with streaming() as (_, _, feed):
        viewers = [Viewer(feed), Viewer(feed)]
        publish(feed, 10)
        for viewer in viewers:
            assert viewer.seqs_to(10) == list(range(1, 11))
        first, second = viewers
        assert all(a is b for a, b in zip(first.frames[1:], second.frames[1:], strict=True))
        for viewer in viewers:
            viewer.leave()


def test_many_samples_reach_a_viewer_that_takes_nothing_meanwhile() -> None:
    """More than its queue has room for, and of them those of its choice."""
    with streaming() as (_, _, feed):
        feed.begin_run("run-1")
        with Viewer(feed) as viewer, Viewer(feed, every=5) as thinned:
            with viewer.stalled(), thinned.stalled():
                feed.publish_received([(received(seq), 0.0) for seq in range(1, 101)])
            assert viewer.seqs_to(100) == list(range(1, 101))
            assert thinned.seqs_to(100) == list(range(5, 101, 5))


def test_a_viewer_loses_nothing_to_samples_that_it_does_not_get() -> None:
    """Samples that are known already, or that its choice does not contain, take no place in its queue."""
    with streaming() as (hub, _, feed):
        feed.begin_run("run-1")
        client = Client(lambda _: 0, topic=Choice(LINES, feed.host.id, None, 1000))
        feed.join(client, None)
        for seq in range(1, 200, 2):
            feed.publish_received([(received(n), 0.0) for n in (seq, seq + 1)])
            feed.publish_received([(received(n), 0.0) for n in (seq, seq + 1)])
            feed.publish_received([])
        wait_for_fan_out(hub)
        assert (client.queue.qsize(), client.dropped) == (1, 0)  # the first frames
        client.close(End.GONE)
        hub.unregister(client)


def test_many_samples_that_nobody_gets_do_not_wake_the_hub() -> None:
    """Nor do samples that are known already."""
    hub = Hub()  # its thread is not started
    feed = add_feed(Stream(hub, version="1.2.3", history=HistoryLimits(600.0)), HOST)
    feed.publish_received([(received(seq), 0.0) for seq in (1, 2)])
    assert feed.join(Client(len, topic=Choice(LINES, feed.host.id, None, 1)), None)
    waiting = hub._inbox.qsize()
    feed.publish_received([(received(seq), 0.0) for seq in (1, 2)])
    feed.publish_received([])
    assert (feed.seq, hub._inbox.qsize()) == (2, waiting)
    assert waiting == 1  # the client
    hub.close()


def test_the_sections_that_viewers_have_chosen() -> None:
    """The default ones once, and all named ones together, of the viewers of this host only."""
    with streaming() as (_, stream, feed), Viewer(add_feed(stream, OTHER_HOST)):
        assert feed.audience.sections() == ()
        with Viewer(feed, sections=("cpu",)), Viewer(feed, sections=("cpu", "pad"), every=2):
            assert feed.audience.sections() == ({"cpu", "pad"},)
            with Viewer(feed), Viewer(feed, every=3):
                assert feed.audience.sections() == (None, {"cpu", "pad"})
        with Viewer(feed):
            assert feed.audience.sections() == (None,)


def test_an_audience_is_closed_without_the_others() -> None:
    """The viewers of another host stay."""
    with streaming() as (_, stream, feed), Viewer(add_feed(stream, OTHER_HOST)) as other:
        with Viewer(feed) as viewer:
            feed.audience.close()
            assert viewer.client.end is End.GOING_AWAY
        assert other.client.end is None
