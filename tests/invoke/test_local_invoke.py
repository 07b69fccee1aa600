"""`sam build`, then `sam local invoke` of every function with every sample event.

The answers and what they leave behind are held against the same expectations as those of the bare
runtime interface, by the same tests: only the fixture `function` differs.
"""

from __future__ import annotations

from tests.functions.test_runtime_interface import *  # noqa: F403
