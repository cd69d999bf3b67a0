"""Sockets and HTTP/1.1: the accept loop, one owner per connection, TLS. Knows neither viewers nor metrics."""
