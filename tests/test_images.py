"""images.py: every kind of file becomes the right pixels, and no file does harm."""
import io
import os
import resource
import struct
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import bad_inputs
import images
from bad_inputs import image_bytes, save_bytes

RNG = np.random.default_rng(0)


def noise(height, width, channels):
    return RNG.integers(0, 256, (height, width, channels), np.uint8)


def decoded(picture, format='PNG', **options):
    return np.asarray(images.decode(save_bytes(picture, format, **options)))


@pytest.mark.parametrize('name', bad_inputs.IMAGES)
def test_a_damaged_image_is_unreadable_for_a_short_reason(name):
    data, words = bad_inputs.IMAGES[name]
    start = time.monotonic()
    with pytest.raises(images.Unreadable) as caught:
        images.decode(data)
    reason = str(caught.value)
    assert reason and words in reason and '\n' not in reason and len(reason) < 160
    assert time.monotonic() - start < 1


def test_bombs_are_refused_without_allocating_their_pixels():
    """In a process that may take 600 MB more than it has after its imports."""
    script = (
        'import resource, images, bad_inputs\n'
        'pages = int(open("/proc/self/statm").read().split()[0])\n'
        'limit = pages * resource.getpagesize() + 600 * 2 ** 20\n'
        'resource.setrlimit(resource.RLIMIT_AS, (limit, limit))\n'
        'for name, (data, words) in bad_inputs.IMAGES.items():\n'
        '    try:\n'
        '        images.decode(data)\n'
        '    except images.Unreadable as error:\n'
        '        assert "memory" not in str(error), (name, error)\n'
        'print("done")\n')
    here = os.path.dirname(__file__)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([os.path.dirname(here), here]))
    done = subprocess.run([sys.executable, '-c', script], env=environment, capture_output=True, text=True)
    assert done.stdout == 'done\n', done.stderr


@pytest.mark.parametrize('format, options', [('JPEG', {}), ('PNG', {}), ('BMP', {}), ('WEBP', dict(lossless=True))])
def test_colour_files_decode_as_pillow_does(format, options):
    data = image_bytes((31, 17), format=format, **options)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert('RGB'))
    np.testing.assert_array_equal(np.asarray(images.decode(data)), expected)


@pytest.mark.parametrize('format', ['JPEG', 'PNG', 'BMP', 'GIF'])
def test_grey_files_stay_grey(format):
    data = image_bytes((31, 17), 'L', format)
    picture = images.decode(data)
    assert picture.mode == 'L'
    np.testing.assert_array_equal(np.asarray(picture), np.asarray(Image.open(io.BytesIO(data)).convert('L')))


def test_one_bit_is_black_and_white():
    bits = RNG.integers(0, 2, (5, 9)).astype(bool)
    np.testing.assert_array_equal(decoded(Image.fromarray(bits)), bits * np.uint8(255))


def test_sixteen_bit_grey_keeps_its_high_byte():
    samples = RNG.integers(0, 65536, (7, 5)).astype(np.uint16)
    samples[0, :2] = 0, 65535
    np.testing.assert_array_equal(decoded(Image.fromarray(samples)), samples >> 8)


def test_transparency_lies_on_white():
    rgba = noise(6, 8, 4)
    rgba[0, 0, 3], rgba[0, 1, 3] = 0, 255
    result = decoded(Image.fromarray(rgba))
    alpha = rgba[..., 3:] / 255
    np.testing.assert_allclose(result, rgba[..., :3] * alpha + 255 * (1 - alpha), atol=1)
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[0, 1].tolist() == rgba[0, 1, :3].tolist()


def test_grey_with_alpha_is_grey_on_white():
    la = noise(6, 8, 2)
    result = decoded(Image.fromarray(la, 'LA'))
    alpha = la[..., 1] / 255
    assert result.shape == (6, 8)
    np.testing.assert_allclose(result, la[..., 0] * alpha + 255 * (1 - alpha), atol=1)


