"""Fetches the data sets of the family.

    python download.py mnist celebA            into ./data/mnist and ./data/celebA
    python download.py lsun:church_outdoor     one category of LSUN (lsun alone: bedroom, 43 GB)

Each file is tried at several places, continued where it was cut off, and appears under its name only when its size, first
bytes and checksum are right. What is there already is left alone. When every place fails, the steps to do by hand are
printed and the exit status is 1.
"""
import argparse
import collections
import contextlib
import difflib
import gzip
import hashlib
import http.client
import os
import shutil
import stat
import sys
import urllib.error
import urllib.parse
import urllib.request
import zipfile
import zlib

from tqdm import tqdm

from config import expand_path
from errors import UserError
from images import printable
from readers import ZIP_ERRORS

CHUNK = 2 ** 18
TIMEOUT_S = 30
ATTEMPTS = 4                    # at one place, as long as each brings new bytes
UNPACKED_RESERVE = 2 ** 26      # bytes of disk left free when unpacking

# name: of the file; urls: where it is; size: bytes, None if unknown; md5: of the file, None if its publisher gives none;
# magic: its first bytes; content_md5: of what is in a .gz, so that a copy compressed by somebody else counts too
File = collections.namedtuple('File', 'name urls size md5 magic content_md5', defaults=(None,))
# folder: under --data_dir; files: to fetch; manual: steps for when the links are dead; unpack: zip files to unpack
Source = collections.namedtuple('Source', 'folder files manual unpack', defaults=(False,))

GZIP, ZIP = b'\x1f\x8b', b'PK\x03\x04'


def _gzip_files(places, table):
    return tuple(File(f'{name}.gz', tuple(f'{place}/{name}.gz' for place in places), size, md5, GZIP, content)
                 for name, size, md5, content in table)


def _drive(file_id):
    return f'https://drive.usercontent.google.com/download?id={file_id}&export=download&confirm=t'


DATASETS = {
    'mnist': Source('mnist', _gzip_files(
        ('https://ossci-datasets.s3.amazonaws.com/mnist', 'https://storage.googleapis.com/cvdf-datasets/mnist'), (
            ('train-images-idx3-ubyte', 9912422, 'f68b3c2dcbeaaa9fbdd348bbdeb94873', '6bbc9ace898e44ae57da46a324031adb'),
            ('train-labels-idx1-ubyte', 28881, 'd53e105ee54ea40749a09fcbcd1e9432', 'a25bea736e30d166cdddb491f175f624'),
            ('t10k-images-idx3-ubyte', 1648877, '9fb629c4189551a2d022fa330f9573f3', '2646ac647ad5339dbf082846283269ea'),
            ('t10k-labels-idx1-ubyte', 4542, 'ec29112dd5afa0611ce80d1b7f02629c', '27ae3e4e09519cfbb04c329615203637'))),
        'find the four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and '
        't10k-labels-idx1-ubyte.gz (http://yann.lecun.com/exdb/mnist or a copy) and put them, as they are, into {folder}'),
    'fashion': Source('fashion', _gzip_files(
        ('http://fashion-mnist.s3-website.eu-central-1.amazonaws.com',
         'https://storage.googleapis.com/tensorflow/tf-keras-datasets',
         'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion'), (
            ('train-images-idx3-ubyte', 26421880, '8d4fb7e6c68d591d4c3dfef9ec88bf0d', None),
            ('train-labels-idx1-ubyte', 29515, '25c81989df183df01b3e8a0aad5dffbe', None),
            ('t10k-images-idx3-ubyte', 4422102, 'bef4ecab320f06d8554ea6380940ec79', None),
            ('t10k-labels-idx1-ubyte', 5148, 'bb300cfdad3c16e7a12a480ee83cd310', None))),
        'get the four .gz files from https://github.com/zalandoresearch/fashion-mnist (data/fashion) and put them into {folder}'),
    'cifar10': Source('cifar10', (
        File('cifar-10-binary.tar.gz', ('https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
                                        'https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz'),
             170052171, 'c32a1d4ab5d03f1284b67883e8d87530', GZIP),),
        'get the binary version from https://www.cs.toronto.edu/~kriz/cifar.html and put cifar-10-binary.tar.gz, '
        'not unpacked, into {folder}'),
    'celebA': Source('celebA', (
        File('img_align_celeba.zip', ('https://s3-us-west-1.amazonaws.com/udacity-dlnfd/datasets/celeba.zip',
                                      _drive('0B7EVK8r0v71pZjFTYXZWM3FlRnM')),
             1443490838, '00d2c5bc6d35e252742224ab0c1e8fcb', ZIP),
        File('list_attr_celeba.txt', (_drive('0B7EVK8r0v71pblRyaVFSWGxPY0U'),), None,
             '75e246fa4810816ffd6ee81facbd244c', b'202599')),
        'open https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, follow "Align&Cropped Images" to img_align_celeba.zip and '
        '"Attributes" to list_attr_celeba.txt, and put both, the zip not unpacked, into {folder}'),
}
LSUN_CATEGORIES = ('bedroom', 'bridge', 'church_outdoor', 'classroom', 'conference_room', 'dining_room', 'kitchen',
                   'living_room', 'restaurant', 'tower')


