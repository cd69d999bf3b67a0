"""Notifications: what fires and what resolves is sent to the receivers of a file (docs/notifications.md)."""
