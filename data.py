"""Data on disk → one tf.data pipeline: seeded, resumable, cached.

Image k of the endless stream is position k % size of epoch k // size, and each epoch is a permutation that depends
on (seed, epoch) alone. So every image is seen once an epoch, batches run across epoch ends and are always full,
and a resumed run needs nothing but its step.
"""
import concurrent.futures
import dataclasses
import difflib
import functools
import os
import threading
from typing import Callable

import numpy as np
import tensorflow as tf
from tqdm import tqdm

import readers
from errors import UserError
from images import EXTENSIONS, Unreadable, fit, printable

SAMPLE = 256                    # files looked at before streaming starts
CHUNK = 32                      # files a thread decodes between two looks at the progress bar
SUBSET_KEY = 0x7261696e         # the subset of --train_size is the same for every seed
DIGITS = tuple('0123456789')
FASHION = ('T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot')


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
    """Unreadable files met so far, and the limit beyond which the run stops. Safe to use from several threads."""

    def __init__(self, name, total, fraction):
        self.name, self.total, self.fraction = name, total, fraction
        self.error = None
        self._reasons, self._lock = {}, threading.Lock()

    def add(self, path, reason):
        with self._lock:
            self._reasons[path] = reason
            bad = len(self._reasons)
            if bad > self.fraction * self.total or bad == self.total:
                self.error = UserError(self.complaint(bad, self.total, path, reason))
        if self.error:
            raise self.error

    def complaint(self, bad, looked_at, path, reason):
        least = -(-bad * 100 // looked_at) / 100
        return (f'--dataset {printable(self.name)}: {bad:,} of {looked_at:,} images cannot be read, such as {path}: '
                f'{reason}; --max_bad_images allows {self.fraction:g} of them'
                + (f', mend them or set --max_bad_images {least:g}' if bad < looked_at else ''))

    def listed(self):
        with self._lock:
            return tuple(sorted(self._reasons.items()))


def open_dataset(cfg):
    """cfg.dataset (a name under cfg.data_dir, or a path) → Dataset. Raises UserError.

    The format is told from what is in the folder: IDX files, else images.
    """
    path = find_dataset(cfg.dataset, cfg.data_dir)
    listing = readers.list_files(path)
    parts = readers.find_idx(listing.names)
    if parts:
        return _open_idx(cfg, path, parts)
    return _open_folder(cfg, listing)


def expand(path):
    """~ and $VARS, as a shell would."""
    return os.path.expanduser(os.path.expandvars(path))


def find_dataset(dataset, data_dir):
    """A name under data_dir or a path → the path of a folder that exists."""
    dataset, data_dir = expand(dataset), expand(data_dir)
    if not dataset:
        raise UserError('--dataset is empty: give a folder under --data_dir, or a path')
    candidates = [os.path.join(data_dir, dataset), dataset]
    if dataset.startswith(('.', os.sep)):
        candidates.reverse()
    for path in candidates:
        if os.path.exists(path):
            if os.path.isdir(path):
                return path
            raise UserError(f'--dataset {printable(dataset)}: {printable(path)} is not a folder')
    try:
        there = sorted(entry.name for entry in os.scandir(data_dir) if entry.is_dir() and entry.name[0] != '.')
    except OSError as error:
        raise UserError(f'--dataset {printable(dataset)}: no such folder, and --data_dir {printable(data_dir)} '
                        f'cannot be read ({os.strerror(error.errno).lower()})') from None
    near = difflib.get_close_matches(dataset, there, 1)
    raise UserError(f'--dataset {printable(dataset)}: no folder {printable(candidates[0])}; '
                    + (f'did you mean --dataset {printable(near[0])}? ' if near else '')
                    + (f'{printable(data_dir)} has {", ".join(map(printable, there[:8]))}' if there
                       else f'{printable(data_dir)} has no folder; --data_dir names another place'))


def _open_idx(cfg, path, parts):
    if cfg.labels not in ('', 'builtin'):
        raise UserError(f'--labels {printable(cfg.labels)}: {printable(path)} holds IDX files, which bring their '
                        'own labels: --labels builtin')
    images, labels = readers.read_idx_folder(path, parts, cfg.labels == 'builtin')
    classes = FASHION if 'fashion' in os.path.basename(os.path.normpath(path)).lower() else DIGITS
    notes = [f'{len(images):,} images {images.shape[1]}x{images.shape[2]} from the IDX files of '
             f'{" and ".join(sorted(parts, reverse=True))} in {printable(path)}']
    if 'train' not in parts:
        notes.append('only the 10,000 test images are there; python download.py mnist fetches the other 60,000')
    return _from_source(cfg, readers.ArraySource(images, printable(path)), labels, classes, notes)


def _open_folder(cfg, listing):
    by_default = getattr(cfg, 'pattern_is_default', False)
    pattern = None if by_default else cfg.input_fname_pattern
    names = readers.match_images(listing.names, pattern)
    if not names:
        raise _nothing_matches(cfg, listing)
    counts = _count_extensions(names)
    notes = [f'{len(names):,} images ({counts}) in {printable(listing.folder)}'
             + (f' and its {listing.folders:,} sub-folders' if listing.folders else '')]
    if by_default and any(not name.lower().endswith('.jpg') for name in names):
        notes.append('--input_fname_pattern is not set: every JPEG, PNG, BMP, GIF and WebP is used')
    source = readers.FolderSource(listing.folder, names)
    return _from_source(cfg, source, None, (), notes)


def _count_extensions(names):
    counts = {}
    for name in names:
        ending = readers.extension(name) or 'no extension'
        counts[ending] = counts.get(ending, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ', '.join(f'{count:,} {printable(ending)}' for ending, count in ordered[:6])


def _nothing_matches(cfg, listing):
    where = f'--dataset {printable(cfg.dataset)}: {printable(listing.folder)}'
    if listing.folders:
        where += f' and its {listing.folders:,} sub-folders'
    if not listing.names:
        return UserError(f'{where}: no files there; put images in it, or name another folder with --dataset or --data_dir')
    there = _count_extensions(listing.names)
    others = readers.match_images(listing.names)
    if not others:
        return UserError(f'{where}: no images there, only {there}; supported are {" ".join(EXTENSIONS)}')
    best = max((readers.extension(name) for name in others), key=[readers.extension(name) for name in others].count)
    return UserError(f'{where}: no file matches --input_fname_pattern "{printable(cfg.input_fname_pattern)}"; '
                     f'there are {there}; type --input_fname_pattern "*{best}"')


# ---------------------------------------------------------------- from pictures to a Dataset

def _from_source(cfg, source, labels, class_names, notes):
    """A source of pictures and its labels → Dataset: train_size, c_dim, cache or stream."""
    rows = _subset(len(source), cfg.train_size)
    if len(rows) < len(source):
        notes = [*notes, f'--train_size: a fixed choice of {len(rows):,} of them']
    workers = min(8, os.cpu_count() or 1)
    bad = BadImages(cfg.dataset, len(rows), cfg.max_bad_images)
    size = (cfg.output_height, cfg.output_width)
    crop = (cfg.input_height, cfg.input_width) if cfg.crop else None
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        grey, looked_at = _look_at_sample(source, rows, bad, pool)
        channels, note = _channels(cfg.c_dim, grey, looked_at, len(rows))
        notes = [*notes, note] if note else notes
        budget = int(cfg.cache_mb * 2 ** 20)
        images = None
        if len(rows) * size[0] * size[1] * channels <= budget:
            images, colour = _decode_all(source, rows, size, channels, crop, bad, pool, str(cfg.c_dim) == 'auto')
            if colour:
                channels = 3
                notes = [*notes[:-1], 'c_dim 3: not all files are grey']
                bad = BadImages(cfg.dataset, len(rows), cfg.max_bad_images)
                images = None
                if len(rows) * size[0] * size[1] * 3 <= budget:
                    images, _ = _decode_all(source, rows, size, 3, crop, bad, pool, False)
    if images is not None:
        images, rows = images
        labels = None if labels is None else labels[rows]
        load = _cached(images, labels)
        count = len(images)
    else:
        count = len(rows)
        load = _streamed(source, rows, labels, size, channels, crop, bad, workers)
        notes = [*notes, f'decoded while training: they would take {count * size[0] * size[1] * channels / 2**20:,.0f} '
                 f'MB in memory, --cache_mb is {cfg.cache_mb:g}']
    for path, reason in bad.listed()[:5]:
        notes.append(f'skipped {path}: {reason}')
    if len(bad.listed()) > 5:
        notes.append(f'skipped {len(bad.listed()) - 5:,} more unreadable files')
    return Dataset(name=cfg.dataset, size=count, image_shape=(*size, channels),
                   num_classes=0 if labels is None else len(class_names),
                   class_names=() if labels is None else tuple(class_names),
                   load=load, notes=tuple(notes), bad=bad)


def _subset(total, train_size):
    if train_size >= total:
        return np.arange(total)
    return np.sort(_permutation(total, SUBSET_KEY, 0)[:int(train_size)])


def _look_at_sample(source, rows, bad, pool):
    """(all of a sample are grey, how many could be read): enough for c_dim and to refuse a folder of rubbish."""
    sample = rows[np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(np.int64)]
    modes, failures = [], []
    for i, (mode, reason) in zip(sample, pool.map(lambda i: _mode(source, int(i)), sample)):
        if mode:
            modes.append(mode)
        else:
            failures.append((source.name(int(i)), reason))
    expected = bad.fraction * len(sample)
    if not modes or len(failures) > expected + 3 * expected ** .5 + 1:
        raise UserError(bad.complaint(len(failures), len(sample), *failures[0]))
    return all(mode == 'L' for mode in modes), len(modes)


def _mode(source, i):
    try:
        return source.picture(i).mode, None
    except Unreadable as error:
        return None, str(error)


def _channels(c_dim, grey, looked_at, total):
    if str(c_dim) in ('1', '3'):
        return int(c_dim), ''
    judged = f'{looked_at:,} files looked at' if looked_at < total else 'files'
    return (1, f'c_dim 1: all {judged} are grey') if grey else (3, 'c_dim 3: not all files are grey')


def _decode_all(source, rows, size, channels, crop, bad, pool, grey_only):
    """((uint8 images, the rows that could be read), whether a colour image turned up while grey_only)."""
    images = np.empty((len(rows), *size, channels), np.uint8)
    readable = np.zeros(len(rows), bool)
    stop = threading.Event()
    colour = threading.Event()

    def decode_chunk(first):
        failures = []
        for at in range(first, min(first + CHUNK, len(rows))):
            if stop.is_set():
                break
            try:
                picture = source.picture(int(rows[at]))
                if grey_only and channels == 1 and picture.mode != 'L':
                    colour.set()
                    stop.set()
                    break
                images[at] = fit(picture, size, channels, crop)
                readable[at] = True
            except Unreadable as error:
                failures.append((source.name(int(rows[at])), str(error)))
        return failures

    try:
        with tqdm(total=len(rows), desc='reading images', unit='', disable=None, leave=False) as bar:
            for failures in pool.map(decode_chunk, range(0, len(rows), CHUNK)):
                for path, reason in failures:
                    bad.add(path, reason)
                bar.update(CHUNK)
    finally:
        stop.set()                                      # an error or Ctrl-C does not wait for the rest
    if colour.is_set():
        return None, True
    if not readable.all():
        images, rows = images[readable], rows[readable]
    return (images, rows), False


def _cached(images, labels):
    def load(indices):
        return images[indices], np.zeros(len(indices), np.int32) if labels is None else labels[indices]
    return load


def _streamed(source, rows, labels, size, channels, crop, bad, workers):
    """A load function that decodes on demand; for an unreadable file the next readable one stands in."""
    pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix='decode')
    known_bad = set()

    def one(index):
        at = int(index)
        while True:
            row = int(rows[at])
            if row not in known_bad:
                try:
                    return row, fit(source.picture(row), size, channels, crop)
                except Unreadable as error:
                    known_bad.add(row)
                    bad.add(source.name(row), str(error))
            at = (at + 1) % len(rows)

    def load(indices):
        images = np.empty((len(indices), *size, channels), np.uint8)
        taken = np.empty(len(indices), np.int64)
        for at, (row, image) in enumerate(pool.map(one, indices)):
            taken[at], images[at] = row, image
        return images, np.zeros(len(indices), np.int32) if labels is None else labels[taken]
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


# ---------------------------------------------------------------- order and pipeline

@functools.lru_cache(maxsize=4)
def _permutation(size, seed, epoch):
    """0 … size - 1 in an order that depends on (seed, epoch) alone.

    Sorting raw Philox words instead of Generator.permutation: only the raw stream is promised to stay the same
    from one NumPy version to the next.
    """
    key = np.array([seed % 2 ** 64, epoch], np.uint64)
    order_ = np.argsort(np.random.Philox(key=key).random_raw(size), kind='stable')
    order_.flags.writeable = False
    return order_


def order(size, seed, first, count):
    """Indices of images first … first + count - 1 of the endless stream over `size` images: int64 [count]."""
    parts = []
    while count > 0:
        epoch, position = divmod(first, size)
        taken = _permutation(size, seed, epoch)[position:position + count]
        parts.append(taken)
        first, count = first + len(taken), count - len(taken)
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)


