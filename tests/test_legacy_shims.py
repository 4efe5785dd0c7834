"""scipy.misc, input_data, tf.app.flags and the stand-ins for absent libraries, each by itself."""
import ast
import gzip
import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from legacy import flags, input_data, notes, scipy_misc, symbols
from legacy.absent import click, cv2, moviepy, stub

# ---- scipy.misc --------------------------------------------------------------------------------------------


def test_bytescale_stretches_to_the_full_range():
    assert scipy_misc.bytescale(np.array([-1.0, 0.0, 1.0])).tolist() == [0, 128, 255]
    # SciPy's own example
    assert scipy_misc.bytescale(np.array([91.06794177, 3.39058326, 84.4221549])).tolist() == [255, 0, 236]
    assert scipy_misc.bytescale(np.array([0.0, 1.0]), cmin=0, cmax=2).tolist() == [0, 128]
    same = np.array([3, 7], np.uint8)
    assert scipy_misc.bytescale(same) is same
    assert scipy_misc.bytescale(np.array([5.0, 5.0])).tolist() == [0, 0]


def test_imsave_stretches_floats_and_keeps_bytes(tmp_path):
    scipy_misc.imsave(str(tmp_path / 'float.png'), np.array([[0.5, 0.75], [1.0, 1.0]]))
    assert np.array(Image.open(tmp_path / 'float.png')).tolist() == [[0, 128], [255, 255]]
    colours = np.random.RandomState(0).randint(0, 200, (4, 5, 3)).astype(np.uint8)
    scipy_misc.imsave(str(tmp_path / 'bytes.png'), colours)
    assert (scipy_misc.imread(str(tmp_path / 'bytes.png')) == colours).all()
    assert scipy_misc.imread(str(tmp_path / 'bytes.png'), flatten=True).dtype == np.float32


def test_imresize_takes_sizes_percents_and_fractions():
    image = np.random.RandomState(0).randint(0, 255, (10, 20, 3)).astype(np.uint8)
    assert scipy_misc.imresize(image, (5, 8)).shape == (5, 8, 3)
    assert scipy_misc.imresize(image, 50).shape == scipy_misc.imresize(image, 0.5).shape == (5, 10, 3)
    expected = np.asarray(Image.fromarray(image).resize((8, 5), Image.Resampling.BILINEAR))
    assert (scipy_misc.imresize(image, [5, 8]) == expected).all()
    assert scipy_misc.imresize(np.linspace(-1, 1, 16).reshape(4, 4), (4, 4)).max() == 255


def test_threshold_replaces_what_is_outside():
    assert scipy_misc.threshold([9, 9, 6, 3, 1], threshmin=2, threshmax=8, newval=-1).tolist() == [
        -1, -1, 6, 3, -1]


def test_toimage_finds_the_channels():
    assert scipy_misc.toimage(np.zeros((3, 6, 7))).size == (7, 6)
    with pytest.raises(ValueError):
        scipy_misc.toimage(np.zeros((2, 5, 6)))


# ---- input_data --------------------------------------------------------------------------------------------

def write_mnist(folder, train=100, test=40, packed=True):
    random = np.random.RandomState(0)
    for prefix, n in (('train', train), ('t10k', test)):
        images, labels = random.randint(0, 256, (n, 28, 28), np.uint8), (np.arange(n) % 10).astype(np.uint8)
        for name, data in ((f'{prefix}-images-idx3-ubyte', struct.pack('>IIII', 2051, n, 28, 28)
                            + images.tobytes()), (f'{prefix}-labels-idx1-ubyte', struct.pack('>II', 2049, n)
                                                  + labels.tobytes())):
            (folder / (name + ('.gz' if packed else ''))).write_bytes(gzip.compress(data) if packed else data)


