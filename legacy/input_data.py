"""tensorflow.examples.tutorials.mnist.input_data and tf.contrib.learn.datasets, from local IDX files.

Where a script's folder does not hold the four files, the 10,000 sample digits of this project stand in and
that is said once.
"""
import ast
import collections
import gzip
import os
import struct
import sys
import types

import numpy

from legacy import notes

SAMPLE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'data', 'mnist')
SOURCE_URL = DEFAULT_SOURCE_URL = 'https://storage.googleapis.com/cvdf-datasets/mnist/'
FILES = {'train': ('train-images-idx3-ubyte', 'train-labels-idx1-ubyte'),
         't10k': ('t10k-images-idx3-ubyte', 't10k-labels-idx1-ubyte')}

# Numbers that only a script which counts on the whole of MNIST has: of all, training and validation digits.
OWN_SIZES = {50000, 55000, 60000, 70000, 54999, 59999, 49999}
COUNTED_ON = []          # where a script of this process has one

Datasets = collections.namedtuple('Datasets', ['train', 'validation', 'test'])


def _bytes(source):
    """All bytes of a path or an open file, unpacked when they are gzip."""
    if hasattr(source, 'read'):
        data = source.read()
    else:
        with open(source, 'rb') as file:
            data = file.read()
    return gzip.decompress(data) if data[:2] == b'\x1f\x8b' else data


def read_idx(source):
    """An IDX file (path or file object, plain or gzip) as a uint8 array. ValueError when it is something
    else or cut short.
    """
    data = _bytes(source)
    if len(data) < 4 or data[:3] != b'\0\0\x08':
        raise ValueError(f'{source}: not an IDX file of bytes')
    shape = struct.unpack('>' + 'I' * data[3], data[4:4 + 4 * data[3]])
    values = numpy.frombuffer(data, numpy.uint8, offset=4 + 4 * data[3])
    if values.size != numpy.prod(shape):
        raise ValueError(f'{source}: {values.size} bytes, expected {numpy.prod(shape)}')
    return values.reshape(shape)


def dense_to_one_hot(labels_dense, num_classes):
    """Class indices [N] → one-hot [N, num_classes], float64 as it was."""
    return numpy.eye(num_classes)[numpy.asarray(labels_dense)]


def extract_images(f):
    """[N, rows, columns, 1] uint8."""
    return read_idx(f)[..., None]


def extract_labels(f, one_hot=False, num_classes=10):
    """[N] uint8, or [N, num_classes] one-hot."""
    labels = read_idx(f)
    return dense_to_one_hot(labels, num_classes) if one_hot else labels


class DataSet:
    """Images and labels, drawn in shuffled batches.

    images [N, 784] float32 in [0, 1] (uint8 0 … 255 with dtype uint8; [N, 28, 28, 1] without `reshape`).
    """

    def __init__(self, images, labels, fake_data=False, one_hot=False, dtype=numpy.float32, reshape=True,
                 seed=None):
        dtype = numpy.dtype(getattr(dtype, 'as_numpy_dtype', dtype))
        self.one_hot = one_hot
        if fake_data:
            self._num_examples = 10000
            images, labels = numpy.ones((10000, 784), dtype), numpy.zeros(10000, numpy.uint8)
            labels = dense_to_one_hot(labels, 10) if one_hot else labels
        else:
            if images.shape[0] != labels.shape[0]:
                raise AssertionError(f'images.shape: {images.shape} labels.shape: {labels.shape}')
            self._num_examples = images.shape[0]
            if reshape and images.ndim > 2:
                images = images.reshape(images.shape[0], int(numpy.prod(images.shape[1:])))
            if dtype == numpy.float32:
                images = numpy.multiply(images.astype(numpy.float32), 1.0 / 255.0)
        self._images, self._labels = images, labels
        self._epochs_completed = self._index_in_epoch = 0
        self._random = numpy.random.RandomState(seed) if seed is not None else numpy.random

    images = property(lambda self: self._images)
    labels = property(lambda self: self._labels)
    num_examples = property(lambda self: self._num_examples)
    epochs_completed = property(lambda self: self._epochs_completed)

    def _shuffle(self):
        order = self._random.permutation(self._num_examples)
        self._images, self._labels = self._images[order], self._labels[order]

    def next_batch(self, batch_size, fake_data=False, shuffle=True):
        """(images, labels) of the next `batch_size` examples; the last ones of an epoch are joined by the
        next's first.
        """
        batch_size = int(batch_size)
        start = self._index_in_epoch
        if self._epochs_completed == 0 and start == 0 and shuffle:
            self._shuffle()
        if start + batch_size <= self._num_examples:
            self._index_in_epoch = start + batch_size
            return self._images[start:start + batch_size], self._labels[start:start + batch_size]
        self._epochs_completed += 1
        images, labels = [self._images[start:]], [self._labels[start:]]
        rest = batch_size - len(images[0])
        # more than one round when the batch is larger than the set
        while rest > 0:
            if shuffle:
                self._shuffle()
            take = min(rest, self._num_examples)
            images.append(self._images[:take])
            labels.append(self._labels[:take])
            self._index_in_epoch, rest = take, rest - take
        return numpy.concatenate(images), numpy.concatenate(labels)


