"""What a training run writes down: losses.csv, TensorBoard events, the line or the bar on the screen, the curve of the losses.

Both logs are cut back to the step that a resume starts from, so that no step stands in them twice.
"""
import contextlib
import csv
import glob
import io
import math
import os
import re
import socket
import sys
import time

import google.protobuf.message
import numpy as np
from PIL import Image, ImageDraw
from tqdm import tqdm

from errors import DiskError, UserError
from tf1 import tf
from utils import atomic_write, fsync_file, write_image

LINE = '[%8d Epoch:[%2d/%2d] [%4d/%4d] time: %4.4f, d_loss: %.8f, g_loss: %.8f'    # upstream's, unbalanced bracket and all
LONGEST_ROW = 4096     # bytes: a line of another file may be as long as that file


class LossFile:
    """losses.csv: a row a step, from exact float32 values only, so that a resumed run writes the very same bytes.

    Rows after `step` are cut off. Raises UserError for a file that is something else, DiskError when the disk refuses.
    """

    def __init__(self, path, columns, step, warn=print):
        self.path, self.columns = path, ['step', 'epoch', *columns]
        self._unwritten = b''
        try:
            if step and os.path.exists(path):
                with open(path, 'rb+') as file:
                    last, end = end_of_step(file, path, self.columns, step)
                    file.truncate(end)
                if last < step:
                    warn(f'{path}: it ends at step {last}, the checkpoint is of step {step}: the rows in between are missing')
            else:
                atomic_write(path, lambda file: file.write(self._text([self.columns])))
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND)
        except OSError as error:
            raise self._refused(error.strerror) from error

    def write(self, step, epoch, metrics):
        values = [metrics.get(name) for name in self.columns[2:]]
        row = [step, epoch, *('' if value is None else f'{value:.9g}' for value in values)]   # 9 digits: a float32, exactly
        self._unwritten = self._text([row])
        before = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, self._unwritten)       # one write a line: a kill leaves whole lines
        except OSError as error:
            raise self._refused(error.strerror) from error
        if written < len(self._unwritten):
            os.ftruncate(self._file, before)
            raise self._refused('No space left on device')
        self._unwritten = b''

    def flush(self):
        """Returns when all rows are on the disk itself."""
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._refused(error.strerror) from error

    def copy(self, folder):
        """Writes a copy to a folder, with the row that could not be written here."""
        with open(self.path, 'rb') as file:
            text = file.read() + self._unwritten
        atomic_write(os.path.join(folder, os.path.basename(self.path)), lambda file: file.write(text))

    def close(self):
        os.close(self._file)

    def _refused(self, reason):
        return DiskError(f'{self.path}: cannot be written ({reason}); free some space, or give another --out_dir')

    @staticmethod
    def _text(rows):
        text = io.StringIO()
        csv.writer(text, lineterminator='\n').writerows(rows)
        return text.getvalue().encode()


def end_of_step(file, path, columns, step):
    """(the last step up to `step` that has a row, the position where its row ends) in losses.csv, open at its start.

    A torn last line is no row. Raises UserError for a heading or a row that is none of ours.
    """
    heading = file.readline(LONGEST_ROW)
    if not heading.endswith(b'\n') or heading.decode(errors='replace').rstrip('\r\n').split(',') != columns:
        raise UserError(f'{path}: its heading is not the line {",".join(columns)}; mend it, or move the file away to go on without older '
                        f'losses')
    last, end, number = None, file.tell(), 1
    while last != step:
        line, number = file.readline(LONGEST_ROW), number + 1
        if not line.endswith(b'\n') and len(line) < LONGEST_ROW:
            break
        row = _row(line, len(columns))
        if row is None or not line.endswith(b'\n') or last is not None and row != last + 1:
            raise UserError(f'{path}: line {number} is not the row of {"a step" if last is None else f"step {last + 1}"}; mend it, or '
                            f'move the file away to go on without older losses')
        if row > step:
            break
        last, end = row, file.tell()
    return last or 0, end


def _row(line, columns):
    """The step of a row, or None when the line is no row of losses."""
    cells = line.decode(errors='replace').rstrip('\r\n').split(',')
    try:
        [float(cell) for cell in cells[1:] if cell]
        return int(cells[0]) if len(cells) == columns and re.fullmatch('[0-9]{1,18}', cells[0]) else None
    except ValueError:
        return None


def read_losses(path):
    """The rows of losses.csv as dicts of str, one after the other; a torn last line is left out."""
    with open(path, newline='', errors='replace') as file:
        for row in csv.DictReader(line for line in file if line.endswith('\n')):
            if None not in row and None not in row.values():
                yield row


