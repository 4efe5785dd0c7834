"""CIFAR-10 from disk: the binary version, the python version, or either .tar.gz as downloaded.

Layout: https://www.cs.toronto.edu/~kriz/cifar.html. The python version is a pickle, which a program must never load
from a stranger: `inert_pickle` reads its opcodes as data and calls nothing.
"""
import gzip
import os
import pickletools
import re
import tarfile
import zlib

import numpy as np

from errors import UserError
from images import Unreadable, printable, read_file

CLASSES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck')
PIXELS = 3 * 32 * 32
MAX_BATCH_BYTES = 2 ** 26           # a batch of record has 31 MB
MAX_ARCHIVE_BYTES = 2 ** 29         # unpacked; the real ones have 184 and 186 MB

BATCH_NAME = re.compile(r'(data_batch_\d+|test_batch)(\.bin)?$')
ARCHIVE_NAME = re.compile(r'cifar-10-(binary|python)\.tar\.gz$')
ARCHIVE_ERRORS = (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, zlib.error)


def find_cifar(names):
    """Relative names → those of the training batches (the test batch where it is alone), or of one archive, or []."""
    last = {name: name.rsplit('/', 1)[-1] for name in names}
    batches = [name for name in names if BATCH_NAME.match(last[name])]
    for binary in (True, False):
        kind = [name for name in batches if name.endswith('.bin') == binary]
        train = [name for name in kind if last[name].startswith('data_batch_')]
        if kind:
            return train or kind
    return [name for name in names if ARCHIVE_NAME.match(last[name])][:1]


def read_cifar(folder, names):
    """The files that find_cifar found → (uint8 images [N, 32, 32, 3], int32 labels [N]). Raises UserError."""
    if ARCHIVE_NAME.search(names[0]):
        parts = read_archive(os.path.join(folder, names[0]))
    else:
        parts = []
        for name in names:
            path = os.path.join(folder, name)
            try:
                parts.append((printable(path), read_file(path, MAX_BATCH_BYTES)))
            except Unreadable as error:
                raise UserError(f'{printable(path)}: {error}') from None
    pixels, labels = zip(*(read_batch(content, title) for title, content in parts))
    images = np.concatenate(pixels).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), np.concatenate(labels).astype(np.int32)


def read_archive(path):
    """[(title, bytes)] of the batches in a .tar.gz, read in passing: nothing is written anywhere."""
    try:
        with gzip.open(path) as unpacked:
            batches = read_tar(unpacked)
    except ARCHIVE_ERRORS as error:
        raise UserError(f'{printable(path)}: not a complete .tar.gz ({printable(error)[:200]}); '
                        'python download.py cifar10 fetches it again') from None
    train = sorted(batch for batch in batches if batch[0].startswith('data_batch_'))
    if not batches:
        raise UserError(f'{printable(path)}: no data_batch_1 … data_batch_5 in it')
    return [(f'{printable(path)}/{last}', content) for last, content in train or batches]


def read_tar(file):
    """[(file name without folders, bytes)] of the batches in a .tar that is open. Raises one of ARCHIVE_ERRORS."""
    batches = []
    with tarfile.open(fileobj=_Bounded(file, MAX_ARCHIVE_BYTES), mode='r|') as archive:
        for member in archive:
            last = member.name.rsplit('/', 1)[-1]
            if member.isfile() and BATCH_NAME.match(last) and member.size <= MAX_BATCH_BYTES:
                batches.append((last, archive.extractfile(member).read()))
    return batches


class _Bounded:
    """A reader that stops a decompression bomb."""

    def __init__(self, file, limit):
        self.file, self.left = file, limit

    def read(self, size):
        data = self.file.read(size)
        self.left -= len(data)
        if self.left < 0:
            raise ValueError('it unpacks to more than a CIFAR-10 archive can hold')
        return data


def read_batch(content, title):
    """bytes of one batch file → (uint8 [N, 3072] in channel, row, column order, labels [N]). Raises UserError."""
    if title.endswith('.bin'):
        if not content or len(content) % (1 + PIXELS):
            raise UserError(f'{title}: {len(content):,} bytes, expected a multiple of {1 + PIXELS} (label and image)')
        records = np.frombuffer(content, np.uint8).reshape(-1, 1 + PIXELS)
        pixels, labels = records[:, 1:], records[:, 0]
    else:
        try:
            batch = inert_pickle(content)
            pixels = as_array(batch['data'])
            labels = np.array([label for label in batch['labels'] if type(label) is int and 0 <= label < 256], np.uint8)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'{title}: not a CIFAR-10 batch ({printable(error)[:200]}); '
                            'python download.py cifar10 fetches it again') from None
    if pixels.ndim != 2 or pixels.shape[1] != PIXELS or labels.shape != pixels.shape[:1] or not len(labels):
        raise UserError(f'{title}: {len(labels):,} labels for an array of {pixels.shape}, expected (N, {PIXELS})')
    if labels.max() >= len(CLASSES):
        raise UserError(f'{title}: label {labels.max()} at {int(labels.argmax())}, expected 0 to 9')
    return pixels, labels


