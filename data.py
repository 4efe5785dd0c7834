"""Data on disk → one tf.data pipeline: seeded, resumable, cached.

Image k of the endless stream is position k % size of epoch k // size, and each epoch is a permutation that depends
on (seed, epoch) alone. So every image is seen once an epoch, batches run across epoch ends and are always full,
and a resumed run needs nothing but its step.
"""
import difflib
import os

import numpy as np

import cifar
import labels as label_readers
import readers
from config import expand_path
from errors import UserError
from images import EXTENSIONS, printable
from loading import Dataset, from_arrays, from_source, permutation  # noqa: F401 (the first two are this module's API)
from tf1 import tf

DOWNLOADS = ('mnist', 'fashion', 'cifar10', 'celebA', 'lsun')
DIGITS = tuple('0123456789')
FASHION = ('T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot')


def open_dataset(cfg):
    """cfg.dataset (a name under cfg.data_dir, or a path) → Dataset. Raises UserError.

    The format is told from what is in the folder: IDX files, CIFAR-10, LSUN's lmdb, image files, a zip of them.
    """
    path = find_dataset(cfg.dataset, cfg.data_dir)
    if os.path.isfile(path):
        return _open_zip(cfg, path, readers.Listing(os.path.dirname(path), [], 0, []))
    listing = readers.list_files(path)
    if idx := readers.find_idx(listing.names):
        return _open_idx(cfg, path, idx)
    if batches_ := cifar.find_cifar(listing.names):
        return _open_cifar(cfg, path, batches_)
    if databases := readers.find_lmdb(listing.names):
        return _open_lsun(cfg, [os.path.join(path, name) for name in databases])
    return _open_images(cfg, listing)


def find_dataset(dataset, data_dir):
    """A name under data_dir or a path → the path of a folder, or of a zip file, that exists. Raises UserError."""
    dataset, data_dir = expand_path(dataset), expand_path(data_dir)
    if not dataset:
        raise UserError('--dataset is empty: give a folder under --data_dir, or a path')
    if '\0' in dataset + data_dir:
        raise UserError(f'--dataset {printable(dataset)}: not the name of a folder')
    candidates = [os.path.join(data_dir, dataset), dataset]
    if dataset.startswith(('.', os.sep)):
        candidates.reverse()
    for path in candidates:
        if os.path.isdir(path) or os.path.isfile(path) and path.lower().endswith('.zip'):
            return path
        if os.path.lexists(path):
            raise UserError(f'--dataset {printable(dataset)}: {printable(path)} is neither a folder nor a zip file of images')
    try:
        there = sorted(entry.name for entry in os.scandir(data_dir) if entry.is_dir() and entry.name[0] != '.')
    except OSError as error:
        raise UserError(f'--dataset {printable(dataset)}: no such folder, and --data_dir {printable(data_dir)} '
                        f'cannot be read ({os.strerror(error.errno).lower()})') from None
    near = difflib.get_close_matches(dataset, there, 1)
    raise UserError(f'--dataset {printable(dataset)}: no folder {printable(candidates[0])}; '
                    + (f'did you mean --dataset {printable(near[0])}? ' if near else '')
                    + (f'python download.py {dataset} fetches it; ' if dataset in DOWNLOADS else '')
                    + (f'{printable(data_dir)} has {", ".join(map(printable, there[:8]))}' if there
                       else f'{printable(data_dir)} has no folder; --data_dir names another place'))


def _open_idx(cfg, path, parts):
    _refuse_other_labels(cfg, path, 'IDX files')
    images, labels = readers.read_idx_folder(path, parts, cfg.labels == 'builtin')
    classes = FASHION if 'fashion' in os.path.basename(os.path.abspath(path)).lower() else DIGITS
    notes = [f'{len(images):,} images {images.shape[1]}x{images.shape[2]} from the IDX files of '
             f'{" and ".join(sorted(parts, reverse=True))} in {printable(path)}']
    if 'train' not in parts:
        notes.append(f'the train files are not there; python download.py '
                     f'{"fashion" if classes is FASHION else "mnist"} fetches 60,000 more images')
    return from_source(cfg, readers.ArraySource(images, printable(path)), labels, classes, notes)


def _open_cifar(cfg, path, names):
    _refuse_other_labels(cfg, path, 'CIFAR-10')
    images, labels = cifar.read_cifar(path, names)
    notes = [f'{len(images):,} images 32x32 of CIFAR-10 from {", ".join(map(printable, names))} in {printable(path)}']
    source = readers.ArraySource(images, printable(path))
    return from_source(cfg, source, labels if cfg.labels else None, cifar.CLASSES, notes)


def _refuse_other_labels(cfg, path, format_name):
    if cfg.labels not in ('', 'builtin'):
        raise UserError(f'--labels {printable(cfg.labels)}: {printable(path)} holds {format_name}, which bring their '
                        'own labels; type --labels builtin')


def _open_lsun(cfg, folders):
    if cfg.labels not in ('', 'builtin', 'folder'):
        raise UserError(f'--labels {printable(cfg.labels)}: the labels of LSUN are its categories; type --labels builtin')
    source = readers.LmdbSource(folders)
    labels, classes = source.categories()
    if cfg.labels and len(classes) < 2:
        raise UserError(f'--labels {cfg.labels}: only one category, {classes[0]}, is in {printable(folders[0])}; '
                        'fetch another one beside it, or leave --labels out')
    notes = [f'{len(source):,} images of LSUN: {", ".join(classes)}']
    return from_source(cfg, source, labels if cfg.labels else None, classes, notes)


