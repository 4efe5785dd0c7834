"""Bad inputs by the dozen, made on demand: damaged images, IDX, CIFAR-10, CSV, zip and .cat files, hopeless folders.

IMAGES:  name → (bytes of the file, words of the reason for skipping it)
FOLDERS: name → (make(folder) that fills an empty folder, settings that differ, words of the one-line error)
CATS:    name → (text of the .cat file, words of the error)
"""
import gzip
import io
import os
import struct
import tarfile
import zipfile
import zlib

import numpy as np
from PIL import Image


def image_bytes(size=(8, 6), mode='RGB', format='PNG', seed=0, **options):
    """A small picture of noise in any Pillow mode and format."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    picture = Image.fromarray(noise).convert('RGB' if mode == 'CMYK' else mode)
    return save_bytes(picture.convert(mode), format, **options)


def save_bytes(picture, format, **options):
    file = io.BytesIO()
    picture.save(file, format, **options)
    return file.getvalue()


def png(width, height, body=b'', depth=8, colour=2):
    """A PNG with any header, whatever its body holds."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + chunk(b'IDAT', zlib.compress(body)) + chunk(b'IEND', b'')


def webp_header(width, height):
    body = b'VP8X' + struct.pack('<I', 10) + b'\0\0\0\0' + (width - 1).to_bytes(3, 'little') + (height - 1).to_bytes(3, 'little')
    return b'RIFF' + struct.pack('<I', len(body) + 4) + b'WEBP' + body


