"""Disk formats: what a folder holds, and readers of it.

A source is a list of pictures that are decoded on demand:
  len(source); source.name(i) → text for messages; source.picture(i) → PIL image 'L' or 'RGB', raises Unreadable.
Files are untrusted: every count is checked against the bytes that are really there before anything is
allocated, archives are read in place, and nothing is ever unpickled.
"""
import collections
import fnmatch
import functools
import gzip
import math
import os
import re
import stat
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image
from tqdm import tqdm

from errors import UserError
from images import EXTENSIONS, MAX_FILE_BYTES, Unreadable, crop_box, decode, printable, read_file

Listing = collections.namedtuple('Listing', 'folder names folders skipped')


def list_files(folder):
    """Every file below `folder` → Listing(folder, sorted relative names, number of sub-folders, skipped).

    Links to folders are followed, each folder once, so loops end. Hidden files, hidden folders and __MACOSX are
    left out, as a glob would. What is neither file nor folder, and folders that may not be read, are in `skipped`
    as (name, reason).
    """
    names, skipped, folders = [], [], 0
    seen, waiting = set(), ['']
    while waiting:
        inside = waiting.pop()
        here = os.path.join(folder, inside) if inside else folder
        try:
            status = os.stat(here)
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name.startswith('.') or entry.name == '__MACOSX':
                        continue
                    name = f'{inside}/{entry.name}' if inside else entry.name
                    kind = _kind(entry)
                    if kind == 'folder':
                        waiting.append(name)
                        folders += 1
                    elif kind == 'file':
                        names.append(name)
                    else:
                        skipped.append((name, kind))
        except OSError as error:
            if not inside:
                raise UserError(f'{printable(folder)}: {os.strerror(error.errno).lower()}') from None
            skipped.append((inside, f'folder that cannot be listed: {os.strerror(error.errno).lower()}'))
    names.sort()
    return Listing(folder, names, folders, sorted(skipped))


def _kind(entry):
    try:
        if entry.is_file():
            return 'file'
        if entry.is_dir():
            return 'folder'
        return 'not a regular file' if stat.S_IFMT(entry.stat().st_mode) else 'unknown'
    except FileNotFoundError:
        return 'a link to nothing'
    except OSError as error:                            # a link that leads to itself
        return os.strerror(error.errno).lower()


def extension(name):
    return os.path.splitext(name)[1].lower()


def match_images(names, pattern=None):
    """The names that fit a glob pattern, upper or lower case alike; None: every supported extension.

    A pattern with a slash is held against the whole relative name, any other against the last part.
    """
    if pattern is None:
        return [name for name in names if extension(name) in EXTENSIONS]
    fits = re.compile(fnmatch.translate(pattern.lower())).match
    if '/' in pattern:
        return [name for name in names if fits(name.lower())]
    return [name for name in names if fits(name.rsplit('/', 1)[-1].lower())]


class FolderSource:
    """Image files below one folder."""

    def __init__(self, folder, names):
        self.folder, self.names = folder, names

    def __len__(self):
        return len(self.names)

    def name(self, i):
        return printable(os.path.join(self.folder, self.names[i]))

    def picture(self, i):
        return decode(read_file(os.path.join(self.folder, self.names[i])))


class ArraySource:
    """uint8 [N, height, width, 1 or 3] in memory."""

    def __init__(self, images, name):
        self.images, self.title = images, name

    def __len__(self):
        return len(self.images)

    def is_ready(self, shape, crop):
        """The images are what fit() would make of them."""
        height, width = self.images.shape[1:3]
        whole = crop is None or crop_box(height, width, *crop) == (0, 0, width, height)
        return self.images.shape[1:] == tuple(shape) and whole

    def name(self, i):
        return f'{self.title} image {i}'

    def picture(self, i):
        image = self.images[i]
        return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


# ---------------------------------------------------------------- IDX (MNIST, Fashion-MNIST)

IDX_NAME = re.compile(r'(train|t10k)-(images|labels)[-.]idx[13]-ubyte(\.gz)?$')
MAX_IDX_BYTES = 2 ** 30


def read_idx(path, dims):
    """An IDX file, raw or gzip, → uint8 array with `dims` dimensions (3 images, 1 labels). Raises UserError."""
    try:
        with (gzip.open if path.endswith('.gz') else open)(path, 'rb') as file:
            return parse_idx(file, dims, printable(path))
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f'{printable(path)}: cannot be read ({printable(error)[:200]}); fetch it again') from None


