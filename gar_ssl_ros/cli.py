"""`gar-ssl`: which thing in view is making the sound, from the command line."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from gar_ssl_ros.commands import ablate, bag, check, demo, evaluate, localize, report, run, scenes
from gar_ssl_ros.commands.arguments import FAILED


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 where all was done, 1 where something failed; usage errors exit with 2."""
    parser = argparse.ArgumentParser(prog="gar-ssl", description="Which thing in view is making the sound, and why.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in (localize, run, bag, check, evaluate, ablate, report, scenes, demo):
        command.add(commands)
    options = parser.parse_args(arguments)
    for wanted in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a script's background jobs are born deaf to it
        signal.signal(wanted, _interrupt)
    try:
        code = options.run(options)
    except KeyboardInterrupt:
        print("gar-ssl: interrupted; what was computed so far is on disk", file=sys.stderr)
        return FAILED
    assert isinstance(code, int)
    return code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
