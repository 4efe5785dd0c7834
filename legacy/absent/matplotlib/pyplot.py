"""matplotlib.pyplot for scripts that save figures: figures hold axes, axes hold what was drawn, savefig
paints it with Pillow.
"""
import os
import sys

import numpy
from PIL import Image, ImageDraw, ImageFont

from legacy import notes
from legacy.absent import stub_parts
from legacy.absent.matplotlib import gridspec as _gridspec
from legacy.absent.matplotlib.cm import get_cmap  # noqa: F401 (pyplot.get_cmap)

DPI = 100
CYCLE = ['#1f77b4', '#ff7f0e', '#2ca02c', '#d62728', '#9467bd', '#8c564b', '#e377c2', '#7f7f7f', '#bcbd22',
         '#17becf']
LETTERS = {'b': '#0000ff', 'g': '#008000', 'r': '#ff0000', 'c': '#00bfbf', 'm': '#bf00bf', 'y': '#bfbf00',
           'k': '#000000', 'w': '#ffffff'}
rcParams = {'figure.figsize': (6.4, 4.8)}


def plain_colour(value, n=0):
    """Any of matplotlib's ways to say a colour → what Pillow takes."""
    if value is None:
        return CYCLE[n % len(CYCLE)]
    if isinstance(value, str):
        value = value.removeprefix('tab:')
        if value in LETTERS:
            return LETTERS[value]
        if value[:1] == 'C' and value[1:].isdigit():
            return CYCLE[int(value[1:]) % len(CYCLE)]
        try:
            grey = int(255 * float(value))
            return (grey, grey, grey)
        except ValueError:
            return value
    parts = numpy.asarray(value, float).ravel()[:3]
    return tuple(int(round(255 * p)) for p in parts)


def _given(*values):
    """The first value that was given; a colour may be an array, which has no truth value."""
    return next((value for value in values if value is not None), None)


class Artist:
    """What drawing functions return; its setters keep what they are given."""

    def __init__(self, **kwargs):
        self.__dict__.update(kwargs)

    def __getattr__(self, name):
        if name.startswith('set_'):
            return lambda *args, **kwargs: self.__dict__.__setitem__(name[4:], args[0] if len(args) == 1
                                                                     else args)
        if name.startswith('get_'):
            return lambda *args, **kwargs: self.__dict__.get(name[4:])
        if name == 'remove':
            return self._remove
        raise AttributeError(name)

    def _remove(self):
        axes = self.__dict__.get('axes')
        if axes is not None:
            axes.artists = [artist for artist in axes.artists if artist is not self]

    def set_data(self, *args):
        if self.kind == 'image':
            self.data = numpy.asarray(args[0])
        else:
            self.x, self.y = [numpy.ravel(numpy.asarray(a, float)) for a in args]


