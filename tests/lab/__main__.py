"""``python -m tests.lab up [--scale N]|down|status|run CMD...|cut|mend|domains|demo [--state DIR]``: see README.md."""

import argparse
import os
import sys
import time
from pathlib import Path

from tests.lab import control
from tests.lab.demo import demo
from tests.lab.layout import Layout, default_state
from tests.lab.scenarios import SCENARIOS

HOWTO = """\
The lab is up: {domains} domains, resolver 127.0.0.1 inside, Postfix {postfix}.
  python -m tests.lab run COMMAND...   runs COMMAND as a client in the lab, for instance
  python -m tests.lab run posttls-finger -l dane good311.test
  trust store {root}
  server log  {log}
  python -m tests.lab down             stops it"""


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description="a small mail internet")
    parser.add_argument("--state", type=Path, default=default_state(), help="state directory (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start the lab")
    starting.add_argument("--scale", type=int, default=0, metavar="N", help="with N domains more, for benchmarks")
    for name, words in (
        ("down", "stop it and remove its state"),
        ("status", "say what runs; exit 1 if it is down"),
        ("cut", "take the link between client and servers down"),
        ("mend", "bring it up again"),
        ("demo", "scan the whole lab with mxsweep and show the report"),
        ("domains", "list the domains and what is expected of them"),
    ):
        commands.add_parser(name, help=words)
    run = commands.add_parser("run", help="run a command as a client in the lab")
    run.add_argument("argv", nargs=argparse.REMAINDER)
    return parser.parse_args()


def up(layout: Layout, scale: int) -> int:
    """Start the lab and print how to use it."""
    begun = time.monotonic()
    record = control.up(layout, scale)
    said = HOWTO.format(
        domains=len(SCENARIOS) + record.scale, postfix=record.postfix, root=layout.root_pem, log=layout.smtpd_log
    )
    print(f"{said}\n({time.monotonic() - begun:.1f} s)")  # noqa: T201 - a command's output
    return 0


def status(layout: Layout) -> int:
    """Print which processes run."""
    record = control.read(layout)
    alive = control.running(record)
    print(f"lab {'up' if alive else 'down'}: {layout.state}")  # noqa: T201 - a command's output
    if record is not None and alive:
        for name, pid in record.processes.items():
            print(f"  {name} {pid}")  # noqa: T201 - a command's output
        print(f"  postfix: {record.postfix}")  # noqa: T201 - a command's output
    return 0 if alive else 1


def domains() -> int:
    """List the domains, tab-separated: domain, dane, starttls, sender, outcome, reasons, why."""
    for scenario in SCENARIOS:
        expect = scenario.expect
        words = (expect.dane, expect.starttls, expect.sender, expect.outcome, ",".join(expect.reasons))
        print("\t".join((scenario.domain, *words, scenario.why)))  # noqa: T201 - a command's output
    return 0


def run(layout: Layout, argv: list[str]) -> None:
    """Replace this process by ``argv`` in the client's namespaces."""
    command = control.client_command(_up(layout), argv[1:] if argv[:1] == ["--"] else argv)
    os.execvpe(command[0], command, control.client_environment(layout))  # noqa: S606 - a wrapper must not be a parent


def _up(layout: Layout) -> control.LabRecord:
    record = control.read(layout)
    if record is None or not control.running(record):
        raise control.LabError("the lab is down: python -m tests.lab up")
    return record


def _do(layout: Layout, arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "up":
            return up(layout, arguments.scale)
        case "status":
            return status(layout)
        case "domains":
            return domains()
        case "demo":
            return demo(layout)
        case "run":
            run(layout, arguments.argv)
        case "down":
            control.down(layout)
        case "cut":
            _up(layout).namespaces.cut()
        case "mend":
            _up(layout).namespaces.mend()
    return 0


def main() -> int:
    """Execute the command line."""
    arguments = _arguments()
    try:
        return _do(Layout(arguments.state.absolute()), arguments)
    except control.LabError as error:
        print(f"lab: {error}", file=sys.stderr)  # noqa: T201 - a command's output
        return 1


if __name__ == "__main__":
    sys.exit(main())
