"""How bytes move: one owner per socket, the accept loop, and HTTP/1.1. Knows neither viewers nor metrics."""
