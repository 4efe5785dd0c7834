"""Images in and out (grids, PNG, GIF), files that appear whole, and the names of DCGAN-tensorflow's utils.py.

Pure NumPy and Pillow; TensorFlow is imported only by the two legacy functions that look into a graph.
"""
import contextlib
import datetime
import io
import json
import math
import os
import pprint
import re
import threading
import time

import numpy as np
from PIL import Image

import images as image_files
from config import expand_path  # noqa: F401 (upstream's name for it, here)
from errors import DiskError, UserError

SHORTEST_FRAME = 2          # centiseconds: viewers slow anything shorter down to 10


# ------------------------------------------------------------------------------------------------ files

def atomic_write(path, writer):
    """Calls `writer(file)` on a binary file that appears at `path` whole, and for good: written aside, fsynced, renamed, fsynced.

    Makes the folder if need be; whatever goes wrong, an older file at `path` is untouched and nothing is left aside.
    Raises DiskError when the disk refuses.
    """
    folder, name = os.path.split(path)
    aside = os.path.join(folder, f'.{name[:100]}.{os.getpid()}-{threading.get_ident()}')
    try:
        os.makedirs(folder or '.', exist_ok=True)
        try:
            with open(aside, 'wb') as file:
                writer(file)
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
            fsync_file(folder or '.')           # the name: a checkpoint must not outlive the samples and the record before it
        except BaseException:                   # Ctrl-C too leaves nothing behind
            with contextlib.suppress(OSError):
                os.remove(aside)
            raise
    except OSError as error:
        raise DiskError(f'{image_files.printable(path)}: cannot be written ({error.strerror or error}); free some space, '
                        f'or name a folder that you can write to') from error


def fsync_file(path):
    """Returns when a file, or a folder's list of names, is on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(folder):
    """Removes what atomic_write was writing aside in `folder` when its process was killed; that of living ones stays."""
    with contextlib.suppress(OSError):          # whatever cannot be removed does no harm
        for entry in os.scandir(folder):
            left = re.fullmatch(r'\..*\.(\d+)-\d+', entry.name)
            if left and not _is_alive(int(left.group(1))):
                os.remove(entry.path)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return pid != os.getpid()       # one of ours would have been removed: the number was another process's before


def write_text(path, text):
    """UTF-8 text, whole."""
    atomic_write(path, lambda file: file.write(text.encode()))


def write_lines(path, lines):
    """One line of text each, ended by a newline."""
    write_text(path, ''.join(f'{line}\n' for line in lines))


def write_json(path, value):
    """Valid JSON with sorted keys. Raises ValueError for what JSON has no word for, such as infinity."""
    write_text(path, json.dumps(value, indent=4, sort_keys=True, ensure_ascii=False, allow_nan=False) + '\n')


# ------------------------------------------------------------------------------------------------ images out

def to_uint8(images, value_range):
    """Floats in value_range (low, high) → uint8 0..255 of the same shape, rounded.

    Values outside are clipped, NaN is black; uint8 images come back as they are.
    """
    images = np.asarray(images)
    if images.dtype == np.uint8:
        return images
    low, high = value_range
    grey = (images.astype(np.float32) - low) * (255.0 / (high - low))
    return np.rint(np.clip(np.nan_to_num(grey, nan=0.0), 0.0, 255.0)).astype(np.uint8)


def image_manifold_size(num_images):
    """(rows, columns) of the most nearly square grid that holds the images: 64 → (8, 8), 10 → (3, 4), 11 → (3, 4).

    Where upstream had an answer (its grids had to be full) it is the same.
    """
    if num_images < 1:
        raise ValueError(f'a grid of {num_images} images; expected at least 1')
    columns = math.isqrt(num_images - 1) + 1
    return -(-num_images // columns), columns


def image_grid(images, rows=None, columns=None, background=0):
    """uint8 [N,H,W,C] → uint8 [rows*H, columns*W, C], row by row; cells without an image show `background`.

    Without rows or columns the grid is nearly square; with one of them the other follows from N.
    Raises ValueError when the images do not fit.
    """
    count = len(images)
    if rows is None and columns is None:
        rows, columns = image_manifold_size(count)
    rows = -(-count // columns) if rows is None else rows
    columns = -(-count // rows) if columns is None else columns
    return _tiled(images, rows, columns, background)


def _tiled(images, rows, columns, background):
    images = np.asarray(images)
    if images.ndim != 4:
        raise ValueError(f'images of shape {images.shape}, expected [N, height, width, channels]')
    count, height, width, channels = images.shape
    if count > rows * columns:
        raise ValueError(f'{count} images do not fit into {rows} x {columns}')
    cells = np.full((rows * columns, height, width, channels), background, images.dtype)
    cells[:count] = images
    cells = cells.reshape(rows, columns, height, width, channels)
    return cells.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, channels)


def _picture(image):
    """uint8 [H,W], [H,W,1], [H,W,3] or [H,W,4] → PIL image; one channel is grey."""
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.ndim == 3 and image.shape[2] not in (1, 3, 4):
        raise ValueError(f'image of {image.dtype} {image.shape}; expected uint8 [H,W], [H,W,1], [H,W,3] or [H,W,4]')
    return Image.fromarray(np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image))


def write_image(path, image):
    """Writes uint8 [H,W], [H,W,1], [H,W,3] or [H,W,4]; the extension says the format (PNG, JPEG, ...), grey stays grey.

    Raises UserError for an extension that is no image format, and when the disk refuses.
    """
    extension = os.path.splitext(path)[1].lower()
    kind = Image.registered_extensions().get(extension)
    if kind not in Image.SAVE:
        raise UserError(f'{image_files.printable(path)}: {extension or "no extension"} is no image format to write; '
                        f'name the file *.png')
    picture = _picture(image)
    if kind == 'JPEG' and picture.mode == 'RGBA':
        picture = picture.convert('RGB')
    options = dict(quality=95) if kind == 'JPEG' else {}
    encoded = io.BytesIO()              # encoded first, so that only the disk can fail in between
    picture.save(encoded, kind, **options)
    atomic_write(path, lambda file: file.write(encoded.getbuffer()))


def write_gif(path, frames, seconds):
    """Writes uint8 images of one size as an endless GIF that takes about `seconds` (a frame lasts at least 0.02 s).

    Grey frames keep all their values, colour ones get 256 colours each. Equal neighbours become one longer frame.
    """
    pictures = [_picture(frame) for frame in frames]
    if not pictures:
        raise ValueError('a GIF of no frames')
    pictures = [picture if picture.mode == 'L' else picture.convert('RGB').quantize(dither=Image.Dither.NONE)
                for picture in pictures]
    ends = [round(100 * seconds * number / len(pictures)) for number in range(len(pictures) + 1)]
    durations = [10 * max(SHORTEST_FRAME, end - start) for start, end in zip(ends, ends[1:])]      # milliseconds
    encoded = io.BytesIO()
    pictures[0].save(encoded, 'GIF', save_all=True, append_images=pictures[1:], duration=durations, loop=0)
    atomic_write(path, lambda file: file.write(encoded.getbuffer()))


# ------------------------------------------------------------------------------------------------ upstream's names
# Signatures and meaning of utils.py in DCGAN-tensorflow. Images are float [N,H,W,C] in -1..1 unless said otherwise.

pp = pprint.PrettyPrinter()


def timestamp(s='%Y%m%d.%H%M%S', ts=None):
    """The local time `ts` (seconds since 1970; now if not given) in strftime's format `s`."""
    return datetime.datetime.fromtimestamp(time.time() if ts is None else ts).strftime(s)


