"""Systems with a known truth, scores, and the commands that hold methods against them."""

from .scoring import Answer, Score, Summary, score, summarise
from .systems import SYSTEMS, BenchmarkSystem, SimulatedData

__all__ = [
    "SYSTEMS",
    "Answer",
    "BenchmarkSystem",
    "Score",
    "SimulatedData",
    "Summary",
    "score",
    "summarise",
]
