"""Sockets and HTTP/1.1: the accept loop, one owner per connection, TLS. Does not depend on viewers or metrics."""