def parse_idx(file, dims, title):
    """A binary file in IDX format, unsigned bytes of `dims` dimensions → uint8 array.

    Format: http://yann.lecun.com/exdb/mnist — 0, 0, 8 (unsigned byte), the number of dimensions, each dimension as
    a big-endian uint32, then the bytes. Raises UserError that starts with `title`.
    """
    head = file.read(4 + 4 * dims)
    if len(head) < 4 + 4 * dims:
        raise UserError(f'{title}: {len(head)} bytes are too few for an IDX file; fetch it again')
    expected = bytes([0, 0, 8, dims])
    if head[:4] != expected:
        raise UserError(f'{title}: starts with {head[:4].hex()}, an IDX file of this name with {expected.hex()}; '
                        'fetch it again')
    shape = struct.unpack(f'>{dims}I', head[4:])
    size = math.prod(shape)
    if not 0 < size <= MAX_IDX_BYTES:
        raise UserError(f'{title}: says it holds {"x".join(map(str, shape))} bytes, expected 1 to {MAX_IDX_BYTES:,}; '
                        'fetch it again')
    body = _read_at_most(file, size + 1)
    if len(body) != size:
        raise UserError(f'{title}: {"more than" if len(body) > size else "only"} {min(len(body), size):,} bytes of '
                        f'content, its header says {size:,}; fetch it again')
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_at_most(file, count):
    """Up to `count` bytes, in chunks: a header that promises too much allocates nothing."""
    body = bytearray()
    while len(body) < count:
        chunk = file.read(min(2 ** 20, count - len(body)))
        if not chunk:
            break
        body += chunk
    return body


def find_idx(names):
    """Relative names → {'train': {'images': name, 'labels': name}, 't10k': …}, a raw file before its .gz."""
    found = {}
    for name in sorted(names, key=lambda name: (name.count('/'), name.endswith('.gz')), reverse=True):
        match = IDX_NAME.search(name.rsplit('/', 1)[-1])
        if match:
            found.setdefault(match[1], {})[match[2]] = name     # the last one wins: shallow, raw
    return {part: files for part, files in found.items() if 'images' in files}


def read_idx_folder(folder, parts, labelled):
    """(uint8 images [N, rows, columns, 1], int32 labels [N] or None) of the parts that find_idx found."""
    images, labels = [], []
    for part in sorted(parts, reverse=True):                    # train, then t10k
        files = parts[part]
        path = os.path.join(folder, files['images'])
        images.append(read_idx(path, 3))
        if images[0].shape[1:] != images[-1].shape[1:]:
            raise UserError(f'{printable(path)}: images of {images[-1].shape[1:]}, those of train are '
                            f'{images[0].shape[1:]}')
        if not labelled:
            continue
        if 'labels' not in files:
            raise UserError(f'{printable(folder)}: {part}-labels-idx1-ubyte(.gz) is missing beside '
                            f'{printable(files["images"])}; python download.py mnist fetches it')
        path = os.path.join(folder, files['labels'])
        labels.append(read_idx(path, 1))
        if len(labels[-1]) != len(images[-1]):
            raise UserError(f'{printable(path)}: {len(labels[-1]):,} labels for {len(images[-1]):,} images')
        if labels[-1].max() > 9:
            raise UserError(f'{printable(path)}: label {labels[-1].max()} at {int(labels[-1].argmax())}, '
                            'expected 0 to 9')
    images = np.concatenate(images)[..., None]
    return images, np.concatenate(labels).astype(np.int32) if labelled else None


# ---------------------------------------------------------------- archives and databases, read in place

ZIP_ERRORS = (zipfile.BadZipFile, OSError, EOFError, ValueError, RuntimeError, NotImplementedError, OverflowError,
              struct.error, zlib.error)


class ZipSource:
    """The images in a zip file, read without unpacking: no name in it ever becomes a path."""

    def __init__(self, path, pattern=None):
        self.path = path
        try:
            self.archive = zipfile.ZipFile(path)
        except ZIP_ERRORS as error:
            raise UserError(f'{printable(path)}: not a complete zip file ({printable(error)[:200]}); '
                            'fetch it again') from None
        entries = {entry.filename: entry for entry in self.archive.infolist()
                   if entry.filename and not entry.filename.endswith('/') and not re.search(r'(^|/)(\.[^./]|__MACOSX/)', entry.filename)}
        self.names = sorted(match_images(entries, pattern))
        self.entries = [entries[name] for name in self.names]
        self.all_names = sorted(entries)

    def __len__(self):
        return len(self.names)

    def name(self, i):
        return f'{printable(self.path)}/{printable(self.names[i])}'

    def picture(self, i):
        entry = self.entries[i]
        if entry.file_size > MAX_FILE_BYTES:
            raise Unreadable(f'{entry.file_size:,} bytes, more than the {MAX_FILE_BYTES:,} that are read')
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(f'zip compression method {entry.compress_type}; stored and deflated are read')
        try:
            data = self.archive.read(entry)
        except ZIP_ERRORS as error:
            raise Unreadable(printable(error)[:200] or f'damaged ({type(error).__name__})') from None
        return decode(data)