class Axes(Artist):
    """One plot: a list of artists, limits, title, labels, frame."""

    def __init__(self, figure, box):
        super().__init__(figure=figure, box=box, artists=[], limits=[None, None], frame=True, names={},
                         legend_on=False, log=[False, False], n=0, grid_on=False, flipped=False)
        self.spines = Anything()
        self.xaxis = self.yaxis = Anything()
        self.axes = self

    def __getattr__(self, name):
        if name.startswith(('set_', 'get_', '_')):
            return super().__getattr__(name)
        return left_out(name)

    # ---- drawing ----

    def imshow(self, X, cmap=None, norm=None, aspect=None, interpolation=None, alpha=None, vmin=None,
               vmax=None, origin=None, extent=None, **kwargs):
        data = numpy.asarray(X.convert('RGBA') if isinstance(X, Image.Image) else X)
        if data.ndim == 3 and data.shape[2] == 1:
            data = data[:, :, 0]
        if data.ndim not in (2, 3) or data.ndim == 3 and data.shape[2] not in (3, 4):
            raise TypeError(f'Invalid shape {data.shape} for image data')
        artist = Artist(kind='image', data=data, cmap=cmap, vmin=vmin, vmax=vmax, origin=origin, norm=norm,
                        extent=extent, axes=self, aspect=aspect)
        self.artists.append(artist)
        return artist

    matshow = imshow

    def plot(self, *args, color=None, c=None, label=None, linewidth=None, lw=None, linestyle=None,
             marker=None, markersize=None, ms=None, **kwargs):
        made, args = [], list(args)
        while args:
            x = args.pop(0)
            y = args.pop(0) if args and not isinstance(args[0], str) else None
            style = args.pop(0) if args and isinstance(args[0], str) else ''
            if y is None:
                x, y = numpy.arange(numpy.shape(x)[0]), x
            x, y = numpy.asarray(x, float), numpy.asarray(y, float)
            columns = [y] if y.ndim == 1 else list(y.T) if y.ndim == 2 else [y.ravel()]
            for column in columns:
                letter = next((s for s in style if s in LETTERS), None)
                mark = marker or next((s for s in style.replace('-.', '') if s in '.o*+xsv^dD,'), None)
                line = linestyle not in ('', 'None', 'none') and ('-' in style or ':' in style or not mark
                                                                  or linestyle is not None)
                artist = Artist(
                    kind='line', x=numpy.ravel(x), y=numpy.ravel(column),
                    colour=plain_colour(_given(color, c, letter), self.n), line=line, mark=mark, label=label,
                    width=linewidth or lw or 1.5, size=(markersize or ms or 4),
                )
                self.n += color is None and c is None and letter is None
                self.artists.append(artist)
                made.append(artist)
        return made

    def semilogy(self, *args, **kwargs):
        self.log[1] = True
        return self.plot(*args, **kwargs)

    def semilogx(self, *args, **kwargs):
        self.log[0] = True
        return self.plot(*args, **kwargs)

    def loglog(self, *args, **kwargs):
        self.log[:] = [True, True]
        return self.plot(*args, **kwargs)

    def scatter(self, x, y, s=20, c=None, marker='o', cmap=None, color=None, label=None, edgecolor=None,
                alpha=None, vmin=None, vmax=None, **kwargs):
        x, y = numpy.ravel(numpy.asarray(x, float)), numpy.ravel(numpy.asarray(y, float))
        c = color if color is not None else c
        numbers = c is not None and not isinstance(c, str) and numpy.ndim(c) == 1 and numpy.size(
            c) == x.size and numpy.asarray(c).dtype.kind in 'iufb'
        if numbers:
            values = numpy.asarray(c, float)
            low, high = (values.min() if vmin is None else vmin), (values.max() if vmax is None else vmax)
            colours = [plain_colour(v) for v in get_cmap(cmap)((values - low) / ((high - low) or 1))]
        elif c is not None and not isinstance(c, str) and len(c) == x.size and x.size != 3:
            colours = [plain_colour(v) for v in c]
        else:
            colours = [plain_colour(c, self.n)] * x.size
            self.n += c is None
        artist = Artist(kind='points', x=x, y=y, colours=colours, mark=marker or 'o', size=max(1.0, float(
                    numpy.mean(s)) ** 0.5), label=label, colour=colours[0] if colours else 'black')
        self.artists.append(artist)
        return artist

    def hist(self, x, bins=10, range=None, density=None, normed=None, weights=None, color=None, alpha=None,
             label=None, histtype='bar', **kwargs):
        counts, edges = numpy.histogram(numpy.ravel(numpy.asarray(x, float)), bins, range, weights=weights,
                                        density=bool(density or normed))
        self._bars(edges[:-1], numpy.zeros_like(counts, float), numpy.diff(edges), counts, color, label)
        return counts, edges, []

    def bar(self, x, height, width=0.8, bottom=None, color=None, label=None, align='center', **kwargs):
        x = numpy.arange(len(x)) if len(x) and isinstance(x[0], str) else numpy.asarray(x, float)
        width = numpy.broadcast_to(numpy.asarray(width, float), x.shape)
        bottom = numpy.broadcast_to(numpy.asarray(0 if bottom is None else bottom, float), x.shape)
        self._bars(x - width / 2 if align == 'center' else x, bottom, width, numpy.asarray(height, float),
                   color, label)
        return []

    def _bars(self, left, bottom, width, height, color, label):
        self.artists.append(
            Artist(
                kind='bars', left=left, bottom=bottom, width=width, height=height,
                colour=plain_colour(color, self.n), label=label, x=numpy.concatenate([left, left + width]),
                y=numpy.concatenate([bottom, bottom + height]),
            )
        )
        self.n += color is None

    def step(self, x, y, *args, where='pre', **kwargs):
        x, y = numpy.asarray(x, float), numpy.asarray(y, float)
        xs, ys = numpy.repeat(x, 2), numpy.repeat(y, 2)
        return self.plot(*((xs[:-1], ys[1:]) if where == 'pre' else (xs[1:], ys[:-1])), *args, **kwargs)

    def errorbar(self, x, y, yerr=None, xerr=None, fmt='', **kwargs):
        """The line, and a vertical stroke at each point."""
        x, y = numpy.asarray(x, float), numpy.asarray(y, float)
        if yerr is not None:
            errors = numpy.asarray(yerr, float)
            low, high = (errors if errors.ndim == 2 else (errors, errors))
            self.vlines(x, y - low, y + high)
        return self.plot(x, y, fmt, **{key: value for key, value in kwargs.items() if key in (
            'color', 'c', 'label', 'linewidth', 'lw', 'linestyle', 'marker')})

    def vlines(self, x, ymin, ymax, colors='k', label=None, **kwargs):
        for at, low, high in numpy.broadcast(numpy.asarray(x, float), ymin, ymax):
            self.plot([at, at], [low, high], color=colors if isinstance(colors, str) else 'k')

    def hlines(self, y, xmin, xmax, colors='k', label=None, **kwargs):
        for at, low, high in numpy.broadcast(numpy.asarray(y, float), xmin, xmax):
            self.plot([low, high], [at, at], color=colors if isinstance(colors, str) else 'k')

    def barh(self, y, width, height=0.8, left=None, color=None, label=None, **kwargs):
        y = numpy.arange(len(y)) if len(y) and isinstance(y[0], str) else numpy.asarray(y, float)
        height = numpy.broadcast_to(numpy.asarray(height, float), y.shape)
        left = numpy.broadcast_to(numpy.asarray(0 if left is None else left, float), y.shape)
        self._bars(left, y - height / 2, numpy.asarray(width, float), height, color, label)
        return []

    def fill_between(self, x, y1, y2=0, color=None, facecolor=None, alpha=None, label=None, **kwargs):
        x = numpy.asarray(x, float)
        y1, y2 = [numpy.broadcast_to(numpy.asarray(y, float), x.shape) for y in (y1, y2)]
        self.artists.append(Artist(kind='area', x=numpy.concatenate([x, x[::-1]]), y=numpy.concatenate([y1,
                        y2[::-1]]), colour=plain_colour(_given(color, facecolor), self.n), label=label))

    def contour(self, *args, levels=None, cmap=None, colors=None, **kwargs):
        args = list(args)
        if len(args) in (2, 4):
            levels = args.pop()
        z = numpy.asarray(args[-1], float)
        x, y = (numpy.asarray(args[0], float), numpy.asarray(args[1],
                                                             float)) if len(args) == 3 else map(numpy.arange,
                                                                                                z.shape[::-1])
        x, y = (x[0] if x.ndim == 2 else x), (y[:, 0] if y.ndim == 2 else y)
        if levels is None or numpy.ndim(levels) == 0:
            levels = numpy.linspace(z.min(), z.max(), (int(levels) if levels is not None else 7) + 2)[1:-1]
        levels = numpy.asarray(levels, float)
        shades = get_cmap(cmap)((levels - levels.min()) / ((levels.max() - levels.min()) or 1))
        for level, shade in zip(levels, shades):
            segments = _contour_segments(x, y, z, level)
            if len(segments):
                self.artists.append(Artist(kind='segments', segments=segments, colour=plain_colour(colors
                            if isinstance(colors, str) else shade), x=segments[:, [0, 2]].ravel(), y=segments[
                            :, [1, 3]].ravel(), label=None))
        return Artist(levels=levels, kind='contour', collections=[])

    def contourf(self, *args, cmap=None, **kwargs):
        z = numpy.asarray(args[2] if len(args) >= 3 else args[0], float)
        extent = None
        if len(args) >= 3:
            x, y = numpy.asarray(args[0], float), numpy.asarray(args[1], float)
            extent = (x.min(), x.max(), y.min(), y.max())
        return self.imshow(z, cmap=cmap, origin='lower', extent=extent)

    def pcolormesh(self, *args, **kwargs):
        return self.contourf(*args, cmap=kwargs.get('cmap'))

    pcolor = pcolormesh

    def axhline(self, y=0, *args, color=None, c=None, **kwargs):
        self.artists.append(Artist(kind='rule', at=y, axis=1, colour=plain_colour(_given(color, c, 'C0')),
                                   x=numpy.zeros(0), y=numpy.array([y], float), label=None))

    def axvline(self, x=0, *args, color=None, c=None, **kwargs):
        self.artists.append(Artist(kind='rule', at=x, axis=0, colour=plain_colour(_given(color, c, 'C0')),
                                   x=numpy.array([x], float), y=numpy.zeros(0), label=None))

    def text(self, x, y, s, color='black', **kwargs):
        self.artists.append(Artist(kind='text', x=numpy.zeros(0), y=numpy.zeros(0), at=(x, y), s=str(s),
                                   colour=plain_colour(color), label=None))

    def annotate(self, s='', xy=(0, 0), xytext=None, text=None, **kwargs):
        self.text(*(xytext or xy), text or s)

    # ---- settings ----

    def set_xlim(self, *args, left=None, right=None, xmin=None, xmax=None, **kwargs):
        self.limits[0] = _limits(args, left if left is not None else xmin, right if right is not None
                                 else xmax)

    def set_ylim(self, *args, bottom=None, top=None, ymin=None, ymax=None, **kwargs):
        self.limits[1] = _limits(args, bottom if bottom is not None else ymin, top if top is not None
                                 else ymax)

    def get_xlim(self):
        return self._range(0)

    def get_ylim(self):
        return self._range(1)

    def axis(self, *args, **kwargs):
        if args and isinstance(args[0], str):
            self.frame = args[0] not in ('off', 'none') and (self.frame or args[0] == 'on')
        elif args and args[0] is False:
            self.frame = False
        elif args and args[0] is not True:
            self.limits = [tuple(args[0][:2]), tuple(args[0][2:])]
        return self._range(0) + self._range(1)

    def set_axis_off(self):
        self.frame = False

    def set_title(self, text, *args, **kwargs):
        self.names['title'] = str(text)

    def set_xlabel(self, text, *args, **kwargs):
        self.names['x'] = str(text)

    def set_ylabel(self, text, *args, **kwargs):
        self.names['y'] = str(text)

    def set_xscale(self, value, *args, **kwargs):
        self.log[0] = value == 'log'

    def set_yscale(self, value, *args, **kwargs):
        self.log[1] = value == 'log'

    def set_xticklabels(self, labels, *args, **kwargs):
        if not len(labels):
            self.names['noticks'] = True

    set_yticklabels = set_xticklabels

    def set_xticks(self, ticks, *args, **kwargs):
        if not len(ticks):
            self.names['noticks'] = True

    set_yticks = set_xticks

    def legend(self, *args, **kwargs):
        labels = next((a for a in args[::-1] if isinstance(a, (list, tuple)) and a and isinstance(a[0], str)),
                      kwargs.get('labels', []))
        for artist, label in zip([a for a in self.artists if hasattr(a, 'colour')], labels):
            artist.label = label
        self.legend_on = True
        return Artist(kind='legend')

    def grid(self, *args, **kwargs):
        self.grid_on = not args or bool(args[0])

    def invert_yaxis(self):
        self.flipped = not self.flipped

    def cla(self):
        self.__init__(self.figure, self.box)

    clear = cla

    def _ignore(self, *args, **kwargs):
        """Has no visible part here."""

    tick_params = set_aspect = set_facecolor = set_axis_bgcolor = relim = autoscale = autoscale_view = _ignore
    margins = minorticks_on = set_frame_on = set_anchor = ticklabel_format = locator_params = _ignore
    set_zlabel = set_zlim = view_init = _ignore

    def twinx(self):
        return self

    # ---- painting ----

    def _range(self, axis):
        if self.limits[axis] is not None:
            return self.limits[axis]
        values = []
        for a in self.artists:
            if a.kind == 'image':
                height, width = a.data.shape[:2]
                extent = a.extent or (-0.5, width - 0.5, -0.5, height - 0.5)
                values += extent[:2] if axis == 0 else extent[2:]
            elif hasattr(a, 'x'):
                v = (a.x, a.y)[axis]
                v = v[numpy.isfinite(v) & (~numpy.full(v.shape, self.log[axis]) | (v > 0))]
                values += [v.min(), v.max()] if v.size else []
        if not values:
            return 0.0, 1.0
        low, high = float(min(values)), float(max(values))
        if all(a.kind == 'image' for a in self.artists):
            return low, high
        margin = 0.05 * (high - low) or 0.5
        return (low * 0.9 or low, high * 1.1) if self.log[axis] else (low - margin, high + margin)

    def paint(self, canvas):
        """Draws onto a PIL RGB image of the figure's size."""
        width, height = canvas.size
        left, top, right, bottom = [int(round(v)) for v in (self.box[0] * width, self.box[1] * height,
                                                            self.box[2] * width, self.box[3] * height)]
        if right <= left or bottom <= top:
            return
        images = [a for a in self.artists if a.kind == 'image']
        if images and images[-1].extent is None and images[-1].aspect != 'auto' and len(images) == len(
            self.artists):
            rows, cols = images[-1].data.shape[:2]
            scale = min((right - left) / cols, (bottom - top) / rows)
            w, h = max(1, int(cols * scale)), max(1, int(rows * scale))
            left, top = left + (right - left - w) // 2, top + (bottom - top - h) // 2
            right, bottom = left + w, top + h
        draw = ImageDraw.Draw(canvas)
        (x0, x1), (y0, y1) = self._range(0), self._range(1)

        def place(x, y):
            with numpy.errstate(all='ignore'):
                u = _unit(numpy.asarray(x, float), x0, x1, self.log[0])
                v = _unit(numpy.asarray(y, float), y0, y1, self.log[1])
            v = 1 - v if self.flipped else v
            return left + u * (right - left), bottom - v * (bottom - top)

        layer = canvas.copy()
        for artist in self.artists:
            _PAINT[artist.kind](artist, layer, ImageDraw.Draw(layer), place, (left, top, right, bottom))
        canvas.paste(layer.crop((left, top, right, bottom)), (left, top))
        if self.frame:
            draw.rectangle([left, top, right - 1, bottom - 1], outline='black')
            if not self.names.get('noticks') and not images:
                _ticks(draw, (left, top, right, bottom), (x0, x1), (y0, y1))
            font = _font(11)
            for key, at, anchor in (('x', ((left + right) / 2, bottom + 18), 'mt'), ('y', (left, top - 2),
                                                                                     'lb')):
                if self.names.get(key):
                    draw.text(at, self.names[key], fill='black', font=font, anchor=anchor)
        if self.names.get('title'):
            draw.text(((left + right) / 2, top - 3), self.names['title'], fill='black', font=_font(12),
                      anchor='mb')
        if self.legend_on:
            named = [a for a in self.artists if getattr(a, 'label', None)]
            for n, artist in enumerate(named):
                y = top + 8 + 14 * n
                draw.line([left + 8, y + 6, left + 24, y + 6], fill=artist.colour, width=2)
                draw.text((left + 28, y), str(artist.label), fill='black', font=_font(10))