def bmp_header(width, height):
    return b'BM' + struct.pack('<IHHI', 1000, 0, 0, 54) + struct.pack('<IiiHHIIiiII', 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def gif_header(width, height):
    return (b'GIF89a' + struct.pack('<HHBBB', width, height, 0, 0, 0)
            + b',' + struct.pack('<HHHHB', 0, 0, width, height, 0) + b'\x08\x00;')


JPEG = image_bytes((64, 48), format='JPEG')
PNG = image_bytes((64, 48))
WEBP = image_bytes((64, 48), format='WEBP', lossless=True)
GIF = image_bytes((64, 48), 'L', 'GIF')
BMP = image_bytes((64, 48), format='BMP')

IMAGES = {
    'empty': (b'', 'empty'),
    'one byte': (b'\xff', 'not a JPEG'),
    'zeros': (bytes(4096), 'zero bytes'),
    'text': (b'hello, I am a picture\n' * 20, 'not a JPEG'),
    'web page': (b'<!DOCTYPE html><html><body>404 Not Found</body></html>', 'web page'),
    'web page after blanks': (b'\r\n\r\n  <HTML><head><title>Quota exceeded</title>', 'web page'),
    'noise': (np.random.default_rng(1).bytes(5000), 'not a JPEG'),
    'SVG': (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', 'web page'),
    'PDF': (b'%PDF-1.4\n1 0 obj\n<<>>\nendobj\n', 'not a JPEG'),
    'TIFF': (image_bytes(format='TIFF'), 'not a JPEG'),
    'PPM': (b'P6 1 1 255 abc', 'not a JPEG'),
    'EPS': (b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n', 'not a JPEG'),
    'zip': (b'PK\x03\x04' + bytes(60), 'not a JPEG'),
    'JPEG signature only': (JPEG[:2], ''),
    'JPEG header only': (JPEG[:100], ''),
    'JPEG half': (JPEG[:len(JPEG) // 2], 'truncated'),
    'JPEG cut near its end': (JPEG[:-200], 'truncated'),
    'JPEG of no pixels': (JPEG[:JPEG.index(b'\xff\xc0') + 5] + bytes(4) + JPEG[JPEG.index(b'\xff\xc0') + 9:], ''),
    'JPEG bomb': (JPEG[:JPEG.index(b'\xff\xc0') + 5] + b'\xff\xff\xff\xff' + JPEG[JPEG.index(b'\xff\xc0') + 9:], 'pixels'),
    'PNG signature only': (PNG[:8], ''),
    'PNG half': (PNG[:len(PNG) // 2], 'truncated'),
    'PNG with a bad checksum': (PNG[:20] + b'\x01' + PNG[21:], ''),
    'PNG bomb': (png(50_000, 50_000), 'pixels'),
    'PNG of 2^31 columns': (png(2 ** 31 - 1, 1), 'pixels'),
    'PNG of no rows': (png(10, 0), ''),
    'PNG with too little data': (png(100, 100, bytes(50)), ''),
    'PNG of unknown depth': (png(4, 4, bytes(64), depth=3), ''),
    'PNG with broken compression': (PNG[:60] + bytes(20) + PNG[80:], ''),
    'WebP half': (WEBP[:len(WEBP) // 2], ''),
    'WebP header only': (WEBP[:30], ''),
    'WebP bomb': (webp_header(16_000, 16_000), 'pixels'),
    'GIF half': (GIF[:len(GIF) // 2], ''),
    'GIF without a frame': (GIF[:13] + b';', ''),
    'GIF bomb': (gif_header(65_535, 65_535), 'pixels'),
    'BMP half': (BMP[:len(BMP) // 2], 'truncated'),
    'BMP bomb': (bmp_header(60_000, 60_000), 'pixels'),
    'BMP of negative width': (bmp_header(-8, 8), ''),
    'BMP with an unknown header': (b'BM' + bytes(12) + struct.pack('<I', 77) + bytes(90), ''),
}


# ---------------------------------------------------------------- folders

def write(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as file:
        file.write(data.encode() if isinstance(data, str) else data)
    return path


def good_images(folder, count=4, ending='.png', **options):
    for i in range(count):
        write(folder, f'{i}{ending}', image_bytes(seed=i, **options))


def idx_images(count=3, rows=5, columns=4, magic=0x803, content=None):
    content = np.arange(count * rows * columns).astype(np.uint8).tobytes() if content is None else content
    return struct.pack('>4I', magic, count, rows, columns) + content


def idx_labels(values=(0, 9, 4), magic=0x801, count=None):
    return struct.pack('>2I', magic, len(values) if count is None else count) + bytes(values)


def idx(images=None, labels=None, prefix='train'):
    def make(folder):
        write(folder, f'{prefix}-images-idx3-ubyte', idx_images() if images is None else images)
        write(folder, f'{prefix}-labels-idx1-ubyte', idx_labels() if labels is None else labels)
    return make


def file(name, data):
    return lambda folder: write(folder, name, data)


def with_csv(text):
    def make(folder):
        good_images(folder)
        write(folder, 'labels.csv', text)
    return make


def with_attributes(text):
    def make(folder):
        good_images(folder)
        write(folder, 'list_attr_celeba.txt', text)
    return make


def cifar_bin(count=2, label=3):
    return bytes([label] + [7] * 3072) * count


def some_bad(folder):
    good_images(folder, 10)
    write(folder, '5.png', b'')


def all_bad(folder):
    for i in range(5):
        write(folder, f'{i}.png', b'no picture')


def only_text(folder):
    write(folder, 'a.txt', 'x')
    write(folder, 'sub/b.csv', 'x')


def other_extensions(folder):
    good_images(folder, 3)
    write(folder, 'deep/er/9.webp', WEBP)


def self_link(folder):
    os.symlink('loop.png', os.path.join(folder, 'loop.png'))


def no_images_in_zip(folder):
    with zipfile.ZipFile(os.path.join(folder, 'a.zip'), 'w') as archive:
        archive.writestr('readme.txt', 'nothing')


def bad_images_in_zip(folder):
    with zipfile.ZipFile(os.path.join(folder, 'a.zip'), 'w') as archive:
        archive.writestr('../../evil.png', b'x')
        archive.writestr('/etc/evil.png', b'x')


def empty_tar(folder):
    with tarfile.open(os.path.join(folder, 'cifar-10-binary.tar.gz'), 'w:gz') as archive:
        archive.addfile(tarfile.TarInfo('cifar-10-batches-bin/readme.html'), io.BytesIO(b''))


BUILTIN = dict(labels='builtin')
CSV = dict(labels='labels.csv')
HUGE = struct.pack('>4I', 0x803, 2 ** 32 - 1, 2 ** 32 - 1, 2 ** 32 - 1)
EVIL_PICKLE = b"cos\nsystem\n(S'touch evil_pickle_ran'\ntR."

FOLDERS = {
    'empty folder': (lambda folder: None, {}, ['no files', '--dataset']),
    'only text files': (only_text, {}, ['no images', '.txt', '.csv', '1 sub-folders']),
    'other extensions': (other_extensions, dict(input_fname_pattern='*.jpg'),
                         ['*.jpg', '3 .png', '1 .webp', '2 sub-folders', '--input_fname_pattern "*.png"']),
    'pattern of nonsense': (other_extensions, dict(input_fname_pattern='[[['), ['[[[', '*.png']),
    'one of ten unreadable': (some_bad, {}, ['1 of 10', '5.png', 'empty', '--max_bad_images 0.1']),
    'all unreadable': (all_bad, {}, ['5 of 5', 'not a JPEG']),
    'link to itself': (self_link, {}, ['no files']),
    'zip cut off': (file('img.zip', b'PK\x03\x04' + bytes(50)), {}, ['img.zip', 'not a complete zip']),
    'zip that is a web page': (file('img.zip', '<html>'), {}, ['img.zip', 'not a complete zip']),
    'zip without images': (no_images_in_zip, {}, ['a.zip', '.txt']),
    'zip of damaged images': (bad_images_in_zip, {}, ['2 of 2', 'evil.png']),
    'lmdb of zeros': (file('bedroom_train_lmdb/data.mdb', bytes(10_000)), {}, ['data.mdb', 'lmdb']),

    'IDX empty': (idx(images=b''), {}, ['train-images', 'too few']),
    'IDX header cut': (idx(images=idx_images()[:10]), {}, ['too few']),
    'IDX bad magic': (idx(images=idx_images(magic=0x801)), {}, ['00000801', '00000803']),
    'IDX of floats': (idx(images=idx_images(magic=0xD03)), {}, ['00000d03']),
    'IDX web page': (idx(images=b'<!DOCTYPE html><html>'), {}, ['3c21444f']),
    'IDX short': (idx(images=idx_images()[:-1]), {}, ['only 59', '60']),
    'IDX long': (idx(images=idx_images() + b'x'), {}, ['more', '60']),
    'IDX of no images': (idx(images=idx_images(0, content=b'')), {}, ['0x5x4']),
    'IDX huge counts': (idx(images=HUGE), {}, ['4294967295']),
    'IDX of 4 GB': (idx(images=struct.pack('>4I', 0x803, 2 ** 20, 64, 64)), {}, ['1048576x64x64']),
    'IDX within the limit but empty': (idx(images=struct.pack('>4I', 0x803, 2 ** 18, 64, 64)), {}, ['only 0 bytes']),
    'IDX labels missing': (file('train-images-idx3-ubyte', idx_images()), BUILTIN, ['train-labels', 'download.py']),
    'IDX labels short': (idx(labels=idx_labels()[:-1]), BUILTIN, ['train-labels', 'only 2']),
    'IDX labels too few': (idx(labels=idx_labels((1, 2))), BUILTIN, ['2 labels', '3 images']),
    'IDX label out of range': (idx(labels=idx_labels((1, 2, 10))), BUILTIN, ['label 10', '0 to 9']),
    'IDX labels are images': (idx(labels=idx_images()), BUILTIN, ['00000803', '00000801']),
    'IDX gzip cut': (file('t10k-images-idx3-ubyte.gz', gzip.compress(idx_images())[:-12]), {}, ['cannot be read']),
    'IDX gzip checksum': (file('t10k-images-idx3-ubyte.gz', gzip.compress(idx_images())[:-8] + bytes(8)), {},
                          ['cannot be read']),
    'IDX not gzip': (file('t10k-images-idx3-ubyte.gz', idx_images()), {}, ['cannot be read']),
    'IDX gzip of zeros': (file('t10k-images-idx3-ubyte.gz', gzip.compress(bytes(10 ** 6))), {}, ['00000000']),
    'IDX with labels of folders': (idx(), dict(labels='folder'), ['--labels builtin']),
    'IDX parts of two sizes': (lambda folder: (idx()(folder), idx(idx_images(3, 6, 4), prefix='t10k')(folder)), {},
                               ['(6, 4)', '(5, 4)']),

    'CIFAR of odd length': (file('data_batch_1.bin', cifar_bin()[:-1]), {}, ['data_batch_1.bin', '3073']),
    'CIFAR empty': (file('data_batch_1.bin', b''), {}, ['data_batch_1.bin', '0 bytes']),
    'CIFAR label 11': (file('data_batch_1.bin', cifar_bin(label=11)), {}, ['label 11']),
    'CIFAR pickle that runs a command': (file('data_batch_1', EVIL_PICKLE), {}, ['not a CIFAR-10 batch']),
    'CIFAR pickle cut': (file('data_batch_1', b'\x80\x02}q\x01('), {}, ['not a CIFAR-10 batch']),
    'CIFAR pickle empty': (file('data_batch_1', b''), {}, ['not a CIFAR-10 batch']),
    'CIFAR pickle of a number': (file('data_batch_1', b'I5\n.'), {}, ['not a CIFAR-10 batch']),
    'CIFAR pickle without arrays': (file('data_batch_1', b"(dS'data'\nI1\nsS'labels'\n(lsS'x'\nI1\ns."), {}, ['NumPy array']),
    'CIFAR pickle of huge memo': (file('data_batch_1', b'\x80\x02Nr\xff\xff\xff\xff.'), {}, ['not a CIFAR-10 batch']),
    'CIFAR archive cut': (file('cifar-10-python.tar.gz', gzip.compress(bytes(99))[:-9]), {}, ['not a complete .tar.gz']),
    'CIFAR archive is a page': (file('cifar-10-python.tar.gz', '<html>'), {}, ['not a complete .tar.gz']),
    'CIFAR archive of other files': (empty_tar, {}, ['no data_batch_1']),

    'labels of no file': (good_images, dict(labels='nowhere.csv'), ['--labels nowhere.csv', 'no such file']),
    'labels of its own that are not there': (good_images, BUILTIN, ['--labels folder', 'file.csv']),
    'labels misspelt': (good_images, dict(labels='foldr'), ['--labels foldr', '--labels folder']),
    'labels of a single folder': (good_images, dict(labels='folder'), ['sub-folder']),
    'CSV empty': (with_csv(''), CSV, ['labels.csv', 'no rows']),
    'CSV of a heading': (with_csv('file,label\n'), CSV, ['no rows']),
    'CSV of one column': (with_csv('0.png\n1.png\n'), CSV, ['line 1', '1 column']),
    'CSV with an empty label': (with_csv('0.png,a\n1.png,\n'), CSV, ['line 2', 'empty label']),
    'CSV with an empty name': (with_csv('0.png,a\n,b\n'), CSV, ['line 2', 'empty file name']),
    'CSV that contradicts itself': (with_csv('0.png,a\n0.png,b\n'), CSV, ['line 2', '0.png']),
    'CSV of other files': (with_csv('x.png,a\ny.png,b\n'), CSV, ['none of its 2', 'x.png']),
    'CSV with an open quote': (with_csv('0.png,"a\n1.png,b\n'), CSV, ['labels.csv', 'line']),
    'CSV not UTF-8': (with_csv(b'0.png,a\n1.png,\xff\xfe\n'), CSV, ['line 2', 'UTF-8']),
    'CSV of binary': (with_csv(PNG), CSV, ['labels.csv', 'UTF-8']),
    'attributes empty': (with_attributes(''), BUILTIN, ['list_attr', '0 line']),
    'attributes without the asked one': (with_attributes('1\nMale Smiling\n0.png 1 -1\n'), dict(labels='Smilin'),
                                         ['Smilin', 'did you mean Smiling']),
    'attributes with a short row': (with_attributes('1\nMale Smiling\n0.png 1\n'), BUILTIN, ['line 3', 'expected 2']),
    'attributes with other values': (with_attributes('1\nMale Smiling\n0.png 1 2\n'), BUILTIN, ['line 3']),
    'attributes too many': (with_attributes('1\nA B C D E F G\n0.png 1 1 1 1 1 1 1\n'), dict(labels='A,B,C,D,E,F,G'), ['up to 6']),
}

CATS = {
    'empty': ('', 'empty'),
    'text': ('a cat\n', 'whole numbers'),
    'count without points': ('9', '18'),
    'too few points': ('9 1 2 3 4', '18'),
    'too many points': ('9 ' + '1 ' * 20, '18'),
    'other count': ('8 ' + '1 ' * 16, '9'),
    'fractions': ('9 ' + '1.5 ' * 18, 'whole numbers'),
    'huge numbers': ('9 ' + '99999999999999999999 ' * 18, 'outside'),
    'negative': ('9 ' + '-5 ' * 18, 'outside'),
    'all in one place': ('9 ' + '50 50 ' * 9, 'eyes'),
    'binary': ('\0\1\2\3', 'whole numbers'),
}