def _local(folder, name):
    for path in (os.path.join(folder, name + '.gz'), os.path.join(folder, name)):
        if os.path.isfile(path):
            return path
    return None


def load_raw(folder):
    """((train images, labels), (test images, labels)) uint8 from `folder`, or None where a file is missing
    or broken.
    """
    result = []
    for images, labels in FILES.values():
        try:
            pair = [read_idx(_local(folder, name)) for name in (images, labels)]
        except (ValueError, OSError, TypeError, EOFError):
            return None
        result.append(pair)
    return result


def expect_sizes(files):
    """Notes where a script counts on MNIST's own sizes; `files` are {path: (tree, …)} of its sources."""
    for path, (tree, *_) in files.items():
        for node in ast.walk(tree) if tree is not None else ():
            if isinstance(node, ast.Constant) and type(node.value) is int and node.value in OWN_SIZES:
                COUNTED_ON.append(f'{os.path.relpath(path)}:{node.lineno} has {node.value}')
            # numbers of many other meanings: only as the first of a shape, or asked for by name
            part = None
            if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 1:
                part = node.elts[0]
            elif isinstance(node, ast.keyword) and node.arg == 'validation_size':
                part = node.value
            if isinstance(part, ast.Constant) and part.value in (5000, 10000):
                COUNTED_ON.append(f'{os.path.relpath(path)}:{part.lineno} has a set of {part.value}')


def load_or_sample(folder, wanted_by):
    """The four files of `folder`; without them the sample digits, 8,000 of them for training, 2,000 for
    testing, or, where the script counts on MNIST's sizes, repeated up to 60,000 and 10,000.

    OSError naming the missing files when there are no sample digits either.
    """
    found = load_raw(folder)
    if found is not None:
        return found
    sample = [_local(SAMPLE, name) for name in FILES['t10k']]
    names = ', '.join(name + '.gz' for pair in FILES.values() for name in pair)
    if None in sample:
        raise OSError(f'{wanted_by}: no MNIST in {os.path.abspath(folder)}; put {names} there')
    images, labels = map(read_idx, sample)
    halves = [[images[:8000], labels[:8000]], [images[8000:], labels[8000:]]]
    how = '8,000 to train, 2,000 to test'
    if COUNTED_ON:
        how = f'repeated up to 60,000 to train and 10,000 to test, since {COUNTED_ON[0]}'
        halves = [[numpy.resize(part, (size, *part.shape[1:])) for part in half]
                  for half, size in zip(halves, (60000, 10000))]
    notes.say(f'no complete MNIST in {folder}: the 10,000 sample digits stand in ({how}); '
              f'for all of MNIST put {names} there', 'mnist')
    return halves


def read_data_sets(train_dir, fake_data=False, one_hot=False, dtype=numpy.float32, reshape=True,
                   validation_size=5000, seed=None, source_url=None, num_classes=10):
    """Datasets(train, validation, test); the first `validation_size` training digits are the validation
    set.
    """
    options = dict(one_hot=one_hot, dtype=dtype, reshape=bool(reshape), seed=seed)
    if fake_data:
        return Datasets(*[DataSet([], [], fake_data=True, **options) for _ in range(3)])
    (images, labels), (test_images, test_labels) = load_or_sample(train_dir, 'read_data_sets')
    if validation_size < 0:
        raise ValueError(
            f'Validation size should be between 0 and {len(images)}. Received: {validation_size}.')
    if validation_size > len(images) // 2:               # 5,000 of the sample digits would be most of them
        validation_size = len(images) // 8
    images, test_images = images[..., None], test_images[..., None]
    if one_hot:
        labels, test_labels = dense_to_one_hot(labels, num_classes), dense_to_one_hot(test_labels,
                                                                                      num_classes)
    cut = validation_size
    return Datasets(DataSet(images[cut:], labels[cut:], **options), DataSet(images[:cut], labels[:cut],
                                                                            **options), DataSet(test_images,
                                                                                                test_labels,
                                                                                                **options))


def load_mnist(train_dir='MNIST-data'):
    return read_data_sets(train_dir)


def maybe_download(filename, work_directory, source_url=None):
    """The path of a file that is there already."""
    path = os.path.join(work_directory, filename)
    if os.path.isfile(path):
        return path
    sample = os.path.join(SAMPLE, filename)
    if os.path.isfile(sample):
        return sample
    from legacy import network
    raise network.refusal(source_url or SOURCE_URL + filename, path)


def _load_dataset(name, size='small', test_with_fake_data=False):
    if name == 'mnist':
        return load_mnist()
    raise ValueError(f'Name of dataset is not found: {name}; only mnist is restored')


class ModeKeys:
    """tf.contrib.learn.ModeKeys."""
    TRAIN, EVAL, INFER, PREDICT = 'train', 'eval', 'infer', 'infer'


PACKAGE = types.ModuleType('tensorflow.examples.tutorials.mnist')
PACKAGE.input_data = sys.modules[__name__]
datasets = types.ModuleType('tensorflow.contrib.learn.datasets')
base = types.ModuleType('tensorflow.contrib.learn.datasets.base')
base.maybe_download, base.Datasets = maybe_download, Datasets
datasets.base = base
datasets.mnist = sys.modules[__name__]
datasets.load_dataset = _load_dataset
mnist = sys.modules[__name__]