def _unit(values, low, high, log):
    if log:
        values, low, high = numpy.log10(numpy.maximum(values, 1e-300)), numpy.log10(max(low,
                1e-300)), numpy.log10(max(high, 1e-300))
    return (values - low) / ((high - low) or 1.0)


def _limits(args, low, high):
    if len(args) == 1 and hasattr(args[0], '__len__'):
        args = args[0]
    low = args[0] if len(args) > 0 and args[0] is not None else low
    high = args[1] if len(args) > 1 and args[1] is not None else high
    return None if low is None or high is None else (float(low), float(high))


def _font(size):
    try:
        return ImageFont.load_default(size)
    except (TypeError, OSError):                       # Pillow < 10.1 has one size
        return ImageFont.load_default()


def _ticks(draw, box, xs, ys):
    left, top, right, bottom = box
    font = _font(9)
    if right - left < 80 or bottom - top < 60:
        return
    for n in range(5):
        x, y = left + (right - left) * n / 4, bottom - (bottom - top) * n / 4
        draw.line([x, bottom, x, bottom + 3], fill='black')
        draw.line([left - 3, y, left, y], fill='black')
        draw.text((x, bottom + 4), f'{xs[0] + (xs[1] - xs[0]) * n / 4:.4g}', fill='black', font=font,
                  anchor='mt')
        draw.text((left - 5, y), f'{ys[0] + (ys[1] - ys[0]) * n / 4:.4g}', fill='black', font=font,
                  anchor='rm')


