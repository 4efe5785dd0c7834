"""The parsers of untrusted bytes, each as a function that must return or raise its own error, whatever it is given.

Shared by the property tests (tests/test_fuzz.py) and the coverage-guided run (fuzz.py in this folder).
"""
import functools
import io
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent)]

import cat_faces    # noqa: E402
import cifar        # noqa: E402
import config       # noqa: E402
import images       # noqa: E402
import labels       # noqa: E402
import readers      # noqa: E402
from errors import UserError    # noqa: E402

NAMES = ['a.jpg', 'sub/b.jpg', '000001.jpg']


def one_line(function):
    """A user's error is one line of printable text."""
    @functools.wraps(function)
    def checked(data):
        try:
            function(data)
        except (UserError, images.Unreadable, cat_faces.Outlier) as error:
            text = str(error)
            assert text and '\n' not in text and len(text) < 2000, text
            text.encode()
    return checked


@one_line
def image(data):
    picture = images.decode(data)
    assert picture.mode in ('L', 'RGB') and picture.width * picture.height <= images.MAX_PIXELS
    assert images.fit(picture, (8, 6), 3, crop=(5, 7)).shape == (8, 6, 3)


@one_line
def idx(data):
    array = readers.parse_idx(io.BytesIO(data), 3 if data[3:4] != b'\1' else 1, 'x')
    assert array.dtype == np.uint8 and array.nbytes < len(data)


@one_line
def csv(data):
    table = labels.parse_csv(data, 'x')
    index, classes = labels._numbered([table.get(name) for name in NAMES] + list(table.values())[:50], 'x')
    assert index.max() < len(classes)


@one_line
def attributes(data):
    names, table = labels.parse_attributes(data, 'x', comma=b',' in data[:40])
    assert all(len(values) == len(names) for values in table.values())


@one_line
def cat(data):
    points = cat_faces.parse_cat(data.decode('ascii', 'replace'))
    angle, centre, side = cat_faces.face_square(points, 500, 400)
    assert -360 <= angle <= 360 and 0 <= centre[0] <= 500 and 0 <= side <= 1000


@one_line
def pickle(data):
    try:
        value = cifar.inert_pickle(data)
        if isinstance(value, dict) and 'data' in value:
            cifar.as_array(value['data'])
    except ValueError as error:
        str(error).encode('utf-8', 'backslashreplace')


@one_line
def cifar_batch(data):
    title = 'x.bin' if data[:1] < b'\x80' else 'x'
    pixels, values = cifar.read_batch(data, title)
    assert len(pixels) == len(values) and values.max() < 10


@one_line
def tar_archive(data):
    """An unpacked cifar-10-*.tar.gz."""
    try:
        batches = cifar.read_tar(io.BytesIO(data))
    except cifar.ARCHIVE_ERRORS as error:
        raise UserError(images.printable(error)) from error
    assert all(cifar.BATCH_NAME.match(name) and len(content) <= len(data) for name, content in batches)


@one_line
def zip_archive(data):
    """A zip file of images, stored or deflated."""
    source = readers.ZipSource(io.BytesIO(data))
    for number in range(min(len(source), 3)):
        assert '\n' not in source.name(number) and source.picture(number).mode in ('L', 'RGB')


@one_line
def record(data):
    """config.json: what is accepted makes a Config, or says which setting is out of range."""
    try:
        parsed = config.parse_record(data)
    except ValueError as error:
        raise UserError(error) from error
    config.Config(**parsed['settings']).resolved()


@one_line
def losses(data):
    """losses.csv: the rows up to step 3."""
    import logs     # here: it imports TensorFlow, which is more than all other targets need together
    step, end = logs.end_of_step(io.BytesIO(data), 'x', ['step', 'epoch', 'd_loss', 'g_loss'], 3)
    assert 0 <= step <= 3 and data[:end].endswith(b'\n') and data[:end].count(b'\n') <= 4


TARGETS = dict(image=image, idx=idx, csv=csv, attributes=attributes, cat=cat, pickle=pickle, cifar_batch=cifar_batch, tar=tar_archive, zip=zip_archive,
               record=record, losses=losses)

# What the parsers look for as a whole, so that the fuzzer need not spell it letter by letter.
WORDS = dict(
    image=[b'\xff\xd8\xff', b'\xff\xc0', b'\xff\xc2', b'\xff\xda', b'\xff\xd9', b'\xff\xe1', b'Exif\0\0', b'Adobe', b'II*\0', b'MM\0*',
           b'\x89PNG\r\n\x1a\n', b'IHDR', b'PLTE', b'tRNS', b'IDAT', b'IEND', b'acTL', b'fcTL', b'iCCP', b'zTXt', b'eXIf', b'GIF87a',
           b'GIF89a', b'!\xf9\4', b'NETSCAPE2.0', b'BM', b'RIFF', b'WEBP', b'VP8 ', b'VP8L', b'VP8X', b'ANIM', b'ANMF', b'ALPH',
           b'<!doctype', b'<html'],
    csv=[b'filename', b'image_id', b'label', b'class', b'a.jpg', b'sub/b.jpg', b'000001.jpg', b'"', b'\xef\xbb\xbf'],
    record=[f'"{name}": '.encode() for name in ('settings', 'data', 'versions', 'class_names')],
    pickle=[b'numpy.core.multiarray\n_reconstruct\n', b'numpy._core.multiarray', b'_reconstruct', b'numpy', b'dtype', b'u1', b'|u1',
            b'_codecs', b'encode', b'latin1', b'data', b'labels'],
    losses=[b'step,epoch,d_loss,g_loss\n', b'\n1,0,', b'\n2,0,', b'\n3,0,', b'\n4,0,', b'nan', b'inf', b'1e-9'],
    tar=[b'ustar\x0000', b'ustar  \0', b'data_batch_1', b'././@LongLink', b'././@PaxHeader', b' path=', b' size=', b' GNU.sparse.map=',
         b' GNU.sparse.major=1', b' GNU.sparse.minor=0', b' hdrcharset=BINARY', b'\x80', b'\xff'])
WORDS['record'] += [f'"{field.name}": '.encode() for field in config.flag_fields()]
WORDS['record'] += [b'true', b'false', b'null', b'NaN', b'Infinity', b'"inf"', b'1e999', b'-1', b'[]', b'{}', b'"auto"', b'"~"', b'"$HOME"',
                    b'"\\u0000"', b'"\\ud800"']
WORDS['zip'] = [b'PK\1\2', b'PK\3\4', b'PK\5\6', b'PK\6\6', b'PK\6\7', b'PK\7\x08', b'a.png', *WORDS['image']]
WORDS['cifar_batch'] = WORDS['pickle']


def corpus(name):
    """The committed seeds of a target: [bytes]."""
    return [path.read_bytes() for path in sorted((HERE / 'corpus' / name).iterdir())]
