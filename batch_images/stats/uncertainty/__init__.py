"""How sure the figures of a debate are: intervals and comparisons for two questions.

Method, sources, measured coverage and limits: docs/statistics-uncertainty.md.
"""

from batch_images.stats.uncertainty.estimate import Uncertainties, estimate
from batch_images.stats.uncertainty.observed import Events

__all__ = ["Events", "Uncertainties", "estimate"]