def _paint_image(artist, layer, draw, place, box):
    data = artist.data
    if data.ndim == 2:
        values = data.astype(float)
        low = numpy.nanmin(values) if artist.vmin is None else artist.vmin
        high = numpy.nanmax(values) if artist.vmax is None else artist.vmax
        scaled = artist.norm(values) if artist.norm is not None else (values - low) / ((high - low) or 1.0)
        rgb = get_cmap(artist.cmap)(numpy.nan_to_num(scaled))[..., :3]
    else:
        rgb = data[..., :3] / 255.0 if data.dtype.kind in 'iu' else numpy.clip(numpy.nan_to_num(data[...,
                    :3].astype(float)), 0, 1)
    picture = Image.fromarray((rgb * 255 + 0.5).astype(numpy.uint8))
    if artist.origin == 'lower':
        picture = picture.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if artist.extent is not None:
        (x0, x1), (y1, y0) = place(artist.extent[:2], artist.extent[2:])
        box = tuple(int(round(v)) for v in (x0, y0, x1, y1))
    size = max(1, box[2] - box[0]), max(1, box[3] - box[1])
    layer.paste(picture.resize(size, Image.Resampling.NEAREST), box[:2])


def _paint_line(artist, layer, draw, place, box):
    x, y = place(artist.x, artist.y)
    good = numpy.isfinite(x) & numpy.isfinite(y)
    points = [(float(a), float(b)) for a, b in zip(numpy.clip(x[good], -1e6, 1e6), numpy.clip(y[good], -1e6,
                                                                                              1e6))]
    if artist.line and len(points) > 1:
        draw.line(points, fill=artist.colour, width=max(1, int(round(artist.width))))
    if artist.mark or len(points) == 1:
        _marks(draw, points, [artist.colour] * len(points), artist.mark or 'o', artist.size)


