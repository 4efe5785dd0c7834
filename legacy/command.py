"""What the commands' own lines have in common."""
import argparse


def arguments(command, description, argv, *options):
    """The parsed words of `python -m legacy COMMAND …`; `options` are (names, settings) of add_argument.

    Ends the process with status 2 and the usage when they are wrong.
    """
    parser = argparse.ArgumentParser(prog=f'python -m legacy {command}', description=description)
    for *names, settings in options:
        parser.add_argument(*names, **settings)
    return parser.parse_args(argv)
