"""Pictures → a `Dataset`: the sample that decides on channels, the decoded cache in memory, or decoding on demand."""
import collections
import concurrent.futures
import dataclasses
import functools
import os
import threading
import time
from typing import Callable

import numpy as np
from tqdm import tqdm

import readers
from errors import UserError
from images import Unreadable, fit, printable

SAMPLE = 256                    # files looked at before the others
SAMPLE_SECONDS = 10             # or fewer, where reading a file takes long
CHUNK = 32                      # files a thread decodes between two looks at the progress bar
SUBSET_KEY = 0x7261696e         # the subset of --train_size is the same for every seed


@dataclasses.dataclass(frozen=True)
class Dataset:
    """Images ready for D, except for the scaling of uint8.

    load: int64 indices [n] → (images [n, height, width, channels] uint8, labels int32 [n], zeros if unlabelled);
    the same for the same indices, from any thread. value_range: None for uint8 images, else the range of the
    float32 images that load returns. notes: facts to print at the start. skipped: (path, reason) of every
    unreadable file met so far. check(): raises the UserError that ended the stream, if one did.
    """
    name: str
    size: int
    image_shape: tuple
    num_classes: int
    class_names: tuple
    load: Callable
    value_range: tuple = None
    notes: tuple = ()
    bad: 'BadImages' = None

    @property
    def skipped(self):
        return self.bad.listed() if self.bad else ()

    def check(self):
        if self.bad and self.bad.error:
            raise self.bad.error


class BadImages:
    """Unreadable files met so far, and the share beyond which the run stops. Safe to use from several threads.

    error: the UserError of a share exceeded, for a thread that cannot let it through itself.
    """

    def __init__(self, name, total, fraction, found=()):
        self.name, self.total, self.fraction = name, total, fraction
        self.error = None
        self._reasons, self._lock = {}, threading.Lock()
        self.add(found)

    def add(self, found):
        """found: [(path, reason)]. Raises UserError when there are too many."""
        with self._lock:
            self._reasons.update(found)
            bad = len(self._reasons)
            if not self.error and bad and (bad > self.fraction * self.total or bad == self.total):
                self.error = UserError(self.complaint(bad, self.total, *next(iter(self._reasons.items()))))
        if self.error:
            raise self.error

    def complaint(self, bad, looked_at, path, reason):
        advice = 'none is left'
        if bad < looked_at:
            advice = (f'--max_bad_images {self.fraction:g} allows {int(self.fraction * looked_at):,}; mend them, or set '
                      f'--max_bad_images {min(1, np.ceil(bad / looked_at * 100) / 100):g}')
        return f'--dataset {printable(self.name)}: {bad:,} of {looked_at:,} images cannot be read ({path}: {reason}); {advice}'

    def listed(self):
        with self._lock:
            return tuple(sorted(self._reasons.items()))


def from_source(cfg, source, labels, class_names, notes, unusable=()):
    """A source of pictures and its labels (-1: leave out) → Dataset: train_size, c_dim, cache or stream."""
    rows = _subset(np.arange(len(source)) if labels is None else np.flatnonzero(labels >= 0), cfg.train_size)
    if cfg.train_size < len(source):
        notes = [*notes, f'--train_size: always the same {len(rows):,} of them']
    total = len(rows) + len(unusable)
    bad = BadImages(cfg.dataset, total, cfg.max_bad_images, unusable)
    crop = (cfg.input_height, cfg.input_width) if cfg.crop else None
    shape = (cfg.output_height, cfg.output_width)
    with concurrent.futures.ThreadPoolExecutor(_workers()) as pool:
        channels, note = _channels(cfg.c_dim, source, rows, bad, pool)
        needed = lambda channels: len(rows) * shape[0] * shape[1] * channels
        budget = cfg.cache_mb * 2 ** 20
        images = None
        if needed(channels) <= budget:
            try:
                images, kept = _decode_all(source, rows, (*shape, channels), crop, bad, pool, cfg.c_dim == 'auto')
            except ColourFound as found:
                channels, note = 3, f'c_dim 3: {found} is in colour'
                if needed(channels) <= budget:
                    images, kept = _decode_all(source, rows, (*shape, channels), crop, bad, pool, False)
    if images is not None:
        load = _cached(images, None if labels is None else labels[kept].astype(np.int32))
        count = len(images)
    else:
        load = _streamed(source, rows, labels, (*shape, channels), crop, bad)
        count = len(rows)
        note += (f'; decoded while training: {needed(channels) / 2**20:,.0f} MB of pixels, '
                 f'--cache_mb is {cfg.cache_mb:g}')
    return Dataset(name=cfg.dataset, size=count, image_shape=(*shape, channels),
                   num_classes=0 if labels is None else len(class_names),
                   class_names=() if labels is None else tuple(class_names),
                   load=load, notes=(*notes, note, *_skip_notes(bad)), bad=bad)


def _skip_notes(bad):
    skipped = bad.listed()
    if not skipped:
        return ()
    named = tuple(f'skipped {path}: {reason}' for path, reason in skipped[:5])
    return (f'{len(skipped):,} of {bad.total:,} images cannot be read and are skipped', *named)


def _workers():
    return min(8, len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1)


def _subset(rows, train_size):
    if train_size >= len(rows):
        return rows
    return np.sort(rows[permutation(len(rows), SUBSET_KEY, 0)[:int(train_size)]])


