"""What `run` says and remembers: choices it had to make (once each, on stderr) and the symbols it
restored.
"""
import os
import sys

SAID = set()
RESTORED = {}      # canonical name → (where it was first used, Symbol or None)

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_PREFIX = os.path.realpath(sys.prefix) + os.sep


def caller():
    """`file:line` of the nearest frame that belongs to the old script."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if '__legacy__' in frame.f_builtins and not name.startswith((_OWN, '<')):
            return f'{os.path.relpath(name) if os.path.isabs(name) else name}:{frame.f_lineno}'
        frame = frame.f_back
    return ''


def say(message, key=None):
    """Prints `message` once per `key` (the message itself when None) on stderr, with the place it is
    about.
    """
    key = key or message
    if key in SAID:
        return
    SAID.add(key)
    where = caller()
    print(f'legacy: {where + ": " if where else ""}{message}', file=sys.stderr)


def restored(name, row=None, where=None):
    """Remembers that `name` was put back, and where the script asked for it first."""
    if name not in RESTORED:
        RESTORED[name] = (where or caller(), row)


def report(stream):
    """Writes the list `--explain` asks for: place, symbol, what is in its place, the modern form."""
    print(f'legacy: {len(RESTORED)} restored symbol(s)', file=stream)
    for name, (where, row) in sorted(RESTORED.items(), key=lambda item: (item[1][0], item[0])):
        text = f'  {where or "?"}: {name}'
        if row is not None:
            what = row.restore
            what = {'=': 'is now ' + what[1:], 't': 'translated in memory'}.get(what[:1], what) \
                if what == 'translate' or what.startswith('=') else 'legacy.' + what
            text += f' ({what}; today: {row.modern})'
        print(text, file=stream)