@pytest.mark.parametrize('packed', [True, False])
def test_read_data_sets_reads_local_idx_files(tmp_path, packed):
    write_mnist(tmp_path, packed=packed)
    sets = input_data.read_data_sets(str(tmp_path), one_hot=True, validation_size=10)
    assert (sets.train.num_examples, sets.validation.num_examples, sets.test.num_examples) == (90, 10, 40)
    assert sets.train.images.shape == (90,
        784) and sets.train.images.dtype == np.float32 and sets.train.images.max() <= 1
    assert sets.test.labels.shape == (40, 10) and (sets.test.labels.sum(1) == 1).all()
    assert input_data.read_data_sets(str(tmp_path), reshape=[]).train.images.shape[1:] == (28, 28, 1)


def test_next_batch_goes_through_every_example_once_an_epoch(tmp_path):
    write_mnist(tmp_path)
    data = input_data.read_data_sets(str(tmp_path), validation_size=0).train
    whole = np.concatenate([data.next_batch(30)[0] for _ in range(3)] + [data.next_batch(10)[0]])
    assert data.epochs_completed == 0
    assert sorted(map(tuple, whole)) == sorted(map(tuple, data.images))
    assert len(data.next_batch(30)[1]) == 30 and data.epochs_completed == 1
    assert len(data.next_batch(250)[0]) == 250                                  # more than there are


def test_the_sample_digits_stand_in_and_say_so(tmp_path, capsys):
    write_mnist(tmp_path)
    (tmp_path / 'train-images-idx3-ubyte.gz').write_bytes(b'version https://git-lfs')
    notes.SAID.discard('mnist')
    sets = input_data.read_data_sets(str(tmp_path))
    assert sets.train.num_examples + sets.validation.num_examples + sets.test.num_examples == 10000
    assert 'sample digits' in capsys.readouterr().err


# ---- flags -------------------------------------------------------------------------------------------------

@pytest.fixture
def fresh(monkeypatch):
    def make(*argv):
        monkeypatch.setattr(sys, 'argv', ['main.py', *argv])
        monkeypatch.setattr(flags, 'FLAGS', flags.FlagValues())
        return flags.FLAGS
    return make


def test_a_boolean_takes_a_separate_value(fresh):
    values = fresh('--stair', 'False', '--crop', '--nocolour', '--size', '7', 'rest')
    flags.DEFINE_boolean('stair', True, '')
    flags.DEFINE_bool('crop', False, '')
    flags.DEFINE_bool('colour', True, '')
    flags.DEFINE_integer('size', 3, '')
    assert (values.stair, values.crop, values.colour, values.size) == (False, True, False, 7)
    assert values._rest == ['rest']


def test_flags_are_read_before_parsing_assigned_and_listed(fresh):
    values = fresh('--unknown=3', '--rate=1e-3')
    flags.DEFINE_integer('train_size', np.inf, '')
    flags.DEFINE_float('rate', '0.5', '')
    flags.DEFINE_integer('batch', '64', '')
    values.undeclared = [1]
    assert values.train_size == np.inf and values.rate == 1e-3 and values.batch == 64
    assert values.__flags == {'train_size': np.inf, 'rate': 1e-3, 'batch': 64, 'undeclared': [1]}
    assert {key: values[key].value for key in values} == values.flag_values_dict()
    with pytest.raises(AttributeError):
        values.missing


def test_the_dictionary_of_flags_is_parsed_and_lives_in_the_object(fresh):
    values = fresh('--batch=8')
    flags.DEFINE_integer('batch', 64, '')
    assert values.__flags == {'batch': 8} and values.__dict__['__flags'] == {'batch': 8}
    values.__dict__['__flags']['batch'] = 16
    assert values.batch == 16


def test_a_wrong_number_ends_with_usage_status(fresh, capsys):
    values = fresh('--size=big')
    flags.DEFINE_integer('size', 3, '')
    with pytest.raises(SystemExit) as error:
        values.size
    assert error.value.code == 2 and 'size' in capsys.readouterr().err


# ---- absent libraries --------------------------------------------------------------------------------------

def test_a_stub_fails_when_it_is_used_not_when_it_is_named():
    torch = stub.module('torch')
    part = torch.nn.functional

    class Net(torch.nn.Module):
        pass
    for use in (lambda: part.relu(1), Net, lambda: torch.tensor[0]):
        with pytest.raises(ModuleNotFoundError, match='torch'):
            use()