def _marks(draw, points, colours, mark, size):
    r = max(0.5, (1.0 if mark in '.,' else 1.5) * size / 3)
    for (x, y), colour in zip(points, colours):
        if mark in ('+', 'x', '*'):
            draw.line([x - r, y, x + r, y], fill=colour)
            draw.line([x, y - r, x, y + r], fill=colour)
        elif mark in ('s', 'D', 'd'):
            draw.rectangle([x - r, y - r, x + r, y + r], fill=colour)
        else:
            draw.ellipse([x - r, y - r, x + r, y + r], fill=colour)


def _paint_points(artist, layer, draw, place, box):
    x, y = place(artist.x, artist.y)
    good = numpy.isfinite(x) & numpy.isfinite(y)
    points = list(zip(x[good].tolist(), y[good].tolist()))
    _marks(draw, points, [c for c, g in zip(artist.colours, good) if g], artist.mark, artist.size)


def _paint_bars(artist, layer, draw, place, box):
    for left, bottom, width, height in zip(artist.left, artist.bottom, artist.width, artist.height):
        x, y = place([left, left + width], [bottom, bottom + height])
        draw.rectangle([min(x), min(y), max(x), max(y)], fill=artist.colour)


def _paint_area(artist, layer, draw, place, box):
    x, y = place(artist.x, artist.y)
    draw.polygon(list(zip(x.tolist(), y.tolist())), fill=artist.colour)


