"""For every test: property tests without a deadline, since machines are shared and noisy."""

from hypothesis import settings

settings.register_profile("shared-machine", deadline=None)
settings.load_profile("shared-machine")