def test_palette_with_a_transparent_colour():
    picture = Image.new('P', (2, 1))
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.putpixel((1, 0), 1)
    np.testing.assert_array_equal(decoded(picture), [[[255, 0, 0], [0, 0, 255]]])
    np.testing.assert_array_equal(decoded(picture, transparency=1), [[[255, 0, 0], [255, 255, 255]]])


def test_a_grey_palette_counts_as_grey():
    picture = Image.new('P', (2, 1))
    picture.putpalette([10, 10, 10, 200, 200, 200])
    picture.putpixel((1, 0), 1)
    result = images.decode(save_bytes(picture, 'PNG'))
    assert result.mode == 'L' and np.asarray(result).tolist() == [[10, 200]]


def test_cmyk_jpeg_is_converted():
    colours = [(200, 30, 40), (10, 200, 50), (250, 250, 250)]
    for colour in colours:
        result = decoded(Image.new('RGB', (16, 16), colour).convert('CMYK'), 'JPEG', quality=95)
        np.testing.assert_allclose(result[8, 8], colour, atol=6)


@pytest.mark.parametrize('orientation', range(1, 9))
def test_exif_orientation_is_applied(orientation):
    """The eight orientations by hand: EXIF 2.3, table 'Orientation'."""
    pixels = noise(3, 5, 3)
    upright = {1: lambda x: x, 2: lambda x: x[:, ::-1], 3: lambda x: x[::-1, ::-1], 4: lambda x: x[::-1],
               5: lambda x: x.transpose(1, 0, 2), 6: lambda x: np.rot90(x, -1),
               7: lambda x: x[::-1, ::-1].transpose(1, 0, 2), 8: lambda x: np.rot90(x, 1)}
    exif = Image.Exif()
    exif[images.ORIENTATION_TAG] = orientation
    np.testing.assert_array_equal(decoded(Image.fromarray(pixels), exif=exif), upright[orientation](pixels))


@pytest.mark.filterwarnings('ignore:Corrupt EXIF')
@pytest.mark.parametrize('exif', [b'Exif\0\0' + b'garbage' * 9, b'Exif\0\0MM\0*' + struct.pack('>IH', 2 ** 31, 9),
                                  b'Exif\0\0II*\0' + struct.pack('<IH', 8, 65535) + bytes(30)])
def test_broken_exif_does_not_spoil_the_pixels(exif):
    picture = Image.fromarray(noise(16, 16, 3))
    np.testing.assert_array_equal(decoded(picture, 'JPEG', exif=exif), decoded(picture, 'JPEG'))


def test_animations_give_their_first_frame():
    frames = [Image.new('RGB', (4, 4), colour) for colour in ('red', 'lime', 'blue')]
    for format in ('GIF', 'WEBP', 'PNG'):
        data = save_bytes(frames[0], format, save_all=True, append_images=frames[1:], **(
            dict(lossless=True) if format == 'WEBP' else {}))
        assert np.asarray(images.decode(data))[0, 0].tolist() == [255, 0, 0], format


def test_the_content_counts_not_the_extension():
    assert images.decode(image_bytes((4, 3), format='PNG')).size == (4, 3)     # decode never sees a name


@pytest.mark.parametrize('size', [(1, 1), (20_000, 2), (2, 20_000), (1, 300)])
def test_extreme_shapes_work(size):
    picture = images.decode(image_bytes(size, 'L'))
    assert images.fit(picture, (48, 48), 3).shape == (48, 48, 3)
    assert images.fit(picture, (48, 48), 1, crop=(96, 96)).shape == (48, 48, 1)


def triangle_resize(image, height, width):
    """Bilinear resize with the filter widened when it shrinks, in float: what Pillow approximates in integers."""
    def weights(before, after):
        scale = before / after
        support = max(scale, 1)
        centre = (np.arange(after)[:, None] + .5) * scale
        rows = np.maximum(0, 1 - abs(np.arange(before)[None] + .5 - centre) / support)
        return rows / rows.sum(1, keepdims=True)
    wide = weights(image.shape[1], width) @ image.astype(float)                     # [Y, x, c]
    return np.tensordot(weights(image.shape[0], height), wide, 1)