class EventFile:
    """TensorBoard events in logs/. Events after `step` are cut from older files when a run resumes.

    A TFRecordWriter and not a FileWriter, which writes in a thread of its own and so cannot say that the disk is full.
    """

    def __init__(self, folder, step):
        self._folder, self._step, self._writer = folder, step, None
        with self._reporting():
            for path in sorted(glob.glob(os.path.join(glob.escape(folder), 'events*'))):
                _cut_events(path, step)

    def write(self, summary, step):
        with self._reporting():
            if self._writer is None:
                self._path = os.path.join(self._folder, f'events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.'
                                                        f'{os.getpid()}.{self._step}')
                self._writer = tf.io.TFRecordWriter(self._path)
                self._writer.write(tf.Event(wall_time=time.time(), file_version='brain.Event:2').SerializeToString())
            event = tf.Event(wall_time=time.time(), step=step, summary=tf.Summary.FromString(summary))
            self._writer.write(event.SerializeToString())
            self._writer.flush()

    def flush(self):
        """Returns when all events are on the disk itself."""
        if self._writer is not None:
            with self._reporting():
                fsync_file(self._path)
                fsync_file(self._folder)            # its name

    def close(self):
        if self._writer is not None:
            with contextlib.suppress(tf.errors.OpError):    # every event was flushed as it was written
                self._writer.close()

    @contextlib.contextmanager
    def _reporting(self):
        try:
            yield
        except (OSError, tf.errors.OpError) as error:
            raise DiskError(f'{self._folder}: the TensorBoard log cannot be written ({str(error).splitlines()[0][:200]}); free some '
                            f'space, or give another --out_dir') from error


def _cut_events(path, step):
    kept, cut = [], False
    try:
        for record in tf.io.tf_record_iterator(path):
            if tf.Event.FromString(record).step <= step:
                kept.append(record)
            else:
                cut = True
    except (tf.errors.DataLossError, google.protobuf.message.DecodeError):      # the torn end that a kill leaves
        cut = True
    if not cut:
        return
    aside = os.path.join(os.path.dirname(path), '.cut')
    with tf.io.TFRecordWriter(aside) as writer:
        for record in kept:
            writer.write(record)
    fsync_file(aside)
    os.replace(aside, path)


class Progress:
    """A tqdm bar on a terminal; in a pipe or a file, upstream's line for every step."""

    def __init__(self, cfg, steps_per_epoch, step, total_steps):
        self._cfg, self._steps_per_epoch = cfg, steps_per_epoch
        self._bar = tqdm(total=total_steps, initial=step, unit='step', dynamic_ncols=True, smoothing=0.1) if sys.stderr.isatty() else None
        self._last = {'d_loss': math.nan, 'g_loss': math.nan}
        self.gone = None            # the OSError of the first line that nobody could be shown any more

    def show(self, step, epoch, metrics, seconds, images_per_second, input_wait):
        self._last.update({name: metrics[name] for name in self._last if name in metrics})
        if self._bar is None:
            self._print(LINE % (step, epoch, self._cfg.epoch, (step - 1) % self._steps_per_epoch, self._steps_per_epoch, seconds,
                                self._last['d_loss'], self._last['g_loss']))
            return
        with self._noticing():
            self._bar.set_description(f'epoch {epoch + 1}/{self._cfg.epoch}', refresh=False)
            self._bar.set_postfix_str(f'{images_per_second:.0f} images/s, input wait {input_wait:.1%}, '
                                      f'd_loss {self._last["d_loss"]:.4f}, g_loss {self._last["g_loss"]:.4f}', refresh=False)
            self._bar.update(1)

    def say(self, message):
        """A line that does not tear the bar; on stderr when standard output is gone."""
        if self._bar is None:
            self._print(message)
            return
        with self._noticing():
            self._bar.write(message)

    def close(self):
        if self._bar is not None:
            with self._noticing():
                self._bar.close()

    def _print(self, message):
        with self._noticing():
            print(message, file=sys.stderr if self.gone else sys.stdout, flush=True)

    @contextlib.contextmanager
    def _noticing(self):
        """A closed pipe or terminal is noted and does not stop the step that is under way."""
        try:
            yield
        except OSError as error:
            self.gone = self.gone or error
            with contextlib.suppress(OSError, ValueError), open(os.devnull, 'w') as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())      # what is left in its buffer goes there


def write_curve(csv_path, png_path, width=900, height=420):
    """Draws d_loss and g_loss over the steps, thin as they are and bold as a running mean."""
    colours = {'d_loss': (31, 119, 180), 'g_loss': (214, 39, 40)}
    points = {name: [] for name in colours}
    for row in read_losses(csv_path):
        for name in colours:
            if row.get(name):
                points[name].append((int(row['step']), float(row[name])))
    series = {name: np.array(found) for name, found in points.items() if found}
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