def test_cv2_stand_in_reads_bgr_and_resizes(tmp_path):
    colours = np.random.RandomState(0).randint(0, 255, (6, 8, 3)).astype(np.uint8)
    assert cv2.imwrite(str(tmp_path / 'a.png'), colours)
    assert (cv2.imread(str(tmp_path / 'a.png')) == colours).all()
    assert (np.array(Image.open(tmp_path / 'a.png')) == colours[..., ::-1]).all()
    assert cv2.imread(str(tmp_path / 'none.png')) is None
    assert cv2.resize(colours, (4, 3)).shape == (3, 4, 3)
    assert cv2.resize(np.full((4, 4), 0.5), (8, 8)).tolist() == np.full((8, 8), 0.5).tolist()


def test_cv2_stand_in_turns_and_moves_pictures():
    ramp = np.arange(15, dtype=np.uint8).reshape(3, 5)
    moved = cv2.warpAffine(ramp, np.float32([[1, 0, 2], [0, 1, -1]]), (5, 3), borderValue=99)
    assert moved.tolist() == [[99, 99, 5, 6, 7], [99, 99, 10, 11, 12], [99] * 5]
    half = cv2.warpAffine(ramp.astype(np.float32), np.float32([[1, 0, 0.5], [0, 1, 0]]), (5, 3))
    assert half[1].tolist() == [2.5, 5.5, 6.5, 7.5, 8.5]                  # the border's zeros mix in
    square = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    turn = cv2.getRotationMatrix2D((1, 1), 90, 1)                          # counter-clockwise
    assert np.allclose(turn, [[0, 1, 0], [-1, 0, 2]])
    assert (cv2.warpAffine(square, turn, (3, 3)) == np.rot90(square)).all()


def test_click_stand_in_reads_options_and_arguments(capsys):
    @click.command()
    @click.argument('source')
    @click.option('--lr', '-l', default=1e-4, help='100% of the rate')
    @click.option('--steps-per-epoch', type=click.INT)
    @click.option('--layer', 'layers', default=[500, 500], multiple=True)
    @click.option('--leaky/--relu', default=True)
    @click.option('--to_train', type=click.BOOL, default=True)
    @click.option('--verbose', is_flag=True)
    @click.option('--loss', type=click.Choice(['gan', 'wgan']), default='gan')
    def train(**said):
        click.echo(sorted(said.items()))

    def said(*words):
        with pytest.raises(SystemExit) as end:
            train(list(words))
        assert end.value.code == 0
        return dict(ast.literal_eval(capsys.readouterr().out))
    assert said('faces') == dict(source='faces', lr=1e-4, steps_per_epoch=None, layers=(500, 500), leaky=True,
                                 to_train=True, verbose=False, loss='gan')
    assert said('faces', '-l', '1', '--steps-per-epoch=7', '--layer', '3', '--layer=4', '--relu',
                '--to_train', '0', '--verbose', '--loss', 'wgan') == dict(
        source='faces', lr=1.0, steps_per_epoch=7, layers=(3, 4), leaky=False, to_train=False, verbose=True,
        loss='wgan')
    for wrong in ('', 'faces --loss mse', 'faces --steps-per-epoch x', 'faces --nothing'):
        with pytest.raises(SystemExit) as end:
            train(wrong.split())
        assert end.value.code == 2


def test_click_stand_in_has_groups_and_aborts(capsys):
    @click.group()
    @click.option('--seed', default=1)
    def tool(seed):
        print('seed', seed)

    @tool.command()
    @click.option('--count', default=2, type=click.IntRange(1, 9))
    def make(count):
        print('made', count)
        raise click.Abort
    with pytest.raises(SystemExit, match='Aborted!'):
        tool(['--seed', '5', 'make', '--count', '3'])
    assert capsys.readouterr().out == 'seed 5\nmade 3\n'
    with pytest.raises(SystemExit, match='expected one of the commands make'):
        tool([])


def test_moviepy_stand_in_writes_a_gif(tmp_path):
    frames = [np.full((8, 8, 3), n * 60, np.uint8) for n in range(4)]
    moviepy.editor.VideoClip(lambda t: frames[int(t * 2)], duration=2).write_gif(str(tmp_path / 'a.gif'),
                                                                                 fps=2)
    with Image.open(tmp_path / 'a.gif') as picture:
        assert picture.n_frames == 4


