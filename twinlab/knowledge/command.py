"""The command ``twinlab knowledge``: import a file of edges, or ask an endpoint."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from twinlab.errors import UserError
from twinlab.study import read_study

from .ask import Endpoint, Question, ask
from .importers import import_edges
from .items import Edge
from .knowledge import Knowledge


def run_import(options: argparse.Namespace) -> int:
    """``twinlab knowledge import FILE``."""
    return _write(import_edges(options.file), Path(options.out))


def run_ask(options: argparse.Namespace) -> int:
    """``twinlab knowledge ask DATA``."""
    endpoint = Endpoint.configured(options.endpoint, options.model, options.timeout)
    study = read_study(options.data)
    inputs = tuple(name.strip() for name in options.inputs.split(",") if name.strip())
    for name in inputs:
        if name not in study.variables:
            raise UserError(
                f"--inputs: the data have no variable '{name}'.",
                mend=f"They have {', '.join(study.variables)}.",
            )
    states = tuple(name for name in study.variables if name not in inputs)
    question = Question(states, inputs, dict(study.units), options.describe)
    return _write(ask(question, endpoint, options.samples), Path(options.out))


def _write(edges: tuple[Edge, ...], out: Path) -> int:
    """Add edges to a knowledge file, which is replaced whole or not at all."""
    if out.suffix.lower() not in (".yaml", ".yml"):
        raise UserError(f"--out: '{out.name}' is no YAML file.", mend="Name it knowledge.yaml.")
    if not edges:
        raise UserError("No edges were found: nothing is written.")
    knowledge = Knowledge.load(out) if out.exists() else Knowledge()
    for edge in edges:
        knowledge = knowledge.with_edge(replace(edge, place=()))
    fresh = out.with_name(f".{out.name}.new")
    try:
        knowledge.save(fresh)
        fresh.replace(out)
    except OSError as error:
        raise UserError(f"--out: cannot write: {error.strerror}.", file=out.name) from error
    width = max(len(edge.label) for edge in edges)
    for edge in sorted(edges, key=lambda edge: -edge.confidence):
        print(f"  {edge.label:<{width}}  {edge.confidence:4.2f}  {edge.source}")
        for sentence in edge.sentences:
            print(f"  {'':<{width}}        {sentence}")
    print(f"Wrote {out}: {len(edges)} edge(s).")
    return 0
