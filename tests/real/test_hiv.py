"""Virus under therapy, below the limit of the assay at the end: a limit is not a measurement.

Lederman et al. 1998, J. Infect. Dis. 178, 70 (ACTG 315): RNA as log10 of copies/mL, limit 100.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from twinlab import Settings, discover
from twinlab.discovery import Discovery

#: Virus that is made and cleared, at rates that may differ between patients.
CONFIGURATION = """
states: [virus]
observed: {hiv_rna_log10: log10(virus)}
library: {polynomial: 2}
varies: subject
"""
LIMIT, REBOUND = 2.0, 0.3
#: The same noise in both, so that coefficients can be compared.
SETTINGS = Settings(noise="constant", vary="subject", starts=1, draws=40, neighbours=6)


def until_rebound(data: pd.DataFrame) -> pd.DataFrame:
    """RNA of each patient until it rises: therapy fails then, and other rates hold."""
    rna = data[data.variable == "hiv_rna_log10"].sort_values(["subject", "time"])
    value = rna["value"].where(rna["flag"].isna(), LIMIT)
    low = value.groupby(rna["subject"]).cummin().groupby(rna["subject"]).shift(fill_value=np.inf)
    rising = (value > low + REBOUND).groupby(rna["subject"]).cummax()
    return rna[~rising]


@pytest.fixture(scope="module")
def fits(table, asked) -> dict[str, Discovery]:
    data = until_rebound(table("hiv_actg315"))
    below = data["flag"].notna()
    texts: dict[str, Callable[[], pd.Series]] = {
        "censored": lambda: data["value"].astype(str).where(~below, f"<{LIMIT:g}"),
        "substituted": lambda: data["value"].where(~below, LIMIT),
    }
    out = {}
    for name, values in texts.items():
        own = data.drop(columns="flag").assign(value=values())
        study, library, config = asked(own, CONFIGURATION)
        out[name] = discover(study, library, config.knowledge, settings=SETTINGS, seed=1)
    return out


def test_decades_are_described(fits: dict[str, Discovery]) -> None:
    for discovery in fits.values():
        assert discovery.status == "converged" and discovery.chi2_per_point < 1.5
        # On the log scale, on which they were measured.
        assert np.nanmedian(discovery.r_squared) > 0.8
    assert fits["censored"].problem.censored.sum() > 20
    assert not fits["substituted"].problem.censored.any()


def test_a_limit_taken_for_a_measurement_stops_the_decay(fits: dict[str, Discovery]) -> None:
    below = fits["censored"].problem.censored
    late = {n: np.median(np.concatenate(d.fitted)[below]) for n, d in fits.items()}
    # Substituted, the virus is said to stand still above the limit, where it had fallen below.
    assert late["censored"] < 10**LIMIT < late["substituted"]
    level = {n: level_of(d) for n, d in fits.items()}
    assert level["censored"] < 0.9 * level["substituted"]


def level_of(discovery: Discovery) -> float:
    """Where making and clearing balance, by the population's rates."""
    made, cleared = (discovery.library.find("virus", term) for term in ("1", "virus"))
    best = discovery.best
    w = dict(zip(best.columns.tolist(), best.coefficients.tolist(), strict=True))
    assert discovery.inclusion[[made, cleared]].min() > 0.95 and w[cleared] < 0 < w[made]
    return -w[made] / w[cleared]