def _paint_segments(artist, layer, draw, place, box):
    ax, ay = place(artist.segments[:, 0], artist.segments[:, 1])
    bx, by = place(artist.segments[:, 2], artist.segments[:, 3])
    for segment in zip(ax.tolist(), ay.tolist(), bx.tolist(), by.tolist()):
        draw.line(segment, fill=artist.colour)


def _paint_rule(artist, layer, draw, place, box):
    x, y = place([artist.at, artist.at], [artist.at, artist.at])
    draw.line([x[0], box[1], x[0], box[3]] if artist.axis == 0 else [box[0], y[0], box[2], y[0]],
              fill=artist.colour)


def _paint_text(artist, layer, draw, place, box):
    x, y = place(*[[v] for v in artist.at])
    draw.text((x[0], y[0]), artist.s, fill=artist.colour, font=_font(10))


_PAINT = {'image': _paint_image, 'line': _paint_line, 'points': _paint_points, 'bars': _paint_bars,
          'area': _paint_area, 'segments': _paint_segments, 'rule': _paint_rule, 'text': _paint_text}


def _contour_segments(x, y, z, level):
    """Line segments [N, 4] (x0, y0, x1, y1) where z crosses `level`, cell by cell (marching squares)."""
    segments = []
    above = z > level
    rows, cols = numpy.nonzero((above[:-1, :-1] != above[1:, :-1]) | (above[:-1, :-1] != above[:-1, 1:])
                               | (above[:-1, :-1] != above[1:, 1:]))
    for i, j in zip(rows, cols):
        corners = [(i, j), (i, j + 1), (i + 1, j + 1), (i + 1, j)]
        cuts = []
        for (a, b), (c, d) in zip(corners, corners[1:] + corners[:1]):
            if above[a, b] != above[c, d]:
                t = (level - z[a, b]) / (z[c, d] - z[a, b])
                cuts.append((x[b] + t * (x[d] - x[b]), y[a] + t * (y[c] - y[a])))
        for start, end in zip(cuts[::2], cuts[1::2]):
            segments.append(start + end)
    return numpy.array(segments, float).reshape(-1, 4)


class Anything:
    """Settings of ticks and frames: taken and ignored."""

    def __getattr__(self, name):
        if name.startswith('__'):
            raise AttributeError(name)
        return self

    def __call__(self, *args, **kwargs):
        return self

    def __getitem__(self, key):
        return self

    def __iter__(self):
        return iter(())

    def values(self):
        return []


def left_out(name):
    """A drawing function that has no part here: the picture goes without it, which is said."""
    if name.startswith('_'):
        raise AttributeError(name)

    def draw_nothing(*args, **kwargs):
        notes.say(f'matplotlib: {name} is left out of the picture', 'left out ' + name)
        return Anything()
    draw_nothing.__name__ = name
    return draw_nothing


class _Canvas(Anything):
    """What scripts read a figure's pixels from."""

    def __init__(self, figure):
        self.figure = figure

    def get_width_height(self, **kwargs):
        return self.figure.picture().size

    def tostring_rgb(self):
        return self.figure.picture().tobytes()

    def buffer_rgba(self):
        return numpy.asarray(self.figure.picture().convert('RGBA'))

    def tostring_argb(self):
        return self.buffer_rgba()[..., [3, 0, 1, 2]].tobytes()

    def print_figure(self, filename, **kwargs):
        self.figure.savefig(filename)

    print_png = print_figure


