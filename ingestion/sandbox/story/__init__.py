"""A seeded story of a lead business for all simulated vendors: `tell` it on a `Stage`."""

from ingestion.sandbox.story.sales import tell
from ingestion.sandbox.story.stage import Stage

__all__ = ["Stage", "tell"]
