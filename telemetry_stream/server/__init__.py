"""The server: routes, viewers, the dashboard's files and the Prometheus page."""
