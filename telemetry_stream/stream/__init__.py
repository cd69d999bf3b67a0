"""The stream of samples: a feed for each host, what viewers demand of it, and the origins that produce it."""

from .choice import Choice, Framing, Resume
from .consumer import Consumer
from .demand import Demand
from .encoded import to_json
from .feed import PROTOCOL, Feed
from .origin import LocalHost, Observer, Origin
from .ring import HistoryLimits
from .stream import Stream

__all__ = [
    "PROTOCOL",
    "Choice",
    "Consumer",
    "Demand",
    "Feed",
    "Framing",
    "HistoryLimits",
    "LocalHost",
    "Observer",
    "Origin",
    "Resume",
    "Stream",
    "to_json",
]
