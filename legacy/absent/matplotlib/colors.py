"""Ways to say a colour, colour maps from lists, and norms: data → [0, 1]."""
import numpy

from legacy.absent import stub_parts
from legacy.absent.matplotlib.cm import Colormap


def to_rgb(colour):
    """(r, g, b) in [0, 1] of a name, a letter, `#rrggbb`, a grey given as text, or three or four numbers."""
    from PIL import ImageColor

    from legacy.absent.matplotlib.pyplot import plain_colour
    if not isinstance(colour, str):
        return tuple(float(part) for part in colour[:3])
    value = plain_colour(colour)
    value = ImageColor.getrgb(value) if isinstance(value, str) else value
    return tuple(v / 255.0 for v in value[:3])


def to_rgba(colour, alpha=None):
    return to_rgb(colour) + (1.0 if alpha is None else float(alpha),)


def to_hex(colour, keep_alpha=False):
    return '#' + ''.join(f'{int(round(255 * v)):02x}' for v in to_rgb(colour))


def hsv_to_rgb(hsv):
    """[…, 3] in [0, 1] → the same shape."""
    hsv = numpy.asarray(hsv, float)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    # each channel rises and falls along the circle of hues, a third of it apart
    ramps = [numpy.clip(numpy.abs((hue * 6 + shift) % 6 - 3) - 1, 0, 1) for shift in (0, 4, 2)]
    return numpy.stack([value * (1 - saturation * (1 - ramp)) for ramp in ramps], -1)


def rgb_to_hsv(rgb):
    """[…, 3] in [0, 1] → the same shape."""
    rgb = numpy.asarray(rgb, float)
    value, span = rgb.max(-1), rgb.max(-1) - rgb.min(-1)
    safe = numpy.where(span > 0, span, 1.0)
    red, green, blue = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    hue = numpy.select([value == red, value == green], [(green - blue) / safe, 2 + (blue - red) / safe],
                       4 + (red - green) / safe)
    hue = numpy.where(span > 0, hue / 6 % 1.0, 0.0)
    return numpy.stack([hue, span / numpy.where(value > 0, value, 1.0), value], -1)


rgb2hex = to_hex
hex2color = to_rgb


class LinearSegmentedColormap(Colormap):
    """Made by `from_list`; a dictionary of segments gives the colours at its corners."""

    def __init__(self, name, segmentdata, N=256, gamma=1.0):
        at = numpy.linspace(0, 1, 64)
        channels = [numpy.interp(at, [row[0] for row in segmentdata[c]], [row[2] for row in segmentdata[c]])
                    for c in ('red', 'green', 'blue')]
        super().__init__(name, numpy.stack(channels, 1))
        self.N = N


class ListedColormap(Colormap):
    """One flat colour after another."""

    def __init__(self, colors, name='from_list', N=None):
        super().__init__(name, [to_rgb(c) for c in colors])
        self.colors, self.N = colors, N or len(self.anchors)

    def __call__(self, values, *args, **kwargs):
        values = numpy.asarray(values)
        count = len(self.anchors)
        index = values if values.dtype.kind in 'iu' else (values * count).astype(int)
        rgb = self.anchors[numpy.clip(index, 0, count - 1)]
        return numpy.concatenate([rgb, numpy.ones(rgb.shape[:-1] + (1,))], -1)


class Normalize:
    """(x − vmin) / (vmax − vmin); the limits are those of the data where they are not given."""

    def __init__(self, vmin=None, vmax=None, clip=False):
        self.vmin, self.vmax, self.clip = vmin, vmax, clip

    def scaled(self, values):
        return numpy.asarray(values, float)

    def __call__(self, values, clip=None):
        values = self.scaled(values)
        low = numpy.nanmin(values) if self.vmin is None else self.scaled(self.vmin)
        high = numpy.nanmax(values) if self.vmax is None else self.scaled(self.vmax)
        result = (values - low) / ((high - low) or 1.0)
        return numpy.clip(result, 0, 1) if self.clip or clip else result


class NoNorm(Normalize):
    def __call__(self, values, clip=None):
        return numpy.asarray(values, float)


class LogNorm(Normalize):
    def scaled(self, values):
        return numpy.log10(numpy.maximum(numpy.asarray(values, float), 1e-300))


cnames = {}
colorConverter = type('ColorConverter', (), {'to_rgb': staticmethod(to_rgb),
                                             'to_rgba': staticmethod(to_rgba)})()
ColorConverter = type(colorConverter)
__getattr__ = stub_parts.missing('matplotlib.colors')
