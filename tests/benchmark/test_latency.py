"""The latency benchmark notes events in their order."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

from twinlab.benchmark.cells import Cell, make_case
from twinlab.benchmark.latency import GOALS, slider_times, wait_for
from twinlab.benchmark.systems import SYSTEMS


def test_events_come_in_order_and_sliders_are_timed():
    waits = wait_for(make_case(Cell("logistic")))
    assert 0 < waits.picture <= waits.free <= waits.full
    assert waits.discovery.models
    with ThreadPoolExecutor(1) as pool:
        wall, cpu, others = slider_times(waits.discovery, 3, pool)
    assert wall.shape == cpu.shape == others.shape == (3,) and (wall > 0).all()


def test_goals_are_systems_of_the_benchmark():
    assert {goal.system for goal in GOALS} <= set(SYSTEMS)
    assert all(re.fullmatch(r"\d+-\d+ s", goal.prototype) for goal in GOALS)