class Figure:
    """A list of axes and a size in inches."""

    def __getattr__(self, name):
        if name == 'current':
            raise AttributeError(name)
        return left_out(name)

    def __init__(self, number, figsize=None, dpi=None):
        self.number = number
        self.size = tuple(figsize or rcParams['figure.figsize'])
        self.dpi = dpi or DPI
        self.axes = []
        self.title = None
        self.canvas = _Canvas(self)
        self.texts = []

    def add_subplot(self, *args, **kwargs):
        if not args:
            args = (1, 1, 1)
        if len(args) == 1 and isinstance(args[0], _gridspec.SubplotSpec):
            spec = args[0]
        else:
            rows, cols, n = args if len(args) == 3 else [int(d) for d in str(int(args[0]))]
            grid = _gridspec.GridSpec(rows, cols)
            spec = grid[int(n) - 1] if not isinstance(n, (tuple, list)) else _gridspec.SubplotSpec(grid, ((n[
                            0] - 1) // cols, (n[1] - 1) // cols + 1), ((n[0] - 1) % cols, (n[1] - 1) % cols
                    + 1))
        axes = Axes(self, _box(spec))
        for old in self.axes:
            if old.box == axes.box:
                self.current = old
                return old
        self.axes.append(axes)
        self.current = axes
        return axes

    def add_axes(self, rect, **kwargs):
        if isinstance(rect, Axes):
            axes = rect
        else:
            left, bottom, width, height = rect
            axes = Axes(self, (left, 1 - bottom - height, left + width, 1 - bottom))
        self.axes.append(axes)
        self.current = axes
        return axes

    def subplots(self, nrows=1, ncols=1, squeeze=True, **kwargs):
        grid = _gridspec.GridSpec(nrows, ncols)
        made = numpy.empty((nrows, ncols), object)
        for n in range(nrows * ncols):
            made.flat[n] = Axes(self, _box(grid[n]))
            self.axes.append(made.flat[n])
            self.current = made.flat[n]
        if squeeze:
            return made.item() if made.size == 1 else made.squeeze()
        return made

    def gca(self, **kwargs):
        return self.current if self.axes else self.add_subplot(1, 1, 1)

    def suptitle(self, text, *args, **kwargs):
        self.title = str(text)

    def text(self, x, y, s, color='black', fontsize=None, size=None, ha='left', horizontalalignment=None,
             **kwargs):
        """Text at fractions of the figure."""
        anchor = {'center': 'ms', 'right': 'rs'}.get(horizontalalignment or ha, 'ls')
        points = fontsize or size
        self.texts.append((x, y, str(s), plain_colour(color),
                           points if isinstance(points, (int, float)) else 10, anchor))

    def clf(self, *args):
        self.axes, self.texts, self.title = [], [], None

    clear = clf

    def savefig(self, fname, dpi=None, format=None, bbox_inches=None, facecolor=None, **kwargs):
        """Paints the figure and writes it; the folder has to exist, the extension names the format (.png
        without one).
        """
        picture = self.picture(dpi)
        if hasattr(fname, 'write'):
            return picture.save(fname, format or 'PNG')
        name = os.fspath(fname)
        if not os.path.splitext(name)[1]:
            name += '.' + (format or 'png')
        if name.lower().endswith(('.pdf', '.svg', '.eps')):
            notes.say(f'{name}: drawn as a picture, written as PNG beside it', 'vector')
            name = os.path.splitext(name)[0] + '.png'
        picture.save(name)

    def picture(self, dpi=None):
        dpi = dpi if isinstance(dpi, (int, float)) else self.dpi
        size = [max(1, int(round(inches * dpi))) for inches in self.size]
        canvas = Image.new('RGB', size, 'white')
        for axes in self.axes:
            axes.paint(canvas)
        if self.title:
            ImageDraw.Draw(canvas).text((size[0] / 2, 4), self.title, fill='black', font=_font(13),
                                        anchor='mt')
        for x, y, words, colour, points, anchor in self.texts:
            ImageDraw.Draw(canvas).text((x * size[0], (1 - y) * size[1]), words, fill=colour,
                                        font=_font(points * dpi / 72), anchor=anchor)
        return canvas

    def colorbar(self, *args, **kwargs):
        return Anything()

    def get_size_inches(self):
        return numpy.array(self.size, float)

    def set_size_inches(self, w, h=None, **kwargs):
        self.size = tuple(w) if h is None else (w, h)

    def _ignore(self, *args, **kwargs):
        """Has no visible part here."""

    tight_layout = subplots_adjust = autofmt_xdate = set_facecolor = show = set_dpi = _ignore


def _box(spec):
    """Figure fractions (left, top, right, bottom) of a grid cell."""
    left, right, top, bottom = 0.125, 0.9, 0.12, 0.89
    grid = spec.grid
    width = (right - left) / (grid.ncols + grid.wspace * (grid.ncols - 1))
    height = (bottom - top) / (grid.nrows + grid.hspace * (grid.nrows - 1))
    x0 = left + spec.cols[0] * width * (1 + grid.wspace)
    x1 = left + (spec.cols[1] - 1) * width * (1 + grid.wspace) + width
    y0 = top + spec.rows[0] * height * (1 + grid.hspace)
    y1 = top + (spec.rows[1] - 1) * height * (1 + grid.hspace) + height
    return x0, y0, x1, y1


