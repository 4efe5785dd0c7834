"""`python -m legacy COMMAND …`: run, check, convert, checkpoint."""
import importlib
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

USAGE = """usage: python -m legacy run [--stop_after N] [--map_path OLD=NEW]… [--explain]
                            [-m] SCRIPT [ARGUMENT…]
       python -m legacy check PATH [--json]
       python -m legacy convert SRC DST
       python -m legacy checkpoint SRC [--to DST] [--rules FILE]"""

COMMANDS = ('run', 'check', 'convert', 'checkpoint')


def own_path_first():
    """Puts this project in front of the working directory, which `python -m` would search first.

    Old projects have an `errors.py`, an `ops.py`, a `utils.py` of their own; ours must not be taken for
    theirs.
    """
    cwd = os.getcwd()
    sys.path[:] = [ROOT] + [p for p in sys.path if os.path.abspath(p or cwd) not in (ROOT, cwd)]


def main(argv):
    """Dispatches on the first word; returns the exit status (2: wrong usage)."""
    if not argv or argv[0] in ('-h', '--help', 'help'):
        print(USAGE)
        return 0 if argv else 2
    if argv[0] not in COMMANDS:
        print(f'legacy: unknown command {argv[0]!r}; one of: {", ".join(COMMANDS)}\n{USAGE}', file=sys.stderr)
        return 2
    own_path_first()
    from errors import UserError
    try:
        return importlib.import_module('legacy.' + argv[0]).main(argv[1:])
    except UserError as error:
        print(f'legacy {argv[0]}: {error}', file=sys.stderr)
        return error.status


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