def source_of(name):
    """The Source of a name on the command line. Raises UserError."""
    for known in DATASETS:
        if name.lower() == known.lower():
            return DATASETS[known]
    kind, _, category = name.partition(':')
    if kind == 'lsun':
        return _lsun(category or 'bedroom')
    near = difflib.get_close_matches(name, [*DATASETS, 'lsun'], 1)
    raise UserError(f'unknown data set {printable(name)}; ' + (f'did you mean {near[0]}? ' if near else '')
                    + f'there are {", ".join(DATASETS)}, lsun and lsun:CATEGORY', status=2)


def _lsun(category):
    scene, _, part = category.rpartition('_')
    if part not in ('train', 'val'):
        scene, part = category, 'train'
    if scene not in LSUN_CATEGORIES:
        raise UserError(f'lsun:{printable(category)}: expected one of {", ".join(LSUN_CATEGORIES)}, with _val for the small part',
                        status=2)
    name = f'{scene}_{part}_lmdb.zip'
    # its publisher's https certificate is not valid, and it gives no checksums: the zip's own are checked while unpacking
    file = File(name, (f'http://dl.yf.io/lsun/scenes/{name}',), None, None, ZIP)
    return Source('lsun', (file,), f'get {name} from https://www.yf.io/p/lsun and unpack it into {{folder}}', unpack=True)


# ---------------------------------------------------------------- one file

class Failed(Exception):
    """One place did not give the file; the message says why."""


def fetch(file, folder, say=print):
    """Brings a File into `folder` unless it is there. Returns whether it is there now; says why not."""
    path = os.path.join(folder, file.name)
    if is_right(file, path) or file.content_md5 and _md5(path.removesuffix('.gz')) == file.content_md5:
        say(f'{printable(path)}: already there')
        return True
    try:
        os.makedirs(folder, exist_ok=True)
        if file.size and shutil.disk_usage(folder).free < file.size:
            say(f'{printable(folder)}: {file.name} needs {file.size / 2**20:,.0f} MB and the disk has '
                f'{shutil.disk_usage(folder).free / 2**20:,.0f}')
            return False
        part = path + '.part'
        # what an earlier run left may be of another file: then the first place deserves a second try
        for url in file.urls[:1] * os.path.exists(part) + file.urls:
            try:
                _fetch_from(url, file, part)
                _check(file, part)
                _settle(part, path)
                say(f'{printable(path)}: fetched from {url}')
                return True
            except Failed as failure:
                say(f'{url}: {failure}')
    except OSError as error:
        say(f'{printable(path)}: cannot be written ({error.strerror or error})')
    return False