class Call:
    """What a pickle asks to be called, kept as data: `function` is 'module name', never looked up."""

    def __init__(self, function, args):
        self.function, self.args, self.state = function, args, None


PUSHES_ITS_ARGUMENT = {
    'INT', 'BININT', 'BININT1', 'BININT2', 'LONG', 'LONG1', 'LONG4', 'STRING', 'BINSTRING', 'SHORT_BINSTRING',
    'BINBYTES', 'SHORT_BINBYTES', 'BINBYTES8', 'UNICODE', 'SHORT_BINUNICODE', 'BINUNICODE', 'BINUNICODE8', 'GLOBAL'}
PUSHES = {'NONE': lambda: None, 'NEWTRUE': lambda: True, 'NEWFALSE': lambda: False, 'EMPTY_DICT': dict,
          'EMPTY_LIST': list, 'EMPTY_TUPLE': tuple}


def inert_pickle(data):
    """The value a pickle describes, out of None, bool, int, str, bytes, tuple, list, dict and Call.

    Protocols 0 to 4 as far as data needs them. Nothing is imported or called, whatever the bytes say; memory grows
    with the length of `data` only. Python 2 strings become str (latin-1). Raises ValueError.
    """
    stack, marks, memo = [], [], {}

    def since_mark():
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    def put(target, pairs):
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            if not isinstance(key, (str, bytes)):       # hashing a deep tuple would exhaust the C stack
                raise ValueError(f'a dictionary key of type {type(key).__name__}')
            target[key.decode('latin-1') if isinstance(key, bytes) else key] = value

    try:
        for opcode, argument, position in pickletools.genops(data):
            name = opcode.name
            if name in PUSHES_ITS_ARGUMENT:
                stack.append(argument)
            elif name in PUSHES:
                stack.append(PUSHES[name]())
            elif name == 'MARK':
                marks.append(len(stack))
            elif name in ('BINPUT', 'LONG_BINPUT', 'PUT'):
                memo[argument] = stack[-1]
            elif name == 'MEMOIZE':
                memo[len(memo)] = stack[-1]
            elif name in ('BINGET', 'LONG_BINGET', 'GET'):
                stack.append(memo[argument])
            elif name in ('TUPLE1', 'TUPLE2', 'TUPLE3'):
                count = int(name[-1])
                stack[-count:] = [tuple(stack[-count:])] if len(stack) >= count else [][0]
            elif name == 'TUPLE':
                stack.append(tuple(since_mark()))
            elif name == 'LIST':
                stack.append(since_mark())
            elif name == 'DICT':
                target, pairs = {}, since_mark()
                put(target, pairs)
                stack.append(target)
            elif name == 'APPEND':
                item = stack.pop()
                stack[-1].append(item)
            elif name == 'APPENDS':
                items = since_mark()
                stack[-1].extend(items)
            elif name == 'SETITEM':
                value, key = stack.pop(), stack.pop()
                put(stack[-1], [key, value])
            elif name == 'SETITEMS':
                pairs = since_mark()
                put(stack[-1], pairs)
            elif name == 'STACK_GLOBAL':
                last, module = stack.pop(), stack.pop()
                stack.append(f'{module} {last}')
            elif name == 'REDUCE':
                args, function = stack.pop(), stack.pop()
                stack.append(Call(function, args))
            elif name == 'BUILD':
                state = stack.pop()
                stack[-1].state = state
            elif name == 'STOP':
                return stack.pop()
            elif name not in ('PROTO', 'FRAME'):
                raise ValueError(f'{name} at byte {position}, which image data does not need')
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'damaged pickle ({type(error).__name__}: {error})') from None
    raise ValueError('the pickle has no end')


def as_array(value):
    """A pickled uint8 NumPy array, as inert_pickle returns it → the array. Raises ValueError."""
    kind = value.function if isinstance(value, Call) else type(value).__name__
    if kind not in ('numpy.core.multiarray _reconstruct', 'numpy._core.multiarray _reconstruct'):
        raise ValueError(f'expected a NumPy array, found {kind}')
    state = value.state
    if not isinstance(state, tuple) or len(state) != 5:
        raise ValueError('a NumPy array without its state')
    _, shape, dtype, column_major, raw = state
    if isinstance(raw, Call) and raw.function == '_codecs encode' and isinstance(raw.args, tuple) and raw.args:
        raw = raw.args[0]                               # how Python 3 writes bytes in protocol 2
    if isinstance(raw, str):
        raw = raw.encode('latin-1')
    if not (isinstance(dtype, Call) and dtype.function == 'numpy dtype' and isinstance(dtype.args, tuple)
            and dtype.args[:1] in (('u1',), ('|u1',))):
        raise ValueError('a NumPy array that is not uint8')
    if not (isinstance(raw, bytes) and isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)):
        raise ValueError('a NumPy array of unusual layout')
    return np.frombuffer(raw, np.uint8).reshape(shape, order='F' if column_major is True else 'C')
