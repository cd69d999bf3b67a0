"""The cases of scripts/bench-fleet, a module for each kind. Each case is a function that returns its figures."""