@pytest.mark.parametrize('shape, crop, size', [
    ((96, 96), (96, 96), (48, 48)), ((218, 178), (108, 108), (64, 64)), ((218, 178), None, (64, 64)),
    ((80, 512), (80, 512), (80, 512)), ((50, 70), (47, 33), (47, 33)), ((60, 61), (33, 30), (64, 63)),
    ((11, 9), (4, 4), (47, 33))])
def test_crop_and_resize_match_the_formula_within_one_grey_level(shape, crop, size):
    pixels = noise(*shape, 3)
    window = pixels
    if crop:
        top, left = round((shape[0] - crop[0]) / 2), round((shape[1] - crop[1]) / 2)
        window = pixels[top:top + crop[0], left:left + crop[1]]
    result = images.fit(Image.fromarray(pixels), size, 3, crop)
    assert result.dtype == np.uint8 and result.shape == (*size, 3)
    assert abs(result - triangle_resize(window, *size)).max() <= 1
    reference = Image.fromarray(window).resize(size[::-1], Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(result, np.asarray(reference))


@pytest.mark.parametrize('shape, crop, expected', [
    ((96, 96), (108, 108), (0, 0, 96, 96)), ((50, 100), (80, 80), (25, 0, 75, 50)), ((100, 50), (80, 80), (0, 25, 50, 75)),
    ((2, 20_000), (96, 96), (9999, 0, 10001, 2)), ((1, 1), (96, 48), (0, 0, 1, 1)), ((100, 100), (40, 20), (40, 30, 60, 70))])
def test_a_crop_larger_than_the_image_becomes_the_largest_window_of_its_aspect(shape, crop, expected):
    assert images.crop_box(*shape, *crop) == expected


def test_channels():
    pixels = noise(5, 4, 3)
    picture = Image.fromarray(pixels)
    luma = pixels @ np.array([.299, .587, .114])
    assert abs(images.fit(picture, (5, 4), 1)[..., 0] - luma).max() <= 1
    grey = picture.convert('L')
    np.testing.assert_array_equal(images.fit(grey, (5, 4), 3), np.asarray(grey)[..., None].repeat(3, -1))


def test_read_file_refuses_what_is_no_ordinary_file(tmp_path):
    os.mkfifo(tmp_path / 'pipe.jpg')
    os.symlink('loop.jpg', tmp_path / 'loop.jpg')
    with open(tmp_path / 'big.jpg', 'wb') as file:
        file.truncate(images.MAX_FILE_BYTES + 1)                # sparse
    for name, words in [('pipe.jpg', 'regular'), ('loop.jpg', 'symbolic links'), ('big.jpg', 'bytes'), ('', 'regular'),
                        ('none.jpg', 'no such file'), ('nul\0.jpg', 'null')]:
        with pytest.raises(images.Unreadable, match=words):
            images.read_file(os.path.join(tmp_path, name))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak * 1024 < 4 * 2 ** 30


def test_permission_denied_is_a_reason(monkeypatch):
    """By a stand-in for os.open: root, who runs many a container, may read everything."""
    def refuse(path, flags):
        raise PermissionError(13, 'Permission denied')
    monkeypatch.setattr(images.os, 'open', refuse)
    with pytest.raises(images.Unreadable, match='permission denied'):
        images.read_file('x.jpg')


@pytest.mark.parametrize('name, shown', [('a b.jpg', 'a b.jpg'), ('naïve 🐱.png', 'naïve 🐱.png'), ('a\nb\t.jpg', 'a\\nb\\t.jpg'),
                                         ('\udcff.jpg', '\\udcff.jpg'), ('\x1b[31m', '\\x1b[31m')])
def test_printable_names(name, shown):
    assert images.printable(name) == shown
    images.printable(name).encode()