def test_sample_digits_are_repeated_where_a_script_counts_on_mnist_sizes(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(input_data, 'COUNTED_ON', [])
    monkeypatch.setattr(notes, 'SAID', set())
    input_data.expect_sizes({'few.py': (ast.parse('for step in range(20000): pass'), None)})
    assert input_data.read_data_sets(str(tmp_path)).train.num_examples == 7000
    input_data.expect_sizes({'train.py': (ast.parse('x = 1\ni = randint(0, 55000)'), None)})
    monkeypatch.setattr(notes, 'SAID', set())
    sets = input_data.read_data_sets(str(tmp_path))
    assert [part.num_examples for part in sets] == [55000, 5000, 10000]
    np.testing.assert_array_equal(sets.train.images[:100], sets.train.images[8000:8100])
    np.testing.assert_array_equal(sets.train.labels[:100], sets.train.labels[8000:8100])
    assert 'train.py:2 has 55000' in capsys.readouterr().err
    for text in ('test.images.reshape([10000, 28, 28, 1])', 'read(folder, validation_size=5000)'):
        input_data.COUNTED_ON.clear()
        input_data.expect_sizes({'shape.py': (ast.parse(text + '\nsave_every = 5000'), None)})
        assert [said.partition(' has ')[0] for said in input_data.COUNTED_ON] == ['shape.py:1']


@pytest.mark.parametrize('packed', [False, True])
def test_cifar_of_keras_is_read_from_its_local_folder_or_archive(tmp_path, monkeypatch, packed):
    import pickle
    import tarfile

    from legacy import keras_datasets, network
    monkeypatch.setattr(keras_datasets, 'FOLDER', str(tmp_path))
    with pytest.raises(network.DownloadRefused, match='cifar-10-python.tar.gz'):
        keras_datasets.cifar10.load_data()
    source = tmp_path / ('elsewhere' if packed else 'cifar-10-batches-py')
    source.mkdir()
    pixels = np.random.RandomState(0).randint(0, 256, (12, 3, 32, 32)).astype(np.uint8)
    for n, name in enumerate([f'data_batch_{k}' for k in range(1, 6)] + ['test_batch']):
        (source / name).write_bytes(pickle.dumps(
            {'data': pixels[2 * n:2 * n + 2].reshape(2, -1), 'labels': [n, 9 - n]}))
    if packed:
        with tarfile.open(tmp_path / 'cifar-10-python.tar.gz', 'w:gz') as tar:
            tar.add(source, 'cifar-10-batches-py')
    (images, labels), (test_images, test_labels) = keras_datasets.cifar10.load_data()
    np.testing.assert_array_equal(images, pixels[:10].transpose(0, 2, 3, 1))
    assert labels.ravel().tolist() == [0, 9, 1, 8, 2, 7, 3, 6, 4, 5] and labels.shape == (10, 1)
    assert test_images.shape == (2, 32, 32, 3) and test_labels.tolist() == [[5], [4]]


def test_matplotlib_stand_in_draws(tmp_path):
    from legacy.absent.matplotlib import gridspec, pyplot
    figure = pyplot.figure(figsize=(4, 4))
    for n, cell in enumerate(gridspec.GridSpec(2, 2)):
        axes = pyplot.subplot(cell)
        axes.imshow(np.full((4, 4), n / 4.0) if n else np.eye(4), cmap='Greys_r', vmin=0, vmax=1)
        pyplot.axis('off')
    pyplot.savefig(str(tmp_path / 'grid.png'), bbox_inches='tight')
    pyplot.close(figure)
    picture = np.array(Image.open(tmp_path / 'grid.png').convert('L'))
    assert picture.shape == (400, 400) and picture[0, 0] == 255
    # the second and the third cell
    assert abs(int(picture[100, 280]) - 64) <= 1 and abs(int(picture[290, 100]) - 128) <= 1
    pyplot.plot([0, 1, 2], [0, 1, 4], 'r-', label='loss')
    pyplot.contour([0, 1, 2], [0, 1, 2], [[0, 0, 0], [0, 1, 0], [0, 0, 0]])
    pyplot.scatter([1], [2], c='green')
    pyplot.legend()
    pyplot.savefig(str(tmp_path / 'curve.jpg'))
    curve = np.array(Image.open(tmp_path / 'curve.jpg')).astype(int)
    assert ((curve[..., 0] > 200) & (curve[..., 1] < 80)).sum() > 100                             # a red line
    pyplot.close('all')


def test_matplotlib_stand_in_has_colour_maps_text_pixels_and_leaves_the_rest_out(tmp_path, capsys):
    from legacy.absent import mpl_toolkits
    from legacy.absent.matplotlib import cm, colors, pyplot
    base = cm.get_cmap('jet')
    steps = base.from_list('steps', base(np.linspace(0, 1, 3)), 3)
    np.testing.assert_allclose(steps([0.0, 0.5, 1.0]), base([0.0, 0.5, 1.0]))
    flat = colors.ListedColormap(['r', (0, 0, 1)])
    np.testing.assert_allclose(flat(np.array([0, 1]))[:, :3], [[1, 0, 0], [0, 0, 1]])
    np.testing.assert_allclose(colors.LogNorm(1, 100)([1, 10, 100]), [0, 0.5, 1])
    assert colors.rgb2hex((1, 0.5, 0)) == '#ff8000'
    import colorsys
    shades = np.random.RandomState(0).rand(20, 3)
    np.testing.assert_allclose(colors.hsv_to_rgb(shades), [colorsys.hsv_to_rgb(*shade) for shade in shades])
    np.testing.assert_allclose(colors.rgb_to_hsv(shades), [colorsys.rgb_to_hsv(*shade) for shade in shades])
    figure, axes = pyplot.subplots(figsize=(2, 2))
    axes.get_xaxis().set_visible(False)
    axes.imshow([[0, 9]], norm=colors.Normalize(0, 10), cmap='gray')
    blank = figure.picture()
    figure.text(0.5, 0.04, 'Epoch 3', ha='center')
    assert np.any(np.asarray(figure.picture())[180:] != np.asarray(blank)[180:])
    import legacy.absent.matplotlib as whole
    pyplot.gca().xaxis.set_major_locator(whole.ticker.NullLocator())
    axes.set_title('t', fontproperties=whole.font_manager.FontProperties(size=9))
    whole.image.imsave(str(tmp_path / 'm.png'), np.eye(3))
    assert whole.image.imread(str(tmp_path / 'm.png')).shape == (3, 3, 3)
    width, height = figure.canvas.get_width_height()
    pixels = np.frombuffer(figure.canvas.tostring_rgb(), np.uint8).reshape(height, width, 3)
    np.testing.assert_array_equal(pixels, np.asarray(figure.picture()))
    line, = axes.plot([0, 1], [0, 1], color=np.array([1.0, 0.0, 0.0]))
    assert line.colour == (255, 0, 0)
    axes.quiver([0], [0], [1], [1])
    pyplot.pie([1, 2])
    said = capsys.readouterr().err
    assert 'quiver is left out of the picture' in said and 'pie is left out of the picture' in said
    grid = mpl_toolkits.ImageGrid(pyplot.figure(), 111, nrows_ncols=(2, 3), axes_pad=0.1)
    assert len(grid) == 6 and grid[0].box != grid[5].box
    pyplot.close('all')


def test_animations_are_written_as_gif(tmp_path):
    from legacy.absent.matplotlib import animation, pyplot
    figure, axes = pyplot.subplots(figsize=(1, 1))
    shown = [[axes.imshow(np.full((2, 2), level), vmin=0, vmax=2, cmap='gray')] for level in range(3)]
    animation.ArtistAnimation(figure, shown, interval=50).save(str(tmp_path / 'a.mp4'))
    with Image.open(tmp_path / 'a.gif') as picture:
        levels = []
        for frame in range(picture.n_frames):
            picture.seek(frame)
            levels.append(picture.convert('L').getpixel((50, 50)))
    assert levels == [0, 128, 255]
    image = axes.imshow(np.zeros((2, 2)), vmin=0, vmax=2, cmap='gray')
    animation.FuncAnimation(figure, lambda n: image.set_data(
        np.full((2, 2), n)), frames=2).save(tmp_path / 'f.gif')
    with Image.open(tmp_path / 'f.gif') as picture:
        assert picture.n_frames == 2
    pyplot.close('all')


def test_similarity_of_images_as_skimage_defines_it():
    from legacy.absent import skimage
    rng = np.random.RandomState(0)
    x = rng.randint(0, 256, (16, 16)).astype(np.uint8)
    y = np.clip(x.astype(int) + rng.randint(-20, 20, x.shape), 0, 255).astype(np.uint8)
    assert skimage.measure.compare_ssim(x, x) == 1.0
    windows = [np.lib.stride_tricks.sliding_window_view(
        v.astype(float), (7, 7)).reshape(-1, 49) for v in (x, y)]
    (mx, my), (vx, vy) = [[v.mean(1) for v in windows], [v.var(1, ddof=1) for v in windows]]
    cov = ((windows[0] - mx[:, None]) * (windows[1] - my[:, None])).sum(1) / 48
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    expected = ((2 * mx * my + c1) * (2 * cov + c2) / ((mx ** 2 + my ** 2 + c1) * (vx + vy + c2))).mean()
    assert skimage.measure.compare_ssim(x, y) == pytest.approx(expected)
    assert skimage.measure.compare_ssim(
        np.dstack([x, x]), np.dstack([y, x]), multichannel=True
    ) == pytest.approx((expected + 1) / 2)
    error = np.mean((x.astype(float) - y) ** 2)
    assert skimage.measure.compare_psnr(x, y) == pytest.approx(10 * np.log10(255 ** 2 / error))


# ---- imageio, h5py, SciPy ----------------------------------------------------------------------------------

@pytest.mark.parametrize('image, expected', [
    (np.array([[0.0, 0.5, 1.0]]), [[0, 127, 255]]),                       # floats of pictures: times 255
    # others: from the least to the largest
    (np.array([[-1.0, 0.0, 1.0]]), [[0, 127, 255]]),
    (np.array([[10, 20, 30]]), [[0, 127, 255]]),
    (np.array([[[7], [9]]], np.uint8), [[7, 9]]),
    (np.array([[256, 65535]], np.uint16), [[1, 255]]),
])
def test_imageio_writes_any_numbers_as_bytes(image, expected, tmp_path):
    from legacy import imageio2
    imageio2.imwrite(str(tmp_path / 'a.bmp'), image)
    assert np.array(Image.open(tmp_path / 'a.bmp')).tolist() == expected


def test_imageio_counts_frames_by_the_second(tmp_path):
    from legacy import imageio2
    frames = [np.full((4, 4, 3), level / 2) for level in range(3)]
    imageio2.mimsave(str(tmp_path / 'fps.gif'), frames, fps=5)
    imageio2.mimsave(str(tmp_path / 'duration.gif'), frames, duration=0.2)
    with imageio2.get_writer(str(tmp_path / 'writer.gif'), mode='I', fps=5) as writer:
        for frame in frames:
            writer.append_data(frame)
    for name in ('fps', 'duration', 'writer'):
        with Image.open(tmp_path / f'{name}.gif') as picture:
            assert (picture.n_frames, picture.info['duration']) == (3, 200), name


def test_h5py_makes_a_file_without_a_mode(tmp_path):
    pytest.importorskip('h5py', reason='h5py comes with Keras; without it no script can use it')
    from legacy import h5py2
    with h5py2.File(str(tmp_path / 'a.h5')) as file:
        file['x'] = [1, 2]
    with h5py2.File(tmp_path / 'a.h5') as file:
        file['y'] = 3
        assert file['x'][()].tolist() == [1, 2] and file.mode == 'r+'


# ---- the table ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize('name, expected', [('tensorflow.contrib.layers.python.layers.layers.batch_norm',
                                             'tf.contrib.layers.batch_norm'),
                                            ('tensorflow.contrib.slim.conv2d', 'tf.contrib.layers.conv2d'),
                                            ('tensorflow.contrib.slim.layers.flatten',
                                             'tf.contrib.layers.flatten'),
                                            ('tensorflow.app.flags', 'tf.flags'), ('numpy.float',
                                                                                   'np.float')])