def show_all_variables():
    """Prints name, shape and size of the trainable variables of the default graph, and the total."""
    from tf1 import tf
    total = 0
    for variable in tf.trainable_variables():
        size = int(np.prod(variable.shape.as_list(), dtype=np.int64))
        total += size
        shape = 'x'.join(map(str, variable.shape.as_list()))
        print(f'{variable.name} ({variable.dtype.base_dtype.name} {shape}) [{size}, bytes: {4 * size}]')
    print(f'Total size of variables: {total}\nTotal bytes of variables: {4 * total}')


def get_image(image_path, input_height, input_width, resize_height=64, resize_width=64, crop=True, grayscale=False):
    """An image file → float in -1..1, [resize_height, resize_width, 3], or without the 3 if grayscale."""
    return transform(imread(image_path, grayscale), input_height, input_width, resize_height, resize_width, crop)


def imread(path, grayscale=False):
    """An image file → float64 in 0..255, [H,W,3], or [H,W] if grayscale (ITU-R 601 luma). Raises UserError."""
    try:
        picture = image_files.decode(image_files.read_file(path))
    except image_files.Unreadable as error:
        raise UserError(f'{image_files.printable(path)}: {error}') from error
    return np.asarray(picture.convert('L' if grayscale else 'RGB')).astype(np.float64)


def center_crop(x, crop_h, crop_w=None, resize_h=64, resize_w=64):
    """The centre of x (0..255, [H,W] or [H,W,C]) resized bilinearly → uint8; crop_w None: crop_h.

    Where x is smaller than the crop, the largest centred window of that shape is taken. Values are kept: the oldest
    version's scipy.misc.imresize stretched the contrast of every image instead.
    """
    return _fitted(x, (resize_h, resize_w), (crop_h, crop_h if crop_w is None else crop_w))


def transform(image, input_height, input_width, resize_height=64, resize_width=64, crop=True):
    """0..255 [H,W] or [H,W,C] → -1..1 at the size asked for; crop False: the whole image is resized."""
    window = (input_height, input_height if input_width is None else input_width) if crop else None
    return _fitted(image, (resize_height, resize_width), window) / 127.5 - 1.0


def _fitted(x, size, window):
    x = np.asarray(x)
    picture = _picture(to_uint8(x, (0, 255)))
    fitted = image_files.fit(picture, size, 1 if picture.mode == 'L' else 3, window)
    return fitted[..., 0] if x.ndim == 2 else fitted


