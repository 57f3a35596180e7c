"""`gar-ssl`: which thing in view is making the sound, from the command line."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import gar_ssl_ros
from gar_ssl_ros.commands import (
    ablate,
    bag,
    calibrate,
    check,
    demo,
    evaluate,
    live,
    localize,
    models,
    pseudo,
    questions,
    report,
    run,
    scenes,
    train,
)
from gar_ssl_ros.commands.arguments import CommandParser
from gar_ssl_ros.errors import FAILED, discard_stdout, sentence, status, told
from gar_ssl_ros.interrupts import heeded, listen


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status: 0 all was done, 1 something failed, 2 wrong usage."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name need not be of any encoding
    try:
        try:
            return _run(arguments)
        finally:
            sys.stdout.flush()  # while an error can still be told
    except BrokenPipeError:  # whoever read the output has enough of it, as `| head` has
        discard_stdout()
        return FAILED
    except OSError as problem:
        discard_stdout()
        print(f"gar-ssl: the output cannot be written: {sentence(problem)}", file=sys.stderr)
        return FAILED


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    with _logging_in_sentences():
        return _outcome(options)


def _outcome(options: argparse.Namespace) -> int:
    listen()
    try:
        code = options.run(options)
        assert isinstance(code, int)
        return code
    except KeyboardInterrupt:
        print("gar-ssl: interrupted; what was computed so far is on disk", file=sys.stderr)
        return FAILED
    except Exception as problem:
        if isinstance(problem, OSError) and problem.filename is None:  # of print: all else names its file
            raise
        print(told(problem), file=sys.stderr)
        return status(problem)
    finally:
        heeded()  # also if it was lost, and it ended before it could be told again


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gar-ssl", description="Which thing in view is making the sound, and why.")
    parser.add_argument("--version", action="version", version=f"gar-ssl {gar_ssl_ros.__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=CommandParser)
    for command in (
        localize,
        live,
        run,
        bag,
        calibrate,
        check,
        evaluate,
        ablate,
        report,
        scenes,
        pseudo,
        train,
        questions,
        models,
        demo,
    ):
        command.add(commands)
    return parser


@contextmanager
def _logging_in_sentences() -> Iterator[None]:
    """What is logged on the way is told as what ends a command is: without a traceback, unless one is asked for."""

    class Sentences(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said, problem = record.getMessage(), record.exc_info[1] if record.exc_info else None
            print(f"gar-ssl: {said}" if problem is None else told(problem, said), file=sys.stderr)

    handler = Sentences(logging.WARNING)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _open_standard_streams() -> None:
    """Give those that were closed somewhere to go, before a file is opened that would be taken for them."""
    while (file := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(file)
    sys.stdin, sys.stdout, sys.stderr = (
        stream or open(number, mode)  # noqa: PTH123, SIM115  # a descriptor, not a file, and for good
        for number, (stream, mode) in enumerate([(sys.stdin, "r"), (sys.stdout, "w"), (sys.stderr, "w")])
    )


if __name__ == "__main__":
    sys.exit(main())
