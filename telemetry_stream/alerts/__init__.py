"""Alerts: rules over the samples of a host, their evaluation, and what is known of those that fire."""
