"""The server: routes, viewers and the dashboard's files."""