# ---- pyplot's state ----------------------------------------------------------------------------------------

_FIGURES = {}
_CURRENT = [None]


def figure(num=None, figsize=None, dpi=None, **kwargs):
    if isinstance(num, Figure):
        num = num.number
    if num is None:
        num = max([n for n in _FIGURES if isinstance(n, int)], default=0) + 1
    if num not in _FIGURES:
        _FIGURES[num] = Figure(num, figsize, dpi)
    _CURRENT[0] = num
    return _FIGURES[num]


def gcf():
    return _FIGURES[_CURRENT[0]] if _CURRENT[0] in _FIGURES else figure()


def gca(**kwargs):
    return gcf().gca()


def sca(axes):
    axes.figure.current = axes


def axes(*args, **kwargs):
    if args and isinstance(args[0], Axes):
        return sca(args[0])
    return gcf().add_axes(args[0]) if args else gcf().add_subplot(1, 1, 1)


def subplot(*args, **kwargs):
    return gcf().add_subplot(*args, **kwargs)


def subplot2grid(shape, loc, rowspan=1, colspan=1, **kwargs):
    grid = _gridspec.GridSpec(*shape)
    return gcf().add_subplot(grid[loc[0]:loc[0] + rowspan, loc[1]:loc[1] + colspan])


def subplots(nrows=1, ncols=1, figsize=None, squeeze=True, dpi=None, **kwargs):
    made = figure(figsize=figsize, dpi=dpi)
    return made, made.subplots(nrows, ncols, squeeze)


def savefig(*args, **kwargs):
    gcf().savefig(*args, **kwargs)


def close(fig=None):
    if fig == 'all':
        _FIGURES.clear()
        return
    number = fig.number if isinstance(fig, Figure) else fig if fig is not None else _CURRENT[0]
    _FIGURES.pop(number, None)
    _CURRENT[0] = max([n for n in _FIGURES if isinstance(n, int)], default=None)


def clf():
    gcf().clf()


def cla():
    gca().cla()


def get_fignums():
    return sorted(n for n in _FIGURES if isinstance(n, int))


def show(*args, **kwargs):
    """No window: the script goes on."""
    notes.say('plt.show(): no window here; figures are written where the script saves them', 'show')


def imsave(fname, arr, cmap=None, vmin=None, vmax=None, format=None, origin=None, **kwargs):
    data = numpy.asarray(arr)
    artist = Artist(kind='image', data=data, cmap=cmap, vmin=vmin, vmax=vmax, origin=origin, extent=None,
                    norm=None)
    canvas = Image.new('RGB', (data.shape[1], data.shape[0]))
    _paint_image(artist, canvas, None, None, (0, 0) + canvas.size)
    canvas.save(fname, **({} if format is None else {'format': format}))


def imread(fname, format=None):
    """PNG as float32 in [0, 1], others as uint8."""
    with Image.open(fname) as picture:
        data = numpy.array(picture.convert('RGBA') if picture.mode == 'P' else picture)
        return data.astype(
            numpy.float32) / 255 if picture.format == 'PNG' and data.dtype == numpy.uint8 else data


def _of_axes(name):
    def call(*args, **kwargs):
        return getattr(gca(), name)(*args, **kwargs)
    call.__name__ = name
    return call


for _name in ('imshow', 'matshow', 'plot', 'semilogy', 'semilogx', 'loglog', 'scatter', 'hist', 'bar',
              'fill_between', 'contour', 'contourf', 'pcolormesh', 'pcolor', 'axhline', 'axvline', 'text',
              'annotate', 'axis', 'legend', 'grid', 'tick_params', 'margins', 'step', 'errorbar', 'vlines',
              'hlines', 'barh', 'twinx'):
    globals()[_name] = _of_axes(_name)
for _name in ('title', 'xlabel', 'ylabel', 'xlim', 'ylim', 'xscale', 'yscale'):
    globals()[_name] = _of_axes('set_' + _name)


def xticks(*args, **kwargs):
    if args and not len(args[0]):
        gca().set_xticks([])
    return [], []


yticks = xticks


def suptitle(*args, **kwargs):
    gcf().suptitle(*args, **kwargs)


def figtext(*args, **kwargs):
    gcf().text(*args, **kwargs)


def fignum_exists(num):
    return num in _FIGURES


def _ignored(*args, **kwargs):
    """Has no visible part here."""


tight_layout = subplots_adjust = ion = ioff = pause = draw = rc = switch_backend = _ignored
axis_off = set_cmap = gray = hot = clim = box = _ignored


def colorbar(*args, **kwargs):
    return Anything()


style = Anything()
cm = sys.modules['legacy.absent.matplotlib.cm']
np = numpy
_missing = stub_parts.missing('matplotlib.pyplot')


def __getattr__(name):
    return left_out(name) if name[:1].islower() else _missing(name)
