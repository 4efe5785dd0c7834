"""Commands a script starts: `python other.py` meant the Python of its time, so `legacy run` runs it too."""
import os
import re
import shlex
import sys

from legacy import notes

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OPTIONS = []                # of this `legacy run`, for the Python scripts that its script starts
_PYTHON = re.compile(r'(.*/)?python[\d.]*$')
_IN_SHELL = re.compile(r'(?<![\w./-])([\w./-]*/)?python[\d.]*(\s+-[uBOEs]+)*(?=\s+(-m\s+|[^\s-]\S*\.py\b))')


def _launcher():
    # the one setting goes with the command, so that any environment and any shell will do
    path = os.pathsep.join([ROOT] + list(filter(None, [os.environ.get('PYTHONPATH')])))
    return ['env', 'PYTHONPATH=' + path, sys.executable, '-m', 'legacy', 'run', *OPTIONS]


def old_python(command):
    """`command` (text for a shell, or words) with `legacy run` in the place of Python before every script."""
    if isinstance(command, (list, tuple)):
        changed = _words([os.fsdecode(word) for word in command])
    elif isinstance(command, str):
        changed = _IN_SHELL.sub(lambda found: shlex.join(_launcher()), command)
    else:
        return command
    if changed != (list(command) if isinstance(command, tuple) else command):
        said = command if isinstance(command, str) else ' '.join(map(os.fsdecode, command))
        notes.say(f'{said[:60]}: its Python script runs as `python -m legacy run` runs it', 'child python')
    return changed


def _words(words):
    if not words or not (_PYTHON.match(words[0]) or words[0] == sys.executable):
        return words
    rest = words[1:]
    while rest and re.fullmatch(r'-[uBOEs]+', rest[0]):
        rest = rest[1:]
    if rest and (rest[0] == '-m' or rest[0].endswith('.py')):
        return _launcher() + rest
    return [sys.executable] + words[1:]