LMDB_MAGIC = 0xBEEFC0DE


class LmdbSource:
    """LSUN: one lmdb folder a category, each value an encoded image. Layout: https://github.com/fyu/lsun."""

    def __init__(self, folders):
        try:
            import lmdb     # here: only LSUN needs it
        except ImportError:
            raise UserError(f'{printable(folders[0])}: reading LSUN needs the lmdb package: pip install lmdb') from None
        self.folders, self.error = [os.path.normpath(folder) for folder in folders], lmdb.Error
        self.environments, self.keys, self.owners = [], [], []
        for at, folder in enumerate(self.folders):
            _check_lmdb(folder)
            try:
                environment = _environment(os.path.realpath(folder))
                with environment.begin() as transaction:
                    total = environment.stat()['entries']
                    keys = tqdm(transaction.cursor().iternext(values=False), f'listing {os.path.basename(folder)}',
                                total, disable=None, leave=False)
                    self.keys.extend(keys)
            except lmdb.Error as error:
                raise UserError(f'{printable(folder)}: {printable(error)[:200]}; fetch it again') from None
            self.environments.append(environment)
            self.owners.extend([at] * (len(self.keys) - len(self.owners)))
        if not self.keys:
            raise UserError(f'{printable(folders[0])}: the database is empty; fetch it again')

    def __len__(self):
        return len(self.keys)

    def name(self, i):
        return f'{printable(self.folders[self.owners[i]])} key {printable(self.keys[i].decode("latin-1"))[:80]}'

    def picture(self, i):
        try:
            with self.environments[self.owners[i]].begin() as transaction:
                data = transaction.get(self.keys[i])
        except self.error as error:
            raise Unreadable(printable(error)[:200]) from None
        return decode(data or b'')

    def categories(self):
        """(int32 labels [N], class names): the folder's name without _train_lmdb or _val_lmdb."""
        titles = [re.sub(r'(_(train|val|test))?(_lmdb)?$', '', os.path.basename(folder)) for folder in self.folders]
        classes = sorted(set(titles))
        index = np.array([classes.index(title) for title in titles], np.int32)
        return index[np.array(self.owners)], tuple(map(printable, classes))


@functools.lru_cache(maxsize=None)
def _environment(folder):
    """One handle per database and process: lmdb allows no second one."""
    import lmdb
    return lmdb.open(folder, readonly=True, lock=False, readahead=False, create=False)


def _check_lmdb(folder):
    """lmdb maps the file as it is: a foreign or cut-off file would end the process, not raise.

    Offsets: struct MDB_meta of lmdb's mdb.c, after a page header of 16 bytes; the second meta page follows the first.
    """
    path = os.path.join(folder, 'data.mdb')
    try:
        size = os.path.getsize(path)
        with open(path, 'rb') as file:
            head = file.read(2 * 65536)
    except OSError as error:
        raise UserError(f'{printable(path)}: {os.strerror(error.errno).lower()}') from None
    if len(head) < 160 or struct.unpack_from('=I', head, 16)[0] != LMDB_MAGIC:
        raise UserError(f'{printable(path)}: {size:,} bytes that are not an lmdb database; fetch it again')
    page_bytes = struct.unpack_from('=I', head, 40)[0]
    if not 256 <= page_bytes <= 65536 or len(head) < page_bytes + 160:
        raise UserError(f'{printable(path)}: {size:,} bytes with pages of {page_bytes:,}; fetch it again')
    last_page, _ = max((struct.unpack_from('=QQ', head, start + 136) for start in (0, page_bytes)), key=lambda meta: meta[1])
    if size < (last_page + 1) * page_bytes:
        raise UserError(f'{printable(path)}: {size:,} bytes, its header says {(last_page + 1) * page_bytes:,}; '
                        'the download is incomplete, fetch it again')


def find_lmdb(names):
    """Relative names → the folders that hold a data.mdb, sorted."""
    return sorted(name.rpartition('/')[0] for name in names if name.rsplit('/', 1)[-1] == 'data.mdb')
