"""progressbar: one line per tenth on stderr, the old ProgressBar(maxval=…, widgets=…) interface."""
import sys


class _Widget:
    def __init__(self, *args, **kwargs):
        self.args = args


Bar = ETA = Percentage = Timer = SimpleProgress = DynamicMessage = FileTransferSpeed = _Widget
RotatingMarker = AdaptiveETA = Counter = _Widget
Variable = FormatLabel = ReverseBar = BouncingBar = AnimatedMarker = _Widget


class ProgressBar:
    """start(), update(n), finish(); or called on an iterable."""

    def __init__(self, maxval=None, widgets=None, max_value=None, **kwargs):
        self.maxval = maxval if maxval is not None else max_value
        self.currval, self._tenth = 0, 0

    def start(self, *args, **kwargs):
        self.currval = self._tenth = 0
        return self

    def update(self, value=None, **kwargs):
        self.currval = self.currval + 1 if value is None else value
        if self.maxval and int(10 * self.currval / self.maxval) > self._tenth:
            self._tenth = int(10 * self.currval / self.maxval)
            print(f'{10 * self._tenth}%', file=sys.stderr)

    def finish(self, *args, **kwargs):
        if self.maxval:
            self.update(self.maxval)

    def __call__(self, iterable):
        self.maxval = len(iterable) if hasattr(iterable, '__len__') else self.maxval
        self.start()
        for n, item in enumerate(iterable):
            yield item
            self.update(n + 1)

    def __enter__(self):
        return self.start()

    def __exit__(self, *error):
        self.finish()


def progressbar(iterator, **kwargs):
    return ProgressBar(**kwargs)(iterator)
