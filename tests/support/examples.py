"""How many examples a property test tries when each costs something; ``EXPLORE=1`` tries twenty times as many."""

import os

from hypothesis import HealthCheck, Phase, settings

EXPLORING = 20


def few(number: int) -> settings:
    """Return settings for so many examples; the tests' fixtures are shared by all of them."""
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
    times = EXPLORING if os.environ.get("EXPLORE") else 1
    return settings(max_examples=number * times, suppress_health_check=checks)


def dear(number: int) -> settings:
    """The same where each example takes a minute: one that fails is shown, and no smaller one looked for."""
    return settings(few(number), phases=(Phase.explicit, Phase.generate))
