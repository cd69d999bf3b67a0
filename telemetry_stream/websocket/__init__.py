"""A viewer over WebSocket (RFC 6455): the handshake's checks, frames made once for all, two pumps, named ends."""
