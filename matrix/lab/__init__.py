"""Throw-away hosts on this machine: for the demo, for tests, and as columns one can break."""
