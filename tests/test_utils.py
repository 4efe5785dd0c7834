import errno
import json
import os
import pathlib
import re
import threading

import numpy as np
import pytest
from PIL import Image

import utils
from errors import UserError
from tf1 import session, tf


def random_images(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


# ------------------------------------------------------------------------------------------------ files

def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / 'deep' / 'er' / 'file.txt'
    utils.atomic_write(str(path), lambda file: file.write(b'first'))

    def fails(file):
        file.write(b'half')
        raise RuntimeError('the power is gone')

    with pytest.raises(RuntimeError):
        utils.atomic_write(str(path), fails)
    assert path.read_bytes() == b'first'
    assert os.listdir(path.parent) == ['file.txt']


def test_readers_never_see_a_torn_file(tmp_path):
    path = tmp_path / 'file.json'
    utils.write_json(str(path), {'value': 0})
    stop, torn = threading.Event(), []

    def reader():
        while not stop.is_set():
            try:
                json.loads(path.read_text())
            except ValueError as error:
                torn.append(error)

    thread = threading.Thread(target=reader)
    thread.start()
    for value in range(30):
        utils.write_json(str(path), {'value': value, 'long': 'x' * 100_000})
    stop.set()
    thread.join()
    assert not torn
    assert json.loads(path.read_text())['value'] == 29


def test_new_files_have_ordinary_permissions(tmp_path):
    old = os.umask(0o022)
    try:
        utils.write_text(str(tmp_path / 'a'), 'x')
    finally:
        os.umask(old)
    assert (tmp_path / 'a').stat().st_mode & 0o777 == 0o644


def test_a_disk_that_refuses_is_one_line(tmp_path):
    (tmp_path / 'file').write_text('not a folder')
    with pytest.raises(UserError) as error:
        utils.write_text(str(tmp_path / 'file' / 'x.txt'), 'x')
    assert 'cannot be written' in str(error.value) and '\n' not in str(error.value)


def test_a_full_disk_leaves_nothing_aside(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match='No space left on device'):
        utils.write_text(str(tmp_path / 'x.txt'), 'x')
    assert os.listdir(tmp_path) == []


def test_json_without_a_word_for_infinity(tmp_path):
    with pytest.raises(ValueError):
        utils.write_json(str(tmp_path / 'x.json'), {'train_size': float('inf')})
    utils.write_json(str(tmp_path / 'x.json'), {'b': 1, 'a': 'ü'})
    assert (tmp_path / 'x.json').read_text() == '{\n    "a": "ü",\n    "b": 1\n}\n'


def test_lines(tmp_path):
    utils.write_lines(str(tmp_path / 'x'), ['a', 'b'])
    assert (tmp_path / 'x').read_bytes() == b'a\nb\n'


# ------------------------------------------------------------------------------------------------ values

@pytest.mark.parametrize('value_range', [(-1.0, 1.0), (0.0, 1.0), (-0.5, 0.5)])
def test_every_grey_level_survives_the_way_to_floats_and_back(value_range):
    low, high = value_range
    levels = np.arange(256, dtype=np.uint8)
    floats = (levels / 255.0 * (high - low) + low).astype(np.float32)
    assert np.array_equal(utils.to_uint8(floats, value_range), levels)


def test_to_uint8_rounds_clips_and_shows_nan_black():
    values = np.array([-7.0, -1.0, 0.0, 0.999, 1.0, 7.0, np.nan, -np.inf, np.inf], np.float32)
    assert utils.to_uint8(values, (-1, 1)).tolist() == [0, 0, 128, 255, 255, 255, 0, 0, 255]
    bytes_ = random_images(2, 3)
    assert utils.to_uint8(bytes_, (-1, 1)) is bytes_


# ------------------------------------------------------------------------------------------------ grids

def test_grids_are_upstreams_where_upstream_had_one():
    for count in range(1, 400):
        rows, columns = int(np.floor(np.sqrt(count))), int(np.ceil(np.sqrt(count)))
        if rows * columns == count:
            assert utils.image_manifold_size(count) == (rows, columns)


@pytest.mark.parametrize('count', [1, 2, 3, 8, 10, 11, 63, 64, 65, 128])
def test_any_number_of_images_fits_a_nearly_square_grid(count):
    rows, columns = utils.image_manifold_size(count)
    assert rows * columns >= count > (rows - 1) * columns
    assert 0 <= columns - rows <= 1


def test_a_grid_of_no_images_is_refused():
    with pytest.raises(ValueError, match='at least 1'):
        utils.image_manifold_size(0)


@pytest.mark.parametrize('channels', [1, 3, 4])
@pytest.mark.parametrize('given', [{}, {'rows': 2}, {'columns': 7}, {'rows': 3, 'columns': 5}])
def test_each_image_is_in_its_cell_and_the_rest_is_background(channels, given):
    images = random_images(11, 4, 6, channels)
    grid = utils.image_grid(images, background=9, **given)
    columns = grid.shape[1] // 6
    cells = [(row, column) for row in range(grid.shape[0] // 4) for column in range(columns)]
    assert grid.shape == (4 * len(cells) // columns, 6 * columns, channels) and len(cells) >= 11
    for number, (row, column) in enumerate(cells):
        cell = grid[4 * row:4 * row + 4, 6 * column:6 * column + 6]
        assert np.array_equal(cell, images[number]) if number < 11 else (cell == 9).all()


def test_too_small_a_grid_is_refused():
    with pytest.raises(ValueError, match='11 images do not fit into 2 x 5'):
        utils.image_grid(random_images(11, 2, 2, 3), 2, 5)


# ------------------------------------------------------------------------------------------------ pictures

@pytest.mark.parametrize('shape, mode', [((5, 7), 'L'), ((5, 7, 1), 'L'), ((5, 7, 3), 'RGB'), ((5, 7, 4), 'RGBA')])
def test_written_images_read_back_exactly(tmp_path, shape, mode):
    image = random_images(*shape)
    for name in ('x.png', 'x.PNG') + (('x.bmp',) if mode != 'RGBA' else ()):
        utils.write_image(str(tmp_path / name), image)
        with Image.open(tmp_path / name) as picture:
            assert picture.mode == mode
        assert np.array_equal(read(tmp_path / name), image.reshape(read(tmp_path / name).shape))
    assert all(name.startswith('x.') for name in os.listdir(tmp_path))


def test_jpeg_comes_close_and_drops_alpha(tmp_path):
    image = np.full((16, 16, 4), 200, np.uint8)
    utils.write_image(str(tmp_path / 'x.jpg'), image)
    assert np.abs(read(tmp_path / 'x.jpg').astype(int) - image[..., :3]).max() <= 3


@pytest.mark.parametrize('name', ['x', 'x.txt', 'x.xyz'])
def test_other_extensions_are_refused(tmp_path, name):
    with pytest.raises(UserError, match='no image format'):
        utils.write_image(str(tmp_path / name), random_images(2, 2, 3))
    assert os.listdir(tmp_path) == []


def test_floats_are_not_written_by_accident(tmp_path):
    with pytest.raises(ValueError, match='uint8'):
        utils.write_image(str(tmp_path / 'x.png'), np.zeros((2, 2, 3), np.float32))


def gif_frames(path):
    with Image.open(path) as picture:
        frames, durations = [], []
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert('RGB')))
            durations.append(picture.info['duration'])
        return np.stack(frames), durations, picture.info.get('loop')


def test_grey_gifs_are_exact_and_take_their_time(tmp_path):
    frames = random_images(7, 8, 8, 1)
    utils.write_gif(str(tmp_path / 'x.gif'), frames, seconds=2)
    shown, durations, loop = gif_frames(tmp_path / 'x.gif')
    assert np.array_equal(shown, np.repeat(frames, 3, -1))
    assert sum(durations) == 2000 and max(durations) - min(durations) <= 10
    assert loop == 0


def test_colour_gifs_stay_close_to_their_frames(tmp_path):
    ramp = np.stack([*np.meshgrid(np.arange(0, 256, 17), np.arange(0, 256, 17)), np.full((16, 16), 99)], -1).astype(np.uint8)
    frames = [np.roll(ramp, number, 0) for number in range(5)]
    utils.write_gif(str(tmp_path / 'x.gif'), frames, seconds=1)
    shown, _, _ = gif_frames(tmp_path / 'x.gif')
    assert np.abs(shown.astype(int) - np.stack(frames)).mean() < 2


def test_no_frame_is_too_short_for_viewers(tmp_path):
    utils.write_gif(str(tmp_path / 'x.gif'), random_images(20, 4, 4), seconds=0.05)
    assert set(gif_frames(tmp_path / 'x.gif')[1]) == {20}
    with pytest.raises(ValueError, match='no frames'):
        utils.write_gif(str(tmp_path / 'x.gif'), [], seconds=1)


# ------------------------------------------------------------------------------------------------ upstream's names

def upstream_merge(images, size):
    """What DCGAN-tensorflow's merge computes, said in the plainest way."""
    height, width = images.shape[1:3]
    canvas = np.zeros((height * size[0], width * size[1], images.shape[3]))
    for number, image in enumerate(images):
        row, column = divmod(number, size[1])
        canvas[row * height:(row + 1) * height, column * width:(column + 1) * width] = image
    return canvas[..., 0] if images.shape[3] == 1 else canvas


@pytest.mark.parametrize('channels', [1, 3, 4])
def test_merge_is_upstreams(channels):
    images = np.random.default_rng(0).uniform(-1, 1, (10, 3, 5, channels))
    assert np.array_equal(utils.merge(images, [3, 4]), upstream_merge(images, [3, 4]))
    with pytest.raises(ValueError, match='do not fit'):
        utils.merge(images, [3, 3])
    with pytest.raises(ValueError, match='expected'):
        utils.merge(np.zeros((2, 4, 4, 2)), [1, 2])


def test_save_images_shows_minus_one_black_and_one_white(tmp_path):
    images = np.stack([np.full((4, 4, 3), value, np.float32) for value in (-1, 0, 1, 0.5)])
    utils.save_images(images, [2, 2], str(tmp_path / 'x.png'))
    assert read(tmp_path / 'x.png')[::4, ::4, 0].tolist() == [[0, 128], [255, 191]]


def test_sigmoid_images_keep_their_black_background(tmp_path):
    digits = np.zeros((4, 6, 6, 1), np.float32)
    digits[:, 2:4] = 0.6
    utils.save_images(digits, [2, 2], str(tmp_path / 'x.png'), value_range=(0, 1))
    assert read(tmp_path / 'x.png').ndim == 2
    assert set(np.unique(read(tmp_path / 'x.png'))) == {0, 153}


def test_imsave_takes_zero_to_one(tmp_path):
    images = np.stack([np.full((2, 2, 3), value) for value in (0.2, 0.4)])
    utils.imsave(images, [1, 2], str(tmp_path / 'x.png'))
    assert read(tmp_path / 'x.png')[0, ::2, 0].tolist() == [51, 102]        # not stretched to 0 and 255


def test_inverse_transform_and_merge_images():
    values = np.array([-1.0, 0.0, 1.0])
    assert utils.inverse_transform(values).tolist() == [0, 0.5, 1]
    assert utils.merge_images(values, [1, 1]).tolist() == [0, 0.5, 1]


def test_imread_gives_floats_in_rgb_or_luma(tmp_path):
    image = random_images(6, 8, 3)
    utils.write_image(str(tmp_path / 'x.png'), image)
    assert utils.imread(str(tmp_path / 'x.png')).dtype == np.float64
    assert np.array_equal(utils.imread(str(tmp_path / 'x.png')), image)
    luma = utils.imread(str(tmp_path / 'x.png'), grayscale=True)
    assert luma.shape == (6, 8)
    assert np.abs(luma - image @ [0.299, 0.587, 0.114]).max() <= 1
    utils.write_image(str(tmp_path / 'g.png'), image[..., 0])
    assert utils.imread(str(tmp_path / 'g.png')).shape == (6, 8, 3)


@pytest.mark.parametrize('content', [None, b'', b'<html>', b'\x89PNG\r\n\x1a\n'])
def test_imread_names_the_file_it_cannot_read(tmp_path, content):
    path = tmp_path / 'x.png'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(str(path))):
        utils.imread(str(path))


@pytest.mark.parametrize('crop', [True, False])
@pytest.mark.parametrize('channels', [(), (3,)])
def test_transform_is_pillows_bilinear_resize_of_the_centre(crop, channels):
    image = random_images(40, 61, *channels)
    centre = image[5:35, 20:40] if crop else image      # 30 x 20 of 40 x 61: top 5, left round(20.5) = 20
    expected = np.asarray(Image.fromarray(centre).resize((9, 12), Image.Resampling.BILINEAR))
    result = utils.transform(image.astype(np.float64), 30, 20, 12, 9, crop)
    assert result.shape == (12, 9, *channels)
    assert np.abs(result - (expected / 127.5 - 1)).max() <= 1 / 127.5
    if crop:
        assert np.array_equal(utils.center_crop(image, 30, 20, 12, 9), expected)


def test_transform_without_a_width_crops_a_square():
    image = random_images(40, 60, 3)
    assert np.array_equal(utils.transform(image, 30, None), utils.transform(image, 30, 30))
    assert np.array_equal(utils.center_crop(image, 30), utils.center_crop(image, 30, 30, 64, 64))


def test_a_crop_larger_than_the_image_takes_what_there_is():
    assert np.array_equal(utils.center_crop(random_images(10, 10, 3), 108, 108, 10, 10), random_images(10, 10, 3))


def test_get_image_reads_crops_and_scales(tmp_path):
    image = random_images(12, 12, 3)
    utils.write_image(str(tmp_path / 'x.png'), image)
    assert np.array_equal(utils.get_image(str(tmp_path / 'x.png'), 8, 8, 8, 8), image[2:10, 2:10] / 127.5 - 1)
    assert utils.get_image(str(tmp_path / 'x.png'), 8, 8, 6, 4, crop=False, grayscale=True).shape == (6, 4)


def test_make_gif_takes_minus_one_to_one_or_true_images(tmp_path):
    images = np.linspace(-1, 1, 5)[:, None, None, None] * np.ones((5, 4, 4, 1))
    utils.make_gif(images, str(tmp_path / 'a.gif'))
    utils.make_gif(np.rint((images + 1) * 127.5), str(tmp_path / 'b.gif'), duration=1, true_image=True)
    shown, durations, _ = gif_frames(tmp_path / 'a.gif')
    assert shown[:, 0, 0, 0].tolist() == [0, 64, 128, 191, 255] and sum(durations) == 2000
    assert np.array_equal(gif_frames(tmp_path / 'b.gif')[0], shown) and sum(gif_frames(tmp_path / 'b.gif')[1]) == 1000


def test_paths_and_times(monkeypatch):
    monkeypatch.setenv('FACES', '/data/faces')
    assert utils.expand_path('$FACES/x') == '/data/faces/x'
    assert utils.expand_path('~') == str(pathlib.Path.home())
    assert re.fullmatch(r'\d{8}\.\d{6}', utils.timestamp())
    assert utils.timestamp('%Y', ts=0) in ('1969', '1970')
    assert utils.pp.pformat({'a': 1}) == "{'a': 1}"


def test_show_all_variables_lists_and_counts(capsys):
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        tf.get_variable('generator/w', [5, 3])
        tf.get_variable('generator/b', [4])
        tf.get_variable('step', [], trainable=False)
        utils.show_all_variables()
    out = capsys.readouterr().out
    assert 'generator/w:0' in out and '5x3' in out and 'step' not in out
    assert 'Total size of variables: 19' in out and 'Total bytes of variables: 76' in out


def as_data(javascript):
    """The layers of to_json's output as {name: dict}."""
    found = re.findall(r'var (layer_\d+) = (\{.*?\});', javascript)
    return {name: json.loads(body) for name, body in found}


def test_to_json_writes_the_layers_of_the_web_demo(tmp_path):
    import ops
    with tf.Graph().as_default(), session() as sess:
        tf.set_random_seed(1)
        with tf.variable_scope('generator'):
            h, w0, b0 = ops.linear(tf.zeros([1, 3]), 16, 'g_h0_lin', with_w=True)
            bn = ops.batch_norm(name='g_bn0')
            h = bn(tf.reshape(h, [1, 2, 2, 4]), train=False)
            _, w1, b1 = ops.deconv2d(h, [1, 4, 4, 3], name='g_h1', with_w=True)
        sess.run(tf.global_variables_initializer())
        with sess.as_default():
            utils.to_json(str(tmp_path / 'layers.js'), (w0, b0, bn), (w1, b1, None))
        kernel0, kernel1 = sess.run([w0, w1])
    layers = as_data((tmp_path / 'layers.js').read_text())
    assert layers['layer_0']['layer_type'] == 'fc'
    assert (layers['layer_0']['out_depth'], layers['layer_0']['in_depth']) == (16, 3)
    assert layers['layer_0']['gamma']['w'] == [1.0] * 4 and layers['layer_0']['beta']['w'] == [0.0] * 4
    assert np.abs(np.array([one['w'] for one in layers['layer_0']['filters']]) - kernel0.T).max() <= 0.0051
    assert layers['layer_1']['layer_type'] == 'deconv'
    assert (layers['layer_1']['out_sx'], layers['layer_1']['out_depth'], layers['layer_1']['in_depth']) == (8, 3, 4)
    flat = np.array([one['w'] for one in layers['layer_1']['filters']])
    assert np.abs(flat - np.moveaxis(kernel1, 2, 0).reshape(3, -1)).max() <= 0.0051
    assert layers['layer_1']['gamma']['w'] == []
