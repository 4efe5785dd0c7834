"""A module that is not there: importing it, naming its parts and subclassing them is free, using them is
an error.
"""
import types


class Stub(types.ModuleType):
    """Any attribute of it is another stub; calling, indexing or iterating says what is missing."""

    def __init__(self, name):
        super().__init__(name)
        self.__dict__['__path__'] = []
        self.__dict__['__all__'] = []

    def __getattr__(self, name):
        if name.startswith('__') and name.endswith('__'):
            raise AttributeError(name)
        part = Stub(f'{self.__name__}.{name}')
        self.__dict__[name] = part
        return part

    def __mro_entries__(self, bases):
        return (missing_class(self.__name__),)

    def _fail(self, *args, **kwargs):
        top = self.__name__.split('.')[0]
        if self.__name__.startswith('tf.'):
            raise NotImplementedError(
                f'{self.__name__} is gone and `python -m legacy run` does not restore it')
        raise ModuleNotFoundError(f'{self.__name__} is used here, but module {top} is not installed',
                                  name=top)

    __call__ = __getitem__ = __setitem__ = __contains__ = __iter__ = __len__ = __enter__ = _fail
    __add__ = __sub__ = __mul__ = __truediv__ = __neg__ = _fail


def missing_class(name):
    """A base class whose instances cannot be made."""
    def __init__(self, *args, **kwargs):
        module(name)._fail()
    return type(name.rpartition('.')[2], (), {'__init__': __init__})


_MADE = {}


def module(name):
    """The stub for a dotted name; the same object each time."""
    parts = name.split('.')
    if parts[0] not in _MADE:
        _MADE[parts[0]] = Stub(parts[0])
    value = _MADE[parts[0]]
    for part in parts[1:]:
        value = getattr(value, part)
    return value
