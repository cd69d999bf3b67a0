"""The stream of samples: numbered, remembered, encoded once, and broadcast through the hub."""

from .stream import PIECE_BYTES, PROTOCOL, Choice, Framing, Resume, Stream, to_json

__all__ = ["PIECE_BYTES", "PROTOCOL", "Choice", "Framing", "Resume", "Stream", "to_json"]
