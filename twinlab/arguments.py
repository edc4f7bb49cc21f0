"""Arguments that several commands share, and their checks."""

from __future__ import annotations

import argparse


def add_fit(command: argparse.ArgumentParser) -> None:
    """What every command that fits is told: data, configuration, where to, seed, threads."""
    command.add_argument("data", metavar="DATA", help="a CSV or TSV file, tidy or wide")
    command.add_argument(
        "--config",
        metavar="FILE",
        help="what to model, a YAML file; default: the one with DATA's name beside it, if any",
    )
    command.add_argument(
        "--degree", type=natural, metavar="N", help="polynomial terms up to this degree"
    )
    command.add_argument(
        "--out", default="out", metavar="DIR", help="folder for the results; default: out"
    )
    command.add_argument("--seed", type=seed, default=0, metavar="N", help="default: 0")
    command.add_argument(
        "--workers", type=natural, metavar="N", help="threads; the result does not depend on it"
    )


def add_validate(validate: argparse.ArgumentParser) -> None:
    """What ``twinlab validate`` is told besides."""
    validate.add_argument(
        "--leave", choices=("subject", "condition", "end"), default="subject",
        help="what is left out and predicted; default: subject",
    )  # fmt: skip
    validate.add_argument(
        "--only", action="append", default=[], metavar="NAME",
        help="leave out this subject or condition alone; repeat for several",
    )  # fmt: skip
    validate.add_argument(
        "--folds", type=natural, metavar="K", help="groups left out together; default: one by one"
    )
    validate.add_argument(
        "--given", type=seed, default=1, metavar="N",
        help="first times known of what is left out; 0: it begins as the others do; default: 1",
    )  # fmt: skip
    validate.add_argument(
        "--share", type=float, default=0.3, metavar="S",
        help="with --leave end: last share of each record; default: 0.3",
    )  # fmt: skip
    validate.add_argument(
        "--fixed-structure", action="store_true",
        help="find the structure once on all data and fit only its coefficients again: faster",
    )  # fmt: skip
    validate.add_argument(
        "--show-ids", action="store_true", help="name subjects by their ids, not by numbers"
    )


def natural(text: str) -> int:
    """A whole number of at least 1."""
    value = whole(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is less than 1")
    return value


def seed(text: str) -> int:
    """A whole number of at least 0."""
    value = whole(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is negative")
    return value


def port(text: str) -> int:
    """A number of a port."""
    value = whole(text)
    if not 0 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{value} is no port (0 to 65535)")
    return value


def whole(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
