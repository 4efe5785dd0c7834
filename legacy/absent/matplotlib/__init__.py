"""The part of matplotlib that training scripts use to write pictures, on Pillow: images, lines, points,
contours, grids.
"""
from legacy.absent import stub_parts

__version__ = '0.0'
rcParams = {}


def use(backend, *args, **kwargs):
    """There is only one way to draw here."""


def rc(*args, **kwargs):
    """Styles are ignored."""


rcdefaults = interactive = rc_context = rc


def get_backend():
    return 'agg'


_missing = stub_parts.missing('matplotlib')


def __getattr__(name):
    if name in ('pyplot', 'gridspec', 'cm', 'colors', 'animation', 'pylab'):
        import importlib
        return importlib.import_module('legacy.absent.matplotlib.' + ('pyplot' if name == 'pylab' else name))
    return _missing(name)
