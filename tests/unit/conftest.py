"""Property tests try the same examples each time, so that a change is judged by itself; EXPLORE=1 tries many others."""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("exploring", deadline=None, max_examples=1000)
settings.load_profile("exploring" if os.environ.get("EXPLORE") else "repeatable")
