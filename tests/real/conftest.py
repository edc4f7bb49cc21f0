"""Published measurements, which are not part of the project: where they lie, if anywhere.

Their folder is that of the environment variable TWINLAB_REAL_DATA, else ``shared/data`` beside the
checkout; without it the tests that need them are skipped.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from twinlab import read_study
from twinlab.config import StudyConfig, read_config
from twinlab.library import Library
from twinlab.study import Study

BESIDE = Path(__file__).parents[3] / "shared" / "data"

#: What a table and the text of a configuration make.
Asked = tuple[Study, Library, StudyConfig]


@pytest.fixture(scope="session")
def table() -> Callable[[str], pd.DataFrame]:
    """The table of a set by the name of its folder."""
    folder = Path(os.environ.get("TWINLAB_REAL_DATA") or BESIDE)

    def read(name: str) -> pd.DataFrame:
        path = folder / name / "data.csv"
        if not path.is_file():
            pytest.skip(f"no {name}/data.csv in {folder} (TWINLAB_REAL_DATA names the folder)")
        return pd.read_csv(path)

    return read


@pytest.fixture(scope="session")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Callable[[pd.DataFrame, str], Asked]:
    """Study, library and configuration of a table, read from files as a user's are."""

    def make(data: pd.DataFrame, text: str) -> Asked:
        folder = tmp_path_factory.mktemp("real")
        data.to_csv(folder / "data.csv", index=False)
        (folder / "data.yaml").write_text(text, encoding="utf-8")
        config = read_config(folder / "data.yaml")
        study = config.study(read_study(folder / "data.csv"))
        return study, config.make_library(study), config

    return make
