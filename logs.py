"""What a training run writes down: losses.csv, TensorBoard events, the line or the bar on the screen, the curve of the losses.

Both logs are cut back to the step that a resume starts from, so that no step stands in them twice.
"""
import csv
import glob
import io
import math
import os
import sys

import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from tf1 import tf
from utils import atomic_write, write_image

LINE = '[%8d Epoch:[%2d/%2d] [%4d/%4d] time: %4.4f, d_loss: %.8f, g_loss: %.8f'    # upstream's, unbalanced bracket and all


class LossFile:
    """losses.csv: a row a step, from exact float32 values only, so that a resumed run writes the very same bytes."""

    def __init__(self, path, columns, step):
        self.path, self.columns = path, ['step', 'epoch', *columns]
        rows = [row for row in read_losses(path) if int(row['step']) <= step] if os.path.exists(path) else []
        atomic_write(path, lambda file: file.write(self._text([self.columns, *([row[name] for name in self.columns] for row in rows)])))
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND)

    def write(self, step, epoch, metrics):
        values = [metrics.get(name) for name in self.columns[2:]]
        row = [step, epoch, *('' if value is None else f'{value:.9g}' for value in values)]   # 9 digits: a float32, exactly
        os.write(self._file, self._text([row]))      # one write a line: a kill leaves whole lines

    def close(self):
        os.close(self._file)

    @staticmethod
    def _text(rows):
        text = io.StringIO()
        csv.writer(text, lineterminator='\n').writerows(rows)
        return text.getvalue().encode()


def read_losses(path):
    """The rows of losses.csv as dicts of str, torn last line left out."""
    with open(path, newline='') as file:
        whole = [line for line in file if line.endswith('\n')]
    rows = list(csv.DictReader(whole))
    return [row for row in rows if None not in row and None not in row.values()]


class EventFile:
    """TensorBoard events in logs/. Events after `step` are cut from older files when a run resumes."""

    def __init__(self, folder, step):
        for path in sorted(glob.glob(os.path.join(glob.escape(folder), 'events*'))):
            _cut_events(path, step)
        self._writer = tf.summary.FileWriter(folder)

    def write(self, summary, step):
        self._writer.add_summary(summary, step)

    def flush(self):
        self._writer.flush()

    def close(self):
        self._writer.close()


def _cut_events(path, step):
    kept, cut = [], False
    try:
        for record in tf.io.tf_record_iterator(path):
            if tf.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                cut = True
    except tf.errors.DataLossError:      # the torn end that a kill leaves
        cut = True
    if not cut:
        return
    aside = os.path.join(os.path.dirname(path), '.cut-' + os.path.basename(path))
    with tf.io.TFRecordWriter(aside) as writer:
        for record in kept:
            writer.write(record)
    os.replace(aside, path)


class Progress:
    """A tqdm bar on a terminal; in a pipe or a file, upstream's line for every step."""

    def __init__(self, cfg, steps_per_epoch, step, total_steps):
        self._cfg, self._steps_per_epoch = cfg, steps_per_epoch
        self._bar = tqdm(total=total_steps, initial=step, unit='step', dynamic_ncols=True, smoothing=0.1) if sys.stderr.isatty() else None
        self._last = {'d_loss': math.nan, 'g_loss': math.nan}

    def show(self, step, epoch, metrics, seconds, images_per_second, input_wait):
        self._last.update({name: metrics[name] for name in self._last if name in metrics})
        if self._bar is None:
            print(LINE % (step, epoch, self._cfg.epoch, (step - 1) % self._steps_per_epoch, self._steps_per_epoch, seconds,
                          self._last['d_loss'], self._last['g_loss']), flush=True)
            return
        self._bar.set_description(f'epoch {epoch + 1}/{self._cfg.epoch}', refresh=False)
        self._bar.set_postfix_str(f'{images_per_second:.0f} images/s, input wait {input_wait:.1%}, '
                                  f'd_loss {self._last["d_loss"]:.4f}, g_loss {self._last["g_loss"]:.4f}', refresh=False)
        self._bar.update(1)

    def say(self, message):
        """A line that does not tear the bar."""
        if self._bar is None:
            print(message, flush=True)
        else:
            self._bar.write(message)

    def close(self):
        if self._bar is not None:
            self._bar.close()


def write_curve(csv_path, png_path, width=900, height=420):
    """Draws d_loss and g_loss over the steps, thin as they are and bold as a running mean."""
    rows = read_losses(csv_path)
    colours = {'d_loss': (31, 119, 180), 'g_loss': (214, 39, 40)}
    series = {}
    for name in colours:
        points = [(int(row['step']), float(row[name])) for row in rows if row.get(name)]
        if points:
            series[name] = np.array(points)
    if not series:
        return
    left, right, top, bottom = 60, width - 20, 30, height - 40
    steps = max(points[-1, 0] for points in series.values())
    high = float(max(np.percentile(points[:, 1], 99) for points in series.values())) or 1.0
    place = lambda step, value: (left + (right - left) * step / steps, bottom - (bottom - top) * min(max(value, 0.0), high) / high)
    image = Image.new('RGB', (width, height), 'white')
    draw = ImageDraw.Draw(image)
    for tick in range(5):
        _, y = place(0, high * tick / 4)
        draw.line([(left, y), (right, y)], fill=(225, 225, 225))
        draw.text((8, y - 6), f'{high * tick / 4:.2f}', fill='black')
        draw.text((place(steps * tick / 4, 0)[0] - 12, bottom + 8), f'{steps * tick / 4:.0f}', fill='black')
    draw.text(((left + right) // 2 - 10, height - 16), 'step', fill='black')
    for index, (name, points) in enumerate(series.items()):
        window = max(1, len(points) // 50)
        smooth = np.convolve(points[:, 1], np.ones(window) / window, 'valid')
        pale = tuple(int(255 - (255 - channel) * 0.35) for channel in colours[name])
        draw.line([place(*point) for point in points], fill=pale, width=1)
        draw.line([place(*point) for point in zip(points[window - 1:, 0], smooth)], fill=colours[name], width=2)
        draw.text((left + 10 + 90 * index, 10), name, fill=colours[name])
    write_image(png_path, np.asarray(image))
