"""Hypothesis profiles, and the name of the test file that is running, for coverage.

`python3 tests` uses the profile `ci`, which tries the same examples every time. Plain pytest uses
`dev`: new examples each time, from a seed that stands in the first lines of the output.
HYPOTHESIS_PROFILE=nightly looks longer.
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest
from hypothesis import Phase, settings

# Explaining a counterexample takes minutes in the long stateful tests, and says little about them.
PHASES = [phase for phase in Phase if phase is not Phase.explain]
COMMON = settings(deadline=None, print_blob=True, phases=PHASES)
settings.register_profile("dev", COMMON)
settings.register_profile("ci", COMMON, derandomize=True, database=None)
settings.register_profile("nightly", COMMON, max_examples=5_000)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "dev")
settings.load_profile(PROFILE)


@pytest.hookimpl(tryfirst=True)  # before Hypothesis reads the option
def pytest_configure(config: pytest.Config) -> None:
    if config.option.hypothesis_seed is None and not settings().derandomize:
        config.option.hypothesis_seed = str(random.SystemRandom().randrange(1 << 32))


def pytest_report_header(config: pytest.Config) -> str:
    seed = config.option.hypothesis_seed
    how = "derandomized" if seed is None else f"repeat with --hypothesis-seed={seed}"
    return f"hypothesis profile: {PROFILE}, {how}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Tell coverage which file runs, so that each module can be held to its own test file."""
    measured = coverage.Coverage.current()
    if measured is not None:
        measured.switch_context(Path(item.path).stem)
    return (yield)