def _channels(c_dim, source, rows, bad, pool):
    """(1 or 3, the decision in words). Looks at a sample, and refuses a folder of rubbish right away."""
    sample = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)]
    until = time.monotonic() + SAMPLE_SECONDS
    modes = collections.Counter()
    failures = []
    for i, (mode, reason) in zip(sample, pool.map(lambda i: _mode(source, int(i), until), sample)):
        modes[mode] += 1
        if reason:
            failures.append((source.name(int(i)), reason))
    looked_at = modes['L'] + modes['RGB'] + len(failures)
    expected = bad.fraction * looked_at
    if failures and (len(failures) == looked_at or len(failures) > expected + 3 * expected ** .5 + 1):
        raise UserError(bad.complaint(len(failures), looked_at, *failures[0]))
    if c_dim != 'auto':
        return int(c_dim), f'c_dim {c_dim}, as given'
    if modes['RGB']:
        return 3, f'c_dim 3: {modes["RGB"]:,} of {looked_at:,} images looked at are in colour'
    return 1, 'c_dim 1: all images are grey' if looked_at == len(rows) else f'c_dim 1: {looked_at:,} images looked at are grey'


def _mode(source, i, until):
    """(mode, None), (None, reason) or, too late, (None, None)."""
    if time.monotonic() > until:
        return None, None
    try:
        return source.picture(i).mode, None
    except Unreadable as error:
        return None, str(error)


class ColourFound(Exception):
    """A colour image where the sample had only grey ones."""


def _decode_all(source, rows, shape, crop, bad, pool, grey_only):
    """(uint8 images [n, *shape], the rows they come from), unreadable ones noted and left out.

    grey_only: with one channel, raises ColourFound at a colour image.
    """
    if isinstance(source, readers.ArraySource) and source.is_ready(shape, crop):
        return (source.images if len(rows) == len(source) else source.images[rows]), rows
    images = np.empty((len(rows), *shape), np.uint8)
    readable = np.zeros(len(rows), bool)
    stop = threading.Event()

    def decode_chunk(first):
        failures = []
        for at in range(first, min(first + CHUNK, len(rows))):
            if stop.is_set():
                break
            row = int(rows[at])
            try:
                picture = source.picture(row)
                if grey_only and shape[2] == 1 and picture.mode != 'L':
                    raise ColourFound(source.name(row))
                images[at] = fit(picture, shape[:2], shape[2], crop)
                readable[at] = True
            except Unreadable as error:
                failures.append((source.name(row), str(error)))
        return failures

    failures = []
    try:
        with tqdm(total=len(rows), desc='reading images', disable=None, leave=False) as bar:
            for chunk in pool.map(decode_chunk, range(0, len(rows), CHUNK)):
                failures += chunk
                bar.update(min(CHUNK, len(rows) - bar.n))
    finally:
        stop.set()                                      # an error or Ctrl-C does not wait for the rest
    bad.add(failures)
    return (images, rows) if readable.all() else (images[readable], rows[readable])


def _cached(images, labels):
    def load(indices):
        return images[indices], np.zeros(len(indices), np.int32) if labels is None else labels[indices]
    return load


def _streamed(source, rows, labels, shape, crop, bad):
    """A load function that decodes on demand; for an unreadable file the next readable one stands in."""
    pool = concurrent.futures.ThreadPoolExecutor(_workers(), thread_name_prefix='decode')
    known_bad = set()

    def one(index):
        at = int(index)
        while True:
            row = int(rows[at])
            if row not in known_bad:
                try:
                    return row, fit(source.picture(row), shape[:2], shape[2], crop)
                except Unreadable as error:
                    known_bad.add(row)
                    bad.add([(source.name(row), str(error))])
            at = (at + 1) % len(rows)

    def load(indices):
        images = np.empty((len(indices), *shape), np.uint8)
        taken = np.empty(len(indices), np.int64)
        for at, (row, image) in enumerate(pool.map(one, indices)):
            taken[at], images[at] = row, image
        return images, np.zeros(len(indices), np.int32) if labels is None else labels[taken].astype(np.int32)
    return load


def from_arrays(images, labels=None, num_classes=0, name='arrays', value_range=None):
    """Arrays in memory → Dataset.

    images [N, height, width, channels]: uint8, or floats that lie in value_range (lowest, highest).
    labels: int [N] in 0 … num_classes - 1. Raises ValueError.
    """
    images = np.asarray(images)
    if images.ndim != 4 or not len(images):
        raise ValueError(f'images: shape {images.shape}, expected [N, height, width, channels]')
    if (images.dtype == np.uint8) != (value_range is None):
        raise ValueError(f'images: {images.dtype} with value_range {value_range}; uint8 has none, floats need one')
    if value_range is not None:
        images = np.asarray(images, np.float32)
        if not (images.min() >= value_range[0] and images.max() <= value_range[1]):
            raise ValueError(f'images: values {images.min()} to {images.max()}, outside value_range {value_range}')
    if labels is not None:
        labels = np.asarray(labels).astype(np.int32)
        if labels.shape != (len(images),) or labels.min() < 0 or labels.max() >= num_classes:
            raise ValueError(f'labels: shape {labels.shape}, values {labels.min()} to {labels.max()}; expected '
                             f'({len(images)},) in 0 to {num_classes - 1}')
    return Dataset(name=name, size=len(images), image_shape=images.shape[1:],
                   num_classes=0 if labels is None else num_classes,
                   class_names=() if labels is None else tuple(map(str, range(num_classes))),
                   load=_cached(images, labels), value_range=value_range)


@functools.lru_cache(maxsize=4)
def permutation(size, seed, epoch):
    """0 … size - 1 in an order that depends on (seed, epoch) alone.

    Sorting raw Philox words instead of Generator.permutation: only the raw stream is promised to stay the same
    from one NumPy version to the next.
    """
    key = np.array([seed % 2 ** 64, epoch], np.uint64)
    order_ = np.argsort(np.random.Philox(key=key).random_raw(size), kind='stable')
    order_.flags.writeable = False
    return order_