def batches(dataset, batch_size, seed, start_step, value_range, total_steps=None):
    """Tensors of a graph-mode iterator: (images f32 [B, H, W, C] in value_range, y one-hot f32 [B, K] or None).

    The first run fetches the batch of step `start_step`; after that of step total_steps - 1 the stream ends with
    tf.errors.OutOfRangeError (None: never). An unreadable data set ends it with another tf.errors.OpError, and
    dataset.check() then raises the UserError behind it.
    """
    def load(step):
        images, labels = dataset.load(order(dataset.size, seed, int(step) * batch_size, batch_size))
        return images, labels

    stored = tf.uint8 if dataset.value_range is None else tf.float32

    def batch(step):
        images, labels = tf.numpy_function(load, [step], [stored, tf.int32])
        return (tf.ensure_shape(images, [batch_size, *dataset.image_shape]), tf.ensure_shape(labels, [batch_size]))

    steps = tf.data.Dataset.range(start_step, np.iinfo(np.int64).max if total_steps is None else total_steps)
    options = tf.data.Options()
    options.deterministic = True
    options.autotune.enabled = False                # one map and one buffer: nothing to tune
    options.threading.private_threadpool_size = 1   # the step keeps its own threads
    stream = steps.map(batch).prefetch(2).with_options(options)
    images, labels = _one_shot(stream, seed)
    lowest, highest = value_range
    stored_lowest, stored_highest = dataset.value_range or (0, 255)
    images = tf.cast(images, tf.float32)
    if (stored_lowest, stored_highest) != (lowest, highest):
        if stored_lowest:
            images = images - stored_lowest
        images = images / ((stored_highest - stored_lowest) / (highest - lowest))
        if lowest:
            images = images + lowest                # uint8 to (-1, 1): x / 127.5 - 1, as the original wrote it
    return images, tf.one_hot(labels, dataset.num_classes) if dataset.num_classes else None


def _one_shot(stream, seed):
    """get_next() of a one-shot iterator.

    With deterministic ops on, making one demands a graph-level seed although nothing here is random; the graph
    gets its own back afterwards.
    """
    graph = tf.compat.v1.get_default_graph()
    before = graph.seed
    graph.seed = seed if before is None else before
    try:
        return tf.compat.v1.data.make_one_shot_iterator(stream).get_next()
    finally:
        graph.seed = before
