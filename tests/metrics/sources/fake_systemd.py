"""A bus with a systemd for tests: a server on a real socket that speaks D-Bus, and the units that a test gives it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from jeepney import Message, MessageFlag, MessageType, new_error, new_method_return
from jeepney.low_level import HeaderFields, Parser

BEGIN = b"BEGIN\r\n"  # The client may send its first call with it.
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"
Properties = dict[str, tuple[str, Any]]


class FakeSystemd:
    """Serves one connection after the other until ``close``. A test changes ``units`` and ``answer`` between them.

    ``units`` has the properties of each unit by its name. ``answer`` may replace the answer to a call: it returns None
    for the usual one, a message, bytes that are sent as they are, or ``HANG``.
    """

    HANG = object()

    def __init__(self, path: str) -> None:
        self.units: dict[str, Properties] = {}
        self.answer: Callable[[Message], object] = lambda _: None
        self.calls: list[tuple[str, Any]] = []
        self._end = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def release(self) -> None:
        """End a hanging answer, and all later ones, with the end of their connection."""
        self._end.set()

    def put(
        self,
        name: str,
        active: str,
        sub: str,
        *,
        changed: float = 0.0,
        reloaded: float = 0.0,
        **service: Any,
    ) -> None:
        """Add a unit that began to be in its state at ``changed``. ``service`` are its Result and NRestarts."""
        event = {"active": "ActiveEnter", "activating": "InactiveExit"}.get(active, "InactiveEnter")
        self.units[name] = {
            "Description": ("s", f"About {name}"),
            "ActiveState": ("s", active),
            "SubState": ("s", sub),
            "StateChangeTimestamp": ("t", int(max(changed, reloaded) * 1e6)),
            f"{event}Timestamp": ("t", int(changed * 1e6)),
            **{key: ("u" if key == "NRestarts" else "s", value) for key, value in service.items()},
        }

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                try:
                    self._speak(connection)
                except OSError:  # the client has ended
                    continue

    def _speak(self, connection: socket.socket) -> None:
        """Authenticate the client as every bus does (EXTERNAL), and answer its calls."""
        received = b""
        while BEGIN not in received:
            data = connection.recv(4096)
            if not data:
                return
            if b"AUTH" in data:
                connection.sendall(b"OK 0123456789abcdef0123456789abcdef\r\n")
            received += data
        parser = Parser()
        serial = 0
        data = received.partition(BEGIN)[2] or connection.recv(65536)
        while data:
            parser.add_data(data)
            while (call := parser.get_next_message()) is not None:
                serial += 1
                answer = self.answer(call) or self._answer(call)
                if answer is self.HANG:
                    self._end.wait(30)
                    return
                if isinstance(answer, Message):
                    connection.sendall(answer.serialise(serial=serial))
                else:
                    assert isinstance(answer, bytes)
                    connection.sendall(answer)
            data = connection.recv(65536)

    def _answer(self, call: Message) -> Message:
        fields = call.header.fields
        method = fields[HeaderFields.member]
        if method == "Hello":
            return new_method_return(call, "s", (":1.1",))
        assert call.header.flags & MessageFlag.no_auto_start
        self.calls.append((method, call.body))
        if method == "ListUnitsFiltered":
            names = [name for name in self.units if self._states(name) & set(call.body[0])]
        elif method == "ListUnitsByPatterns":
            names = [
                name
                for name in self.units
                if self._states(name) & set(call.body[0]) and name.endswith(".service")
            ]
        else:
            return self._properties(call, fields[HeaderFields.path], method)
        return new_method_return(call, "a(ssssssouso)", ([self._row(name) for name in names],))

    def _states(self, name: str) -> set[str]:
        unit = self.units[name]
        return {unit["ActiveState"][1], unit["SubState"][1]}

    def _row(self, name: str) -> tuple[object, ...]:
        unit = self.units[name]
        words = (
            name,
            "",
            "loaded",
            unit["ActiveState"][1],
            unit["SubState"][1],
        )
        return (*words, "", path_of(name), 0, "", "/")

    def _properties(self, call: Message, path: str, method: str) -> Message:
        unit = next((unit for name, unit in self.units.items() if path_of(name) == path), None)
        if unit is None:
            return new_error(call, UNKNOWN_OBJECT)
        is_service = call.body[0].endswith(".Service")
        shown = {
            name: value
            for name, value in unit.items()
            if (name in ("Result", "NRestarts")) == is_service
        }
        if method == "Get":
            return new_method_return(call, "v", (shown[call.body[1]],))
        return new_method_return(call, "a{sv}", (shown,))


def path_of(name: str) -> str:
    """Return the path of a unit on the bus."""
    return "/org/freedesktop/systemd1/unit/" + "".join(
        char if char.isalnum() and char.isascii() else f"_{ord(char):02x}" for char in name
    )


def is_call(call: Message, method: str) -> bool:
    """Return whether a message calls this method."""
    header = call.header
    return bool(
        header.message_type == MessageType.method_call
        and header.fields[HeaderFields.member] == method
    )
