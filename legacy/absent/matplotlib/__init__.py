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
# what they make is handed to axes that take it and ignore it
_SETTINGS = ('ticker', 'patches', 'lines', 'font_manager', 'dates', 'transforms', 'patheffects')


def __getattr__(name):
    import importlib
    if name in ('pyplot', 'gridspec', 'cm', 'colors', 'animation', 'pylab', 'image'):
        part = 'pyplot' if name in ('pylab', 'image') else name
        return importlib.import_module('legacy.absent.matplotlib.' + part)
    if name in _SETTINGS:
        return importlib.import_module('legacy.absent.matplotlib.pyplot').Anything()
    return _missing(name)
