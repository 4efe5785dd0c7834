"""matplotlib.animation: the frames are drawn when the animation is saved, as an animated GIF."""
import os

from legacy import notes
from legacy.absent import stub_parts


def _write(frames, filename, fps):
    """Writes pictures as a GIF; beside a video's name when it is one, which is said."""
    name, extension = os.path.splitext(os.fspath(filename))
    if extension.lower() != '.gif':
        notes.say(f'{filename}: no video here, the animation is written as {name}.gif', 'video')
    if frames:
        frames[0].save(name + '.gif', save_all=True, append_images=frames[1:], loop=0, duration=1000.0 / fps)


class _Animation:
    """`states` yields once the figure shows the next frame; `interval` is in milliseconds."""

    def __init__(self, fig, states, interval=200):
        self.figure, self.states, self.interval = fig, states, interval

    def save(self, filename, writer=None, fps=None, dpi=None, **kwargs):
        rate = fps or getattr(writer, 'fps', None) or 1000.0 / self.interval
        _write([self.figure.picture(dpi) for _ in self.states()], filename, rate)

    def to_html5_video(self, *args, **kwargs):
        return f'<{len(list(self.states()))} frames>'

    to_jshtml = to_html5_video


class FuncAnimation(_Animation):
    """`func(frame, *fargs)` redraws the figure; `frames` is a number or an iterable."""

    def __init__(self, fig, func, frames=None, init_func=None, fargs=None, interval=200, **kwargs):
        def states():
            made = frames() if callable(frames) else frames
            made = range(100 if made is None else made) if made is None or isinstance(made, int) else made
            for frame in made:
                func(frame, *(fargs or ()))
                yield
        super().__init__(fig, states, interval)


class ArtistAnimation(_Animation):
    """Each frame shows its own artists beside those that are in none."""

    def __init__(self, fig, artists, interval=200, **kwargs):
        def states():
            moving = {id(artist) for frame in artists for artist in frame}
            whole = [(axes, list(axes.artists)) for axes in fig.axes]
            for frame in artists:
                shown = {id(artist) for artist in frame}
                for axes, everything in whole:
                    axes.artists = [a for a in everything if id(a) not in moving or id(a) in shown]
                yield
            for axes, everything in whole:
                axes.artists = everything
        super().__init__(fig, states, interval)


class _Writer:
    """A writer that scripts drive themselves: setup, grab_frame, finish."""

    def __init__(self, fps=5, metadata=None, codec=None, bitrate=None, **kwargs):
        self.fps, self.frames = fps, []

    def setup(self, fig, outfile, dpi=None, **kwargs):
        self.figure, self.target, self.dpi = fig, outfile, dpi

    def grab_frame(self, **kwargs):
        self.frames.append(self.figure.picture(self.dpi))

    def finish(self):
        _write(self.frames, self.target, self.fps)

    def saving(self, fig, outfile, dpi=None, **kwargs):
        self.setup(fig, outfile, dpi)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.finish()


FFMpegWriter = ImageMagickWriter = PillowWriter = AVConvWriter = _Writer


class _Writers(dict):
    def __missing__(self, name):
        return _Writer

    def is_available(self, name):
        return True

    def list(self):
        return ['pillow']


writers = _Writers()
__getattr__ = stub_parts.missing('matplotlib.animation')