def inverse_transform(images):
    """-1..1 → 0..1."""
    return (np.asarray(images) + 1.0) / 2.0


def merge_images(images, size):
    """-1..1 → 0..1, image by image; `size` has no effect, as upstream."""
    return inverse_transform(images)


def merge(images, size):
    """[N,H,W,C] → one image of size[0] rows and size[1] columns: [h,w,C] for C of 3 or 4, [h,w] for 1.

    Empty cells are 0. Raises ValueError for other shapes and for more images than cells.
    """
    images = np.asarray(images)
    if images.ndim != 4 or images.shape[3] not in (1, 3, 4):
        raise ValueError(f'merge: images of shape {images.shape}; expected [N,H,W,1], [N,H,W,3] or [N,H,W,4]')
    grid = _tiled(images, int(size[0]), int(size[1]), 0)
    return grid[..., 0] if images.shape[3] == 1 else grid


def imsave(images, size, path, value_range=(0.0, 1.0)):
    """Writes the merged images; value_range tells black and white (upstream stretched from darkest to brightest)."""
    write_image(path, merge(to_uint8(images, value_range), size))


def save_images(images, size, image_path, value_range=(-1.0, 1.0)):
    """Writes one picture of size[0] x size[1] images; value_range (0, 1) for generators that end in a sigmoid."""
    imsave(images, size, image_path, value_range)


def make_gif(images, fname, duration=2, true_image=False, value_range=(-1.0, 1.0)):
    """Writes images, a frame each, as a GIF of `duration` seconds; true_image: they are in 0..255, not value_range."""
    frames = [to_uint8(image, (0, 255) if true_image else value_range) for image in images]
    write_gif(fname, frames, duration)


def visualize(sess, dcgan, config, option, sample_dir='samples'):
    """The pictures of options 0..4 (names: config.VISUALIZE_OPTIONS) from a model with upstream's attributes.

    dcgan: z, sampler, z_dim, and y, y_dim where it is conditional. config: batch_size, the images of each picture, and
    z_dist (U(-1,1) if it has none). Repeatable through np.random.seed. Raises UserError for another option.
    """
    import sampling
    return sampling.visualize_graph(sess, dcgan, config, option, sample_dir)


def to_json(output_path, *layers):
    """Writes the weights of (w, b, batch_norm or None) triples as the JavaScript of upstream's web demo (64x64 images).

    w and b are variables of layers called ...h<number>..., evaluated in the default session.
    """
    write_text(output_path, ' '.join(' '.join(_layer_as_javascript(*layer).split()) for layer in layers))


def _layer_as_javascript(w, b, bn):
    number = re.search(r'h(\d+)[^/]*/[^/]*$', w.name)
    if not number:
        raise ValueError(f'to_json: {w.name} is no variable of a layer called h<number>')
    kernel, bias = w.eval(), b.eval()
    gamma, beta = _scale_and_shift(w, bn) if bn is not None else ((), ())
    digits = lambda values: '[' + ', '.join(f'{value:.2f}' for value in np.ravel(values)) + ']'
    volume = lambda values: f'{{"sy": 1, "sx": 1, "depth": {len(values)}, "w": {digits(values)}}}'
    if kernel.ndim == 2:                                        # [in, out]
        kind, k_h, k_w, stride, pad, size = 'fc', 1, 1, 1, 0, 1
        filters, in_depth = kernel.T, kernel.shape[0]
    else:                                                       # [k_h, k_w, out, in]
        kind, k_h, k_w, stride, pad, size = 'deconv', *kernel.shape[:2], 2, 1, 2 ** (int(number[1]) + 2)
        filters, in_depth = np.moveaxis(kernel, 2, 0), kernel.shape[3]
    listed = ', '.join(f'{{"sy": {k_h}, "sx": {k_w}, "depth": {in_depth}, "w": {digits(one)}}}' for one in filters)
    return f'''
        var layer_{number[1]} = {{
            "layer_type": "{kind}", "sy": {k_h}, "sx": {k_w}, "out_sx": {size}, "out_sy": {size},
            "stride": {stride}, "pad": {pad}, "out_depth": {len(filters)}, "in_depth": {in_depth},
            "biases": {volume(bias)}, "gamma": {volume(gamma)}, "beta": {volume(beta)}, "filters": [{listed}]
        }};'''


def _scale_and_shift(w, bn):
    """gamma and beta of a batch_norm object: its attributes, or the variables under its name beside the layer of w."""
    if hasattr(bn, 'gamma'):
        return bn.gamma.eval(), bn.beta.eval()
    from tf1 import tf
    scope = w.op.name.rpartition('/')[0].rpartition('/')[0]
    prefix = f'{scope}/{bn.name}' if scope else bn.name
    found = {variable.op.name: variable for variable in tf.global_variables()}
    return found[prefix + '/gamma'].eval(), found[prefix + '/beta'].eval()
