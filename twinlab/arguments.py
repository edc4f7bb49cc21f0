"""Arguments that several commands share, and their checks."""

from __future__ import annotations

import argparse
from collections.abc import Callable

#: What a command does with its options; its exit code.
Command = Callable[[argparse.Namespace], int]


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


def add_knowledge(parser: argparse.ArgumentParser, load_run: Command, ask_run: Command) -> None:
    """Add ``knowledge import`` and ``knowledge ask`` to the command line."""
    ways = parser.add_subparsers(title="ways", metavar="WAY", required=True)
    load = ways.add_parser("import", help="read edges from .csv, .tsv, .sif or .json")
    load.add_argument("file", metavar="FILE", help="edges, or answers in the documented JSON form")
    _add_out(load)
    load.set_defaults(run=load_run)
    words = ways.add_parser(
        "ask",
        help="ask a language model what acts on what; only names, units and --describe are sent",
    )
    words.add_argument("data", metavar="DATA", help="a study file: its names and units are used")
    words.add_argument(
        "--endpoint", default="", metavar="URL",
        help="a chat-completions address; default: TWINLAB_KNOWLEDGE_ENDPOINT; without either "
        "nothing is asked; the key is taken from TWINLAB_KNOWLEDGE_KEY",
    )  # fmt: skip
    words.add_argument(
        "--model", default="", metavar="NAME", help="default: TWINLAB_KNOWLEDGE_MODEL"
    )
    words.add_argument("--describe", default="", metavar="TEXT", help="what the system is")
    words.add_argument("--inputs", default="", metavar="A,B", help="variables that only drive")
    words.add_argument(
        "--samples", type=natural, default=5, metavar="N", help="answers; default: 5"
    )
    words.add_argument(
        "--timeout", type=float, default=60.0, metavar="S", help="seconds for one; default: 60"
    )
    _add_out(words)
    words.set_defaults(run=ask_run)


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out", default="knowledge.yaml", metavar="FILE.yaml",
        help="edges are added to what this file holds already; default: knowledge.yaml",
    )  # fmt: skip


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
