"""The command ``twinlab``: serve, check, discover, validate, report, export, bench.

Numerical packages load inside the commands, so that ``twinlab --help`` answers at once.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from twinlab import __version__
from twinlab.arguments import add_fit, add_knowledge, add_validate, natural, port
from twinlab.console import ProgressLine
from twinlab.errors import Cancelled, UserError

if TYPE_CHECKING:
    from twinlab.config import StudyConfig
    from twinlab.discovery import Discovery, Settings
    from twinlab.knowledge import Knowledge
    from twinlab.library import Library
    from twinlab.study import Study

Result = TypeVar("Result")
DONE, WRONG_INPUT, NOT_CONVERGED, INTERRUPTED = 0, 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Those of the process by default.

    Returns
    -------
    int
        0: done; 2: the user's input is wrong; 3: the fit did not converge; 130: interrupted.
    """
    options = _parser().parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # no traceback where a terminal lacks a letter
            stream.reconfigure(errors="replace")
    try:
        return int(options.run(options))
    except UserError as error:
        print(f"twinlab: {error}", file=sys.stderr)
        return WRONG_INPUT
    except (KeyboardInterrupt, Cancelled):
        print("twinlab: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe (head, less) has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="twinlab",
        description="Discover sparse mechanistic ODE models from biomedical time series.",
        epilog="Exit codes: 0 done; 2 the input is wrong; 3 the fit did not converge.",
    )
    parser.add_argument("--version", action="version", version=f"twinlab {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    serve = commands.add_parser("serve", help="start the workbench and the clinic in the browser")
    serve.add_argument("--port", type=port, default=5006, metavar="N", help="default: 5006")
    serve.add_argument(
        "--address", default="127.0.0.1", help="default: 127.0.0.1, this machine alone"
    )
    serve.add_argument("--no-browser", action="store_true", help="do not open a browser window")
    serve.add_argument(
        "--allow-websocket-origin",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="a host name the apps may be reached by; repeat for several",
    )
    serve.set_defaults(run=_serve)

    check = commands.add_parser("check", help="say what a data file holds and what is wrong")
    check.add_argument("data", metavar="DATA", help="a CSV or TSV file, tidy or wide")
    check.set_defaults(run=_check)

    discover = commands.add_parser("discover", help="find the model behind a data file")
    add_fit(discover)
    discover.set_defaults(run=_discover)

    validate = commands.add_parser(
        "validate", help="predict parts of a data file from the rest, and say how well that went"
    )
    add_fit(validate)
    add_validate(validate)
    validate.set_defaults(run=_validate)

    report = commands.add_parser("report", help="write the report of a twin file")
    report.add_argument("twin", metavar="FILE.twin", help="as 'twinlab discover' wrote it")
    report.add_argument("--out", required=True, metavar="FILE.html", help="where to write")
    report.add_argument(
        "--show-ids", action="store_true", help="name subjects by their ids, not by numbers"
    )
    report.set_defaults(run=_report)

    export = commands.add_parser("export", help="write a twin file for other programs")
    export.add_argument("twin", metavar="FILE.twin", help="as 'twinlab discover' wrote it")
    export.add_argument(
        "--to",
        required=True,
        metavar="KIND",
        help="python, json or coefficients (a CSV of each subject's own)",
    )
    export.add_argument("--out", required=True, metavar="PATH", help="the file to write")
    export.add_argument(
        "--rank", type=natural, metavar="N", help="which model; default: the most probable"
    )
    export.set_defaults(run=_export)

    knowledge = commands.add_parser("knowledge", help="make an edge table from a file or by asking")
    add_knowledge(knowledge, _knowledge_import, _knowledge_ask)
    _add_bench(commands)
    return parser


def _add_bench(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    bench = commands.add_parser(
        "bench", help="hold TwinLab and its peers against systems whose truth is known"
    )
    bench.add_argument(
        "--suite",
        default="smoke",
        metavar="NAME",
        help="smoke, grid, holdout, holdout-first, development, calibration, four, esindy, "
        "odrbindy, axis:NAME or a system; default: smoke",
    )
    bench.add_argument("--axis", metavar="NAME", help="only this axis of the suite")
    bench.add_argument(
        "--peers", metavar="A,B", help="methods beside TwinLab, or module:function; 'none' for none"
    )
    bench.add_argument("--seeds", type=natural, metavar="N", help="data sets of every cell")
    bench.add_argument(
        "--budget", type=natural, metavar="S", help="seconds an answer may take; then it is killed"
    )
    bench.add_argument(
        "--json", metavar="FILE.jsonl", help="where rows are kept; default: bench-SUITE.jsonl"
    )
    bench.add_argument("--html", metavar="FILE.html", help="write a page with curves too")
    bench.add_argument(
        "--executor", default="threads", help="threads (default), processes or dask://HOST:PORT"
    )
    bench.add_argument(
        "--workers", type=natural, default=os.cpu_count() or 1, metavar="N", help="at once"
    )
    bench.set_defaults(run=_bench)


def _knowledge_import(options: argparse.Namespace) -> int:
    from twinlab.knowledge.command import run_import

    return run_import(options)


def _knowledge_ask(options: argparse.Namespace) -> int:
    from twinlab.knowledge.command import run_ask

    return run_ask(options)


def _bench(options: argparse.Namespace) -> int:
    from twinlab.benchmark.command import bench

    return bench(options)


def _serve(options: argparse.Namespace) -> int:
    from twinlab.ui import serve

    serve(
        port=options.port,
        address=options.address,
        open_browser=not options.no_browser,
        allow_origins=options.allow_websocket_origin,
    )
    return DONE


def _check(options: argparse.Namespace) -> int:
    from twinlab.study import check_text, read_study

    print(check_text(read_study(options.data)))
    return DONE


def _discover(options: argparse.Namespace) -> int:
    from twinlab.discovery import discover
    from twinlab.report import summary_text

    folder = _folder(options.out)
    config, study, library = _read(options)
    discovery = _fit(discover, options, study, library, config.knowledge, config.settings())
    print(f"\n{summary_text(discovery)}\n")
    for path in _write(discovery, folder):
        print(f"Wrote {path}")
    return NOT_CONVERGED if discovery.status == "failed" else DONE


def _folder(name: str) -> Path:
    folder = Path(name)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"--out: '{folder.name}' is a file, not a folder.", mend="Name a folder.")
    return folder


def _read(options: argparse.Namespace) -> tuple[StudyConfig, Study, Library]:
    """What to model, said on the terminal."""
    from twinlab.study import read_study

    config, words = _configuration(options)
    study = config.study(read_study(options.data))
    library = config.make_library(study)
    print(words)
    modelled = study.select(variables=[v for v in study.variables if v not in library.inputs])
    print(
        f"{study.name}: {len(study.subjects)} subject(s), {modelled.n_points} values of "
        f"{', '.join(s for s in library.states if s not in library.latent)}; "
        f"{len(library.columns)} candidate terms."
    )
    return config, study, library


def _validate(options: argparse.Namespace) -> int:
    from functools import partial

    from twinlab.discovery import dumps
    from twinlab.report import write_validation
    from twinlab.twin import validate, validation_mapping, verdict, write_atomically

    folder = _folder(options.out)
    config, study, library = _read(options)
    work = partial(
        validate,
        leave=options.leave,
        folds=options.folds,
        given=options.given,
        share=options.share,
        only=options.only,
        fixed_structure=options.fixed_structure,
    )
    validation = _fit(work, options, study, library, config.knowledge, config.settings())
    print()
    for sentence in verdict(validation):
        print(sentence)
    json = dumps(validation_mapping(validation)).encode()
    page = folder / "validation.html"
    print(f"\nWrote {write_atomically(folder / 'validation.json', json)}")
    print(f"Wrote {write_validation(validation, page, show_ids=options.show_ids)}")
    return DONE if validation.complete else NOT_CONVERGED


def _configuration(options: argparse.Namespace) -> tuple[StudyConfig, str]:
    """The configuration and a sentence that says where it came from."""
    from dataclasses import replace

    from twinlab.config import DEFAULT_DEGREE, StudyConfig, beside, read_config

    found = Path(options.config) if options.config else beside(options.data)
    if found:
        config, words = read_config(found), f"Configuration: {found}."
    else:
        config = StudyConfig()
        words = (
            f"No configuration beside {Path(options.data).name}: every variable is a state, and "
            f"the candidate terms are polynomials up to degree {DEFAULT_DEGREE}."
        )
    if options.degree is not None:
        config = replace(config, library={**config.library, "polynomial": options.degree})
        words = (
            f"Configuration: {found}, with polynomials up to degree {options.degree}."
            if found
            else f"Every variable is a state; polynomials up to degree {options.degree}."
        )
    return config, words


def _fit(
    work: Callable[..., Result],
    options: argparse.Namespace,
    study: Study,
    library: Library,
    knowledge: Knowledge,
    settings: Settings,
) -> Result:
    """Run `work` (discover or validate) in threads, with a line of progress."""
    from concurrent.futures import ThreadPoolExecutor

    from twinlab.discovery import CancelToken, warm_up
    from twinlab.discovery.problem import make_problem

    make_problem(
        study, knowledge.completed(library), knowledge
    )  # complain before kernels are compiled
    with ProgressLine(sys.stderr) as progress:
        warm_up(progress)
    cancel = CancelToken()
    workers = options.workers or os.cpu_count() or 1
    with (
        ProgressLine(sys.stderr) as progress,
        ThreadPoolExecutor(max_workers=workers) as executor,
    ):
        try:
            return work(
                study,
                library,
                knowledge,
                settings=settings,
                seed=options.seed,
                progress=progress,
                cancel=cancel,
                executor=executor,
            )
        except KeyboardInterrupt:
            cancel.cancel()  # the workers stop before their next kernel call
            raise


def _write(discovery: Discovery, folder: Path) -> list[Path]:
    """Write the three files; each appears whole or not at all."""
    from twinlab.discovery import discovery_mapping, dumps
    from twinlab.report import write_report
    from twinlab.twin import Twin, write_atomically

    json = dumps(discovery_mapping(discovery)).encode()
    return [
        write_atomically(folder / "discovery.json", json),
        write_report(discovery, folder / "report.html"),
        Twin(discovery).save(folder / "model.twin"),
    ]


def _export(options: argparse.Namespace) -> int:
    from twinlab.report import export
    from twinlab.twin import Twin

    twin = Twin.load(options.twin)
    if options.rank is not None:
        twin = Twin(twin.discovery, options.rank)
    print(f"Wrote {export(twin, options.to, options.out)}")
    return DONE


def _report(options: argparse.Namespace) -> int:
    from twinlab.report import write_report
    from twinlab.twin import Twin

    out = Path(options.out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise UserError(
            f"--out: reports are written as HTML, not as '{out.suffix or out.name}'.",
            mend="Give a name that ends in .html.",
        )
    print(f"Wrote {write_report(Twin.load(options.twin), out, show_ids=options.show_ids)}")
    return DONE
