"""For all tests."""

from __future__ import annotations

from hypothesis import settings

# How long an example takes says something about the machine, and about imports that the first one pays for.
settings.register_profile("ccit", deadline=None)
if settings.get_current_profile_name() == "default":
    settings.load_profile("ccit")