def test_spellings_lead_to_one_row(name, expected):
    assert symbols.lookup(name).name == expected


def test_every_row_points_at_something():
    import importlib
    for row in symbols.SYMBOLS.values():
        module, _, attribute = row.restore.partition(':')
        if not row.restore or row.restore.startswith('=') or row.restore == 'translate' or module == 'absent':
            continue
        provider = importlib.import_module('legacy.' + module)
        if attribute not in ('MODULE', 'STDLIB') and module != 'python2':
            assert hasattr(provider, attribute), row


# ---- settings in YAML and TOML -----------------------------------------------------------------------------

SETTINGS = """
# GAN settings
TRAIN:
    FLAG: True         # yes
    LR: 1.0e-4
    PRETRAINED: ''
    URL: http://host:80/a
    NOTHING:
handlers: [console, "a, #b", {size: 3}]
'a key':
- 1
- x: 0.5
  y: [[1, 2], []]
-
  z: no
"""


def test_settings_in_yaml_are_read_without_pyyaml():
    from legacy.absent import yaml
    assert yaml.load(SETTINGS) == yaml.safe_load(io.StringIO(SETTINGS)) == {
        'TRAIN': {'FLAG': True, 'LR': 1e-4, 'PRETRAINED': '', 'URL': 'http://host:80/a', 'NOTHING': None},
        'handlers': ['console', 'a, #b', {'size': 3}],
        'a key': [1, {'x': 0.5, 'y': [[1, 2], []]}, {'z': False}]}
    assert yaml.load('') is None and yaml.load('# nothing\n') is None