def _open_images(cfg, listing):
    by_default = getattr(cfg, 'pattern_is_default', False)
    pattern = None if by_default else cfg.input_fname_pattern
    names = readers.match_images(listing.names, pattern)
    if not names:
        zips = [name for name in listing.names if name.lower().endswith('.zip')]
        if len(zips) == 1:
            return _open_zip(cfg, os.path.join(listing.folder, zips[0]), listing)
        raise _nothing_matches(cfg, listing.names, listing.folder, listing.folders)
    notes = [f'{len(names):,} images ({_count_extensions(names)}) in {printable(listing.folder)}'
             + (f' and its {listing.folders:,} sub-folders' if listing.folders else '')]
    source = readers.FolderSource(listing.folder, names)
    unusable = [(printable(os.path.join(listing.folder, name)), reason) for name, reason in listing.skipped
                if reason.startswith('folder') or readers.match_images([name], pattern)]
    return _open_files(cfg, source, listing, notes, unusable)


def _open_zip(cfg, path, listing):
    by_default = getattr(cfg, 'pattern_is_default', False)
    source = readers.ZipSource(path, None if by_default else cfg.input_fname_pattern)
    if not len(source):
        raise _nothing_matches(cfg, source.all_names, path, 0)
    notes = [f'{len(source):,} images ({_count_extensions(source.names)}) in {printable(path)}, read without unpacking']
    return _open_files(cfg, source, listing, notes, [])


def _open_files(cfg, source, listing, notes, unusable):
    """Image files of a folder or a zip, with the labels that --labels names."""
    if getattr(cfg, 'pattern_is_default', False) and len({readers.extension(name) for name in source.names}) > 1:
        notes.append('--input_fname_pattern is not given: every JPEG, PNG, BMP, GIF and WebP is used')
    if not cfg.labels:
        return from_source(cfg, source, None, (), notes, unusable)
    labels, classes = _file_labels(cfg, source, listing)
    without = int((labels < 0).sum())
    if without:
        notes.append(f'{without:,} images have no label and are left out')
    counts = np.bincount(labels[labels >= 0], minlength=len(classes))
    notes.append('classes: ' + ', '.join(f'{name} ({count:,})' for name, count in zip(classes[:12], counts))
                 + (f' and {len(classes) - 12} more' if len(classes) > 12 else ''))
    return from_source(cfg, source, labels, classes, notes, unusable)


def _file_labels(cfg, source, listing):
    """--labels → (int32 labels with -1 for none, class names)."""
    if cfg.labels == 'folder':
        return label_readers.from_folders(source.names)
    path = expand_path(cfg.labels)
    for place in (path, os.path.join(listing.folder, path)):
        if os.path.isfile(place) and '\0' not in place:
            return label_readers.from_csv(place, source.names)
    lists = [name for name in listing.names if label_readers.ATTRIBUTE_FILE.search(name)]
    if cfg.labels.lower().endswith(('.csv', '.tsv', '.txt')) or os.sep in cfg.labels:
        raise UserError(f'--labels {printable(cfg.labels)}: no such file')
    if not lists:
        raise UserError(f'--labels {printable(cfg.labels)}: {printable(cfg.dataset)} has no labels of its own; type '
                        '--labels folder (a sub-folder a class) or --labels file.csv (lines of file,label)')
    wanted = ['Male'] if cfg.labels == 'builtin' else [name.strip() for name in cfg.labels.split(',')]
    return label_readers.from_attributes(os.path.join(listing.folder, lists[0]), wanted, source.names)


def _count_extensions(names):
    counts = {}
    for name in names:
        ending = readers.extension(name) or 'no extension'
        counts[ending] = counts.get(ending, 0) + 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return ', '.join(f'{count:,} {printable(ending)}' for ending, count in ordered[:6])


def _nothing_matches(cfg, names, folder, folders):
    where = f'--dataset {printable(cfg.dataset)}: {printable(folder)}'
    if folders:
        where += f' and its {folders:,} sub-folders'
    if not names:
        return UserError(f'{where}: no files there; put images in it, or name another folder with --dataset or --data_dir')
    there = _count_extensions(names)
    others = [readers.extension(name) for name in readers.match_images(names)]
    if not others:
        return UserError(f'{where}: no images there, only {there}; supported are {" ".join(EXTENSIONS)}')
    return UserError(f'{where}: no file matches --input_fname_pattern "{printable(cfg.input_fname_pattern)}"; '
                     f'there are {there}; type --input_fname_pattern "*{max(set(others), key=others.count)}"')


# ---------------------------------------------------------------- order and pipeline

def order(size, seed, first, count):
    """Indices of images first … first + count - 1 of the endless stream over `size` images: int64 [count]."""
    parts = []
    while count > 0:
        epoch, position = divmod(first, size)
        taken = permutation(size, seed, epoch)[position:position + count]
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
    graph = tf.get_default_graph()
    before = graph.seed
    graph.seed = seed if before is None else before
    try:
        return tf.data.make_one_shot_iterator(stream).get_next()
    finally:
        graph.seed = before