def is_right(file, path):
    """A file at `path` has the size and checksum it should have (or the content, compressed by somebody else)."""
    if not os.path.isfile(path):
        return False
    if file.md5 is None:
        return os.path.getsize(path) == file.size if file.size else _begins(path, file.magic)
    if file.size in (None, os.path.getsize(path)) and _md5(path) == file.md5:
        return True
    return bool(file.content_md5) and _md5(path, gzip.open) == file.content_md5


def _md5(path, opener=open):
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with opener(path, 'rb') as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
    except (OSError, EOFError, zlib.error):
        return None
    return digest.hexdigest()


def _begins(path, magic):
    with open(path, 'rb') as file:
        return file.read(len(magic)) == magic


def _fetch_from(url, file, part):
    """Downloads into `part`, going on after what it holds; returns when the server has no more. Raises Failed."""
    failure = None
    for _ in range(ATTEMPTS):
        have = os.path.getsize(part) if os.path.exists(part) else 0
        try:
            if file.size and have >= file.size or _download(url, file, part, have):
                return
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416 and have:              # the server has no more than that: judge it by its checksum
                return
            raise Failed(f'the server answers {error.code} {error.reason}') from None
        except (urllib.error.URLError, http.client.HTTPException, ConnectionError, TimeoutError) as error:
            failure = f'no connection ({printable(getattr(error, "reason", error))})'
        if (os.path.getsize(part) if os.path.exists(part) else 0) <= have:
            break
        failure = failure or 'the connection ends too early'
    raise Failed(failure or 'the server sends nothing')


def _download(url, file, part, have):
    """One request. Returns whether the server sent all that it announced."""
    request = urllib.request.Request(url, headers={'User-Agent': 'Mozilla/5.0', 'Accept-Encoding': 'identity'})
    if have:
        request.add_header('Range', f'bytes={have}-')
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
        if answer.status != 206 or not (answer.headers.get('Content-Range') or '').startswith(f'bytes {have}-'):
            have = 0                                    # the server starts again from the beginning
        announced = answer.headers.get('Content-Length')
        total = have + int(announced) if announced and announced.isdigit() else None
        if file.size and total and total != file.size:
            _forget(part)
            raise Failed(_web_page(answer.headers) or f'{total:,} bytes, expected {file.size:,}')
        with open(part, 'r+b' if have else 'wb') as target, \
                tqdm(total=total, initial=have, unit='B', unit_scale=True, desc=file.name, disable=None, leave=False) as bar:
            target.seek(have)
            while chunk := answer.read(CHUNK):
                if not have and not chunk.startswith(file.magic[:len(chunk)]):
                    target.close()
                    _forget(part)
                    raise Failed(_web_page(answer.headers, chunk) or f'starts with {chunk[:8].hex()}, expected {file.magic.hex()}')
                target.write(chunk)
                have += len(chunk)
                bar.update(len(chunk))
                if file.size and have > file.size:
                    target.close()
                    _forget(part)
                    raise Failed(f'more than the {file.size:,} bytes expected')
    return have == total if total else have > 0


def _web_page(headers, start=b''):
    if 'text/html' in (headers.get('Content-Type') or '') or start.lstrip()[:1] == b'<':
        return 'a web page, not the file (the link is dead, or asks for a click)'
    return None


def _check(file, part):
    """Raises Failed, and throws the bytes away, when they are not the file."""
    size = os.path.getsize(part) if os.path.exists(part) else 0
    fault = None
    if file.size and size != file.size:
        fault = f'{size:,} bytes, expected {file.size:,}'
    elif not size or not _begins(part, file.magic):
        fault = f'does not start with {file.magic.hex()}'
    elif file.md5:
        got = _md5(part)
        if got != file.md5:
            fault = f'MD5 is {got}, expected {file.md5}'
    if fault:
        _forget(part)
        raise Failed(fault)