@pytest.mark.parametrize('text, line', [('a: 1\n  b: 2\n', 'line 2'), ('a: &here 1\n', 'pip install pyyaml'),
                                        ('a: [1, 2\n', 'line 1'), ('a: 1\nb\n', 'line 2')])
def test_other_yaml_is_refused_with_its_line(text, line):
    from legacy.absent import yaml
    with pytest.raises(yaml.YAMLError, match=line):
        yaml.load(text)


def test_what_yaml_writes_it_reads_as_it_was():
    from legacy.absent import oyaml, yaml
    settings = {'z': [1, {'x': '1', 'y': None}, [2, [3]]], 'a': 'yes', 'lr': 1e-5, 'none': [], 'flag': True,
                'path': "it's: #1", 'lines': 'a\nb', 'dash': '- x', 'empty': '',
                'size': np.float32(0.5)}
    assert yaml.load(yaml.dump(settings)) == settings
    assert list(yaml.load(yaml.dump(settings))) == sorted(settings)
    file = io.StringIO()
    assert oyaml.dump(settings, file) is None and list(oyaml.load(file.getvalue())) == list(settings)


def test_an_installed_pyyaml_loads_without_a_loader():
    from types import SimpleNamespace

    from legacy.absent import yaml

    def load(stream, Loader):
        return stream, Loader
    real = SimpleNamespace(load=load, FullLoader='full')
    assert yaml.older(real).load('a: 1') == ('a: 1', 'full')
    assert yaml.older(real).load('a: 1', 'own') == ('a: 1', 'own')


def test_settings_in_toml_are_read(tmp_path):
    from legacy.absent import toml
    (tmp_path / 'cfg').write_text('[segan]\nclean = "data/c"\n')
    with open(tmp_path / 'cfg') as file:
        assert toml.load(tmp_path / 'cfg') == toml.load(file) == {'segan': {'clean': 'data/c'}}


def test_a_wave_file_may_have_a_float_for_its_rate(tmp_path):
    from scipy.io import wavfile
    scipy_misc.wavfile_write(tmp_path / 'a.wav', 16e3, np.int16([1, -1]))
    rate, data = wavfile.read(tmp_path / 'a.wav')
    assert rate == 16000 and data.tolist() == [1, -1]
