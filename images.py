"""One image file → one uint8 array: decode safely, straighten, crop, resize.

Everything that comes from a file is hostile until Pillow has decoded it: sizes are judged from the header before
a pixel is allocated, only the formats below are tried, and whatever a decoder raises on a broken file becomes
`Unreadable` with a short reason.
"""
import io
import os
import stat
import struct
import threading
import warnings
import zlib

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile

FORMATS = ('JPEG', 'PNG', 'BMP', 'GIF', 'WEBP')
EXTENSIONS = ('.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.bmp', '.gif', '.webp')

MAX_PIXELS = 50_000_000         # an 8-bit RGBA image of that size takes 200 MB in Pillow, about twice that while composited
MAX_FILE_BYTES = 128 * 2 ** 20  # no 50-megapixel photo is larger; a mistaken 10 GB file is not read into memory
MAX_WEBP_PIXELS = 25_000_000    # Pillow holds a WebP four times: two canvases of its library, the bytes and the picture
MAX_SCANNED = 20 * MAX_PIXELS   # pixels times scans of a progressive JPEG, which usually has 10: each scan goes over the whole picture
MAX_RLE_PIXELS = 2_000_000      # Pillow unpacks a run-length encoded BMP in Python, some lines of it pixel by pixel: 0.15 s a million
MAX_SIDE = 65_535               # of a JPEG or GIF by format; wider than that, a BMP could ask for 255 lines at a time
BIG_PIXELS = 4_000_000          # larger ones are decoded one at a time, so that threads do not multiply the memory

# What Pillow's decoders were seen to raise on damaged files, beside OSError (UnidentifiedImageError is one).
DECODER_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, OverflowError,
                  ZeroDivisionError, AttributeError, RuntimeError, MemoryError, struct.error, zlib.error,
                  Image.DecompressionBombError)

RUN_LENGTHS = (BmpImageFile.COMPRESSIONS['RLE8'], BmpImageFile.COMPRESSIONS['RLE4'])
ORIENTATION_TAG = 0x0112
TURNS = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
         5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
         8: Image.Transpose.ROTATE_90}

# What Pillow finds odd in a file it can read (corrupt EXIF, many pixels) is dealt with here, not on the user's screen.
warnings.filterwarnings('ignore', module=r'PIL\.')

_one_big_image = threading.Lock()


class Unreadable(Exception):
    """An image that cannot be used; the message is the reason, without the file's name."""


def printable(name):
    """A file name as one line of ordinary text: control characters and undecodable bytes are escaped."""
    return ''.join(c if c.isprintable() else c.encode('unicode_escape').decode() for c in str(name))


