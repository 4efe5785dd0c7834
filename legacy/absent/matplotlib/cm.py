"""Colour maps: value in [0, 1] → RGB in [0, 1], linear between a few anchor colours."""
import numpy

_ANCHORS = {'gray': [(0, 0, 0), (1, 1, 1)], 'hot': [(0.04, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1)], 'jet': [(
            0, 0, 0.5), (0, 0, 1), (0, 1, 1), (1, 1, 0), (1, 0, 0), (0.5, 0, 0)], 'viridis': [(0.267, 0.005,
            0.329), (0.229, 0.322, 0.546), (0.128, 0.567, 0.551), (0.369, 0.789, 0.383), (0.993, 0.906,
            0.144)], 'coolwarm': [(0.23, 0.30, 0.75), (0.87, 0.87, 0.87), (0.71, 0.02, 0.15)], 'Blues': [(
            0.97, 0.98, 1), (0.42, 0.68, 0.84), (0.03, 0.19, 0.42)], 'Reds': [(1, 0.96, 0.94), (0.98, 0.42,
            0.29), (0.40, 0, 0.05)],}
_SAME = {'grey': 'gray', 'binary': 'gray_r', 'Greys': 'gray_r', 'bone': 'gray', 'plasma': 'hot',
         'inferno': 'hot', 'magma': 'hot', 'rainbow': 'jet', 'hsv': 'jet', 'spectral': 'jet',
         'nipy_spectral': 'jet', 'RdBu': 'coolwarm_r', 'bwr': 'coolwarm'}


class Colormap:
    """Call it with numbers in [0, 1] for RGBA."""

    def __init__(self, name, colours=None):
        self.name = name
        self.N = 256
        if colours is not None:
            self.anchors = numpy.array(colours, float)[:, :3]
            return
        base = _SAME.get(name, name)
        if base.endswith('_r'):
            base, backwards = _SAME.get(base[:-2], base[:-2]), True
        else:
            backwards = False
        if base.endswith('_r'):
            base, backwards = base[:-2], not backwards
        anchors = numpy.array(_ANCHORS.get(base, _ANCHORS['viridis']), float)
        self.anchors = anchors[::-1] if backwards else anchors

    @classmethod
    def from_list(cls, name, colors, N=256, **kwargs):
        """A map through the given colours (any way to say a colour, or pairs of position and colour)."""
        from legacy.absent.matplotlib.colors import to_rgb
        colors = [to_rgb(c[1] if len(c) == 2 and not isinstance(c, str) else c) for c in colors]
        made = Colormap(name, colors if len(colors) > 1 else colors * 2)
        made.N = N
        return made

    def set_bad(self, *args, **kwargs):
        """Values that are no numbers take the lowest colour."""

    set_under = set_over = set_bad

    def __call__(self, values, *args, **kwargs):
        values = numpy.clip(numpy.asarray(values, float), 0, 1)
        at = numpy.linspace(0, 1, len(self.anchors))
        rgb = [numpy.interp(values, at, self.anchors[:, n]) for n in range(3)]
        return numpy.stack(rgb + [numpy.ones_like(values)], -1)


def get_cmap(name=None, lut=None):
    return name if isinstance(name, Colormap) else Colormap(name or 'viridis')


def __getattr__(name):
    if name.startswith('__'):
        raise AttributeError(name)
    return Colormap(name)