def _settle(part, path):
    with open(part, 'r+b') as file:
        os.fsync(file.fileno())
    os.replace(part, path)


def _forget(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


# ---------------------------------------------------------------- zip files

def unpack_zip(path, folder):
    """Unpacks a zip file into `folder`; each of its top folders and files appears there whole, or nothing does.

    Refused before anything is written: names that lead out of the folder, links, encrypted entries, more than the disk holds.
    Raises UserError.
    """
    aside = os.path.join(folder, f'.unpacking-{os.getpid()}')
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            for entry in entries:
                _refuse_unsafe(entry, path)
            size = sum(entry.file_size for entry in entries)
            if size + UNPACKED_RESERVE > shutil.disk_usage(folder).free:
                raise UserError(f'{printable(path)}: unpacks to {size / 2**20:,.0f} MB and the disk has '
                                f'{shutil.disk_usage(folder).free / 2**20:,.0f}')
            os.mkdir(aside)
            for entry in tqdm(entries, f'unpacking {os.path.basename(path)}', disable=None, leave=False):
                archive.extract(entry, aside)           # checks the entry's checksum
        for name in os.listdir(aside):
            target = os.path.join(folder, name)
            if os.path.lexists(target):
                raise UserError(f'{printable(target)}: already there; move it away, or delete {printable(path)}')
            os.rename(os.path.join(aside, name), target)
    except ZIP_ERRORS as error:
        raise UserError(f'{printable(path)}: cannot be unpacked ({printable(error)[:200]}); '
                        'delete it and fetch it again') from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _refuse_unsafe(entry, path):
    name = entry.filename
    parts = name.replace('\\', '/').split('/')
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if name.startswith(('/', '\\')) or '..' in parts or ':' in parts[0] or '\0' in name:
        raise UserError(f'{printable(path)}: refused, its entry {printable(name)} leads out of the folder')
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise UserError(f'{printable(path)}: refused, its entry {printable(name)} is not a plain file')
    if entry.flag_bits & 1:
        raise UserError(f'{printable(path)}: its entry {printable(name)} is encrypted')


# ---------------------------------------------------------------- command line

def get(name, data_dir, say=print):
    """Everything of one data set. Returns whether all of it is there now."""
    source = source_of(name)
    folder = os.path.join(data_dir, source.folder)
    complete = True
    for file in source.files:
        path = os.path.join(folder, file.name)
        unpacked = path.removesuffix('.zip')
        if source.unpack and os.path.isdir(unpacked):
            say(f'{printable(unpacked)}: already there')
            continue
        if not fetch(file, folder, say):
            complete = False
        elif source.unpack:
            unpack_zip(path, folder)
            os.remove(path)
            say(f'{printable(path)}: unpacked')
    if not complete:
        say(f'{name} is not complete. By hand: ' + source.manual.format(folder=printable(folder)))
        with contextlib.suppress(OSError):
            os.rmdir(folder)                            # only where nothing came
    return complete


def main(arguments):
    """Returns the exit status."""
    parser = argparse.ArgumentParser('download.py', description=__doc__.split('\n')[0], allow_abbrev=False,
                                     epilog='Data sets: ' + ', '.join(DATASETS) + ', lsun, lsun:CATEGORY (' +
                                     ', '.join(LSUN_CATEGORIES) + '; CATEGORY_val is the small part).')
    parser.add_argument('names', metavar='NAME', nargs='+', help='data set to fetch')
    parser.add_argument('--data_dir', default='./data', help='where data sets are kept (default ./data)')
    options = parser.parse_args(arguments)
    data_dir = expand_path(options.data_dir)
    try:
        for name in options.names:
            source_of(name)                             # all names are known before anything is fetched
        return 0 if all([get(name, data_dir) for name in options.names]) else 1
    except UserError as error:
        print(error, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        print('stopped; the same command goes on where it was', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