def read_file(path, limit=MAX_FILE_BYTES):
    """The bytes of a regular file of at most `limit` bytes; Unreadable otherwise.

    Opened without blocking: a pipe that somebody named x.jpg would otherwise wait for a writer for ever.
    """
    try:
        handle = os.open(path, os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_BINARY', 0))
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable('not a regular file')
            if status.st_size > limit:
                raise Unreadable(f'{status.st_size:,} bytes, more than the {limit:,} that are read')
            with os.fdopen(handle, 'rb', closefd=False) as file:
                return file.read(limit)
        finally:
            os.close(handle)
    except OSError as error:
        raise Unreadable(os.strerror(error.errno).lower() if error.errno else str(error)) from None
    except ValueError as error:             # a NUL in a name from a label file
        raise Unreadable(str(error)) from None


def decode(data, upright=True):
    """bytes of a JPEG, PNG, BMP, GIF (first frame) or WebP (first frame) → upright PIL image, mode 'L' or 'RGB'.

    Grey files (1-bit, 8-bit, 16-bit, grey + alpha, grey palette) become 'L', all others 'RGB'. 16-bit samples
    keep their high byte, as Pillow does for 48-bit PNG. Transparency is composited on white, the paper a
    drawing with alpha is meant for. upright: EXIF orientation is applied; EXIF that cannot be parsed is passed over.
    Raises Unreadable.
    """
    _refuse_by_header(data)
    try:
        picture = Image.open(io.BytesIO(data), formats=FORMATS)
        width, height = picture.size
        if width * height > MAX_PIXELS:
            raise Unreadable(f'{width}x{height} pixels, more than the {MAX_PIXELS:,} that are decoded')
        if max(width, height) > MAX_SIDE:
            raise Unreadable(f'{width}x{height} pixels, more than {MAX_SIDE:,} a side')
        if picture.format == 'BMP' and picture.info['compression'] in RUN_LENGTHS and width * height > MAX_RLE_PIXELS:
            raise Unreadable(f'{width}x{height} pixels, more than the {MAX_RLE_PIXELS:,} of a run-length encoded BMP that are decoded')
        scans = data.count(b'\xff\xda') if data[:2] == b'\xff\xd8' else 1        # no other bytes of a scan look like its start
        if width * height * scans > MAX_SCANNED:
            raise Unreadable(f'{scans:,} scans of {width}x{height} pixels, more than are decoded')
        if width * height > BIG_PIXELS:
            with _one_big_image:
                return _straighten(picture, upright)
        return _straighten(picture, upright)
    except DECODER_ERRORS as error:
        raise Unreadable(_reason(data, error)) from None


def fit(picture, size, channels, crop=None):
    """PIL image of mode 'L' or 'RGB' → uint8 [height, width, channels].

    size: (height, width) of the result. crop: (height, width) of the centred window that is kept first; where the
    image is smaller than that, the largest centred window of the same aspect; None keeps all. The resize is
    Pillow's bilinear one, which averages when it shrinks. channels: 1 (ITU-R 601 luma) or 3.
    """
    if crop is not None:
        box = crop_box(picture.height, picture.width, *crop)
        if box != (0, 0, picture.width, picture.height):
            picture = picture.crop(box)
    mode = 'L' if channels == 1 else 'RGB'
    if picture.mode != mode:
        picture = picture.convert(mode)
    height, width = size
    if picture.size != (width, height):
        picture = picture.resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(picture, np.uint8).reshape(height, width, channels)


def crop_box(height, width, crop_height, crop_width):
    """(left, top, right, bottom) of the centred window; the rounding of the original's center_crop."""
    if crop_height > height or crop_width > width:
        scale = min(height / crop_height, width / crop_width)
        crop_height = min(height, max(1, round(crop_height * scale)))
        crop_width = min(width, max(1, round(crop_width * scale)))
    top, left = round((height - crop_height) / 2), round((width - crop_width) / 2)
    return left, top, left + crop_width, top + crop_height


def _straighten(picture, upright):
    picture.load()
    plain = _plain(picture)
    return _turn_upright(plain, picture) if upright else plain


def _plain(picture):
    """Any mode Pillow decodes → 'L' or 'RGB', transparency on white."""
    if picture.mode.startswith('I'):                        # 16-bit grey: 'I;16', 'I;16B', 'I'
        samples = np.asarray(picture).astype(np.int64)
        return Image.fromarray((samples >> 8).clip(0, 255).astype(np.uint8))
    grey = picture.mode in ('1', 'L', 'LA') or picture.mode in ('P', 'PA') and _grey_palette(picture)
    if picture.mode in ('LA', 'PA', 'RGBA') or 'transparency' in picture.info:
        picture = picture if picture.mode == 'RGBA' else picture.convert('RGBA')       # convert() would copy it
        paper = Image.new('RGB', picture.size, 'white')
        paper.paste(picture, mask=picture.getchannel('A'))
        picture = paper
    return picture.convert('L' if grey else 'RGB')


def _grey_palette(picture):
    palette = picture.getpalette('RGB') or []
    return palette[0::3] == palette[1::3] == palette[2::3]


def _turn_upright(plain, source):
    try:
        turn = TURNS.get(source.getexif().get(ORIENTATION_TAG))
    except DECODER_ERRORS:                                  # a broken EXIF block does not spoil the pixels
        turn = None
    return plain if turn is None else plain.transpose(turn)


def _refuse_by_header(data):
    """What has to be known before Pillow opens the file: emptiness, and a WebP's size.

    Pillow's WebP plugin allocates two canvases in open(), before its size can be asked for.
    """
    if not data:
        raise Unreadable('empty file')
    if data[:4] == b'RIFF' and data[8:12] == b'WEBP' and len(data) >= 30:
        kind = data[12:16]
        if kind == b'VP8X':
            width = int.from_bytes(data[24:27], 'little') + 1
            height = int.from_bytes(data[27:30], 'little') + 1
        elif kind == b'VP8L':
            bits = int.from_bytes(data[21:25], 'little')
            width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        else:
            width = int.from_bytes(data[26:28], 'little') & 0x3FFF
            height = int.from_bytes(data[28:30], 'little') & 0x3FFF
        if width * height > MAX_WEBP_PIXELS:
            raise Unreadable(f'{width}x{height} pixels, more than the {MAX_WEBP_PIXELS:,} of a WebP that are decoded')


def _reason(data, error):
    start = data[:256].lstrip().lower()
    if start.startswith((b'<!doctype', b'<html', b'<?xml', b'<head')):
        return 'a web page, not an image'
    if not any(data[:512]):
        return 'nothing but zero bytes'
    if isinstance(error, Image.UnidentifiedImageError):
        return 'not a JPEG, PNG, BMP, GIF or WebP image'
    if isinstance(error, Image.DecompressionBombError):
        return f'more than the {MAX_PIXELS:,} pixels that are decoded'
    if isinstance(error, MemoryError):
        return 'not enough memory to decode it'
    text = printable(' '.join(str(error).split()))[:120]
    return text if isinstance(error, (OSError, ValueError, SyntaxError)) and text else f'damaged ({type(error).__name__})'
