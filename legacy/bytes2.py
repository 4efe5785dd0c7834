"""What Session.run gives for strings in a Python 2 project: bytes that go together with text, as str did."""
import numpy


def _text(data):
    return data.decode('utf-8', 'surrogateescape')


def _bytes(data):
    return data.encode('utf-8', 'surrogateescape') if isinstance(data, str) else data


def _taking_text(name):
    plain = getattr(bytes, name)

    def method(self, *args):
        args = [tuple(map(_bytes, a)) if isinstance(a, tuple) else _bytes(a) for a in args]
        return wrapped(plain(self, *args))
    method.__name__ = name
    return method


class Bytes(bytes):
    """Still the bytes that files and graphs take; with text, joined, compared or printed, it is text."""

    def __str__(self):
        return _text(self)

    def __repr__(self):
        return repr(_text(self))

    def __reduce_ex__(self, protocol):
        return bytes, (bytes(bytearray(self)),)                   # a pickle is read without this project

    def __format__(self, spec):
        return format(_text(self), spec)

    def __add__(self, other):
        return _text(self) + other if isinstance(other, str) else Bytes(bytes.__add__(self, other))

    def __radd__(self, other):
        return other + _text(self)

    def __mod__(self, values):
        return _text(self) % values

    def __getitem__(self, index):
        found = bytes.__getitem__(self, index)
        return Bytes(found if isinstance(found, bytes) else bytes([found]))

    def __iter__(self):
        return (self[n] for n in range(len(self)))

    def __contains__(self, part):
        return bytes.__contains__(self, _bytes(part))

    def __eq__(self, other):
        return bytes.__eq__(self, _bytes(other))

    def __ne__(self, other):
        return not self == other

    def __hash__(self):                           # a dictionary's keys are the script's own text
        return hash(_text(self))

    def join(self, parts):
        return _text(self).join(str(part) for part in parts)

    for _name in ('count', 'endswith', 'find', 'index', 'lower', 'lstrip', 'partition', 'replace', 'rfind',
                  'rindex', 'rpartition', 'rsplit', 'rstrip', 'split', 'splitlines', 'startswith', 'strip',
                  'upper', 'zfill'):
        locals()[_name] = _taking_text(_name)
    del _name


def wrapped(value):
    """The same value with every bytes in it a Bytes: in arrays of strings, lists, tuples and dictionaries."""
    if type(value) is bytes:
        return Bytes(value)
    if isinstance(value, numpy.ndarray) and value.dtype == object:
        changed = numpy.empty_like(value)
        changed[...] = value
        for place, item in numpy.ndenumerate(value):
            changed[place] = wrapped(item)
        return changed
    if isinstance(value, dict):
        return type(value)((key, wrapped(item)) for key, item in value.items())
    if isinstance(value, tuple) and hasattr(value, '_fields'):
        return type(value)(*map(wrapped, value))
    if type(value) in (list, tuple):
        return type(value)(map(wrapped, value))
    return value


def install():
    """Session.run gives such strings from now on."""
    from tensorflow.python.client import session
    base = session.BaseSession
    if getattr(base.run, 'gives_text', False):
        return
    plain = base.run

    def run(self, *args, **kwargs):
        return wrapped(plain(self, *args, **kwargs))
    run.gives_text = True
    base.run = run
