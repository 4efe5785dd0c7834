"""Names a stand-in does not have: the place is held, using it says which library to install."""
from legacy.absent import stub


def missing(module):
    """A `__getattr__` for a stand-in module."""
    def getattr_(name):
        if name.startswith('__'):
            raise AttributeError(name)
        return stub.module(f'{module}.{name}')
    return getattr_
