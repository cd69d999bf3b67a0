"""WebSocket: the handshake, frames, and a connection with its two pumps."""
