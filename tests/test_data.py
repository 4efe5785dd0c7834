"""data.py and loading.py: what is found, in which order it comes, and what reaches the graph."""
import io
import itertools
import os
import subprocess
import sys
import threading
import time
import types
import zipfile

import numpy as np
import pytest
from PIL import Image

import bad_inputs
import data
import loading
from bad_inputs import good_images, image_bytes, write
from errors import UserError
from tf1 import tf

ORDER_OF_RECORD = [0, 2, 9, 1, 8, 5, 4, 3, 6, 7, 5, 3, 7, 8, 2, 4, 1, 0, 6, 9]     # seed 0, two epochs of ten
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DEFAULTS = dict(dataset='faces', data_dir=os.path.join(ROOT, 'data'), input_fname_pattern='*.jpg', pattern_is_default=True,
                input_height=96, input_width=96, output_height=48, output_width=48, crop=False, c_dim='auto',
                train_size=float('inf'), batch_size=64, seed=0, cache_mb=512, max_bad_images=.01, labels='')


def config(dataset='faces', **changes):
    return types.SimpleNamespace(**{**DEFAULTS, 'dataset': str(dataset), **changes})


def small(dataset, **changes):
    """Settings for folders of the tests' 8×6 pictures, which stay as they are."""
    return config(dataset, **{**dict(output_height=6, output_width=8), **changes})


def fetch(dataset, batch_size, steps, seed=3, start_step=0, value_range=(-1, 1), total_steps=None):
    """The first `steps` batches: [(images, y)]."""
    with tf.Graph().as_default():
        images, y = data.batches(dataset, batch_size, seed, start_step, value_range, total_steps)
        with tf.Session() as session:
            return [session.run([images] if y is None else [images, y]) for _ in range(steps)]


def numbers(count, classes=0):
    """A data set whose image i has the single pixel value i."""
    pixels = np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1)
    return data.from_arrays(pixels, np.arange(count) % classes if classes else None, classes)


# ---------------------------------------------------------------- order

@pytest.mark.parametrize('size', [1, 2, 3, 10, 97, 1000])
def test_every_image_once_an_epoch_and_anew_each_epoch(size):
    epochs = [data.order(size, 7, epoch * size, size) for epoch in range(4)]
    for order in epochs:
        assert sorted(order) == list(range(size))
    if size > 3:
        assert len({tuple(order) for order in epochs}) == 4


def test_the_order_depends_on_seed_and_position_alone():
    whole = data.order(10, 5, 0, 1000)
    for first, count in [(0, 1), (3, 4), (8, 5), (9, 31), (997, 3)]:
        np.testing.assert_array_equal(data.order(10, 5, first, count), whole[first:first + count])
    assert tuple(data.order(100, 5, 0, 100)) != tuple(data.order(100, 6, 0, 100))
    assert tuple(data.order(100, -1, 0, 100)) != tuple(data.order(100, 1, 0, 100))


def test_the_order_is_the_one_of_record():
    """A changed order would end the exact resume of runs made before."""
    assert data.order(10, 0, 0, 20).tolist() == ORDER_OF_RECORD


def test_all_permutations_are_equally_likely():
    counts = {}
    for seed in range(6000):
        key = tuple(data.order(3, seed, 0, 3))
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 6 and all(abs(count - 1000) < 150 for count in counts.values())


# ---------------------------------------------------------------- batches

@pytest.mark.parametrize('batch_size', [1, 10, 11, 64])
def test_batches_are_full_and_run_across_epochs(batch_size):
    size = 25
    steps = -(-4 * size // batch_size)
    got = np.concatenate([batch[0].ravel() for batch in fetch(numbers(size), batch_size, steps, value_range=(0, 255))])
    np.testing.assert_array_equal(got, data.order(size, 3, 0, steps * batch_size))


def test_a_resumed_stream_continues_exactly():
    dataset = numbers(30, classes=4)
    whole = fetch(dataset, 8, 12)
    for at in (1, 5, 11):
        for ours, theirs in zip(fetch(dataset, 8, 12 - at, start_step=at), whole[at:]):
            np.testing.assert_array_equal(ours[0], theirs[0])
            np.testing.assert_array_equal(ours[1], theirs[1])


def test_labels_stay_with_their_images_as_one_hot():
    for images, y in fetch(numbers(30, classes=4), 8, 9, value_range=(0, 255)):
        assert y.shape == (8, 4) and y.dtype == np.float32
        np.testing.assert_array_equal(y, np.eye(4)[images.ravel().astype(int) % 4])


@pytest.mark.parametrize('value_range, expected', [((-1, 1), lambda x: x / 127.5 - 1), ((0, 1), lambda x: x / 255),
                                                   ((-.5, .5), lambda x: x / 255 - .5), ((0, 255), lambda x: x)])
def test_values_are_scaled_in_the_graph(value_range, expected):
    images = fetch(numbers(256), 256, 1, value_range=value_range)[0][0].ravel()
    order = data.order(256, 3, 0, 256).astype(np.float64)
    np.testing.assert_allclose(images, expected(order), atol=2e-7 * max(1, value_range[1]))
    assert (images.min(), images.max()) == value_range


def test_float_images_bring_their_own_range():
    pixels = np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 2, 2, 1)
    dataset = data.from_arrays(pixels, value_range=(0, 1))
    images = np.concatenate([batch[0] for batch in fetch(dataset, 3, 1)])
    np.testing.assert_allclose(images, pixels[data.order(3, 3, 0, 3)] * 2 - 1, atol=1e-6)
    np.testing.assert_array_equal(fetch(dataset, 3, 1, value_range=(0, 1))[0][0], pixels[data.order(3, 3, 0, 3)])


def test_shapes_are_static_and_the_stream_ends_at_total_steps():
    dataset = numbers(30, classes=4)
    with tf.Graph().as_default():
        images, y = data.batches(dataset, 8, 0, 2, (-1, 1), total_steps=4)
        assert images.shape.as_list() == [8, 1, 1, 1] and y.shape.as_list() == [8, 4]
        assert (images.dtype, y.dtype) == (tf.float32, tf.float32)
        with tf.Session() as session:
            session.run(images), session.run(images)
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(images)
    with tf.Graph().as_default():
        assert data.batches(numbers(5), 2, 0, 0, (-1, 1))[1] is None


def test_works_with_deterministic_ops_and_leaves_the_graph_seed_alone():
    """In a process of its own: the switch cannot be turned off again everywhere."""
    script = ('from tf1 import tf\nimport tensorflow, numpy as np, data\n'
              'tensorflow.config.experimental.enable_op_determinism()\n'
              'dataset = data.from_arrays(np.arange(9, dtype=np.uint8).reshape(9, 1, 1, 1))\n'
              'x, y = data.batches(dataset, 9, 4, 0, (0, 255))\n'
              'assert tf.get_default_graph().seed is None\n'
              'with tf.Session() as session: got = session.run(x).ravel()\n'
              'assert got.tolist() == data.order(9, 4, 0, 9).tolist()\nprint("same")')
    done = subprocess.run([sys.executable, '-c', script], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == 'same\n', done.stderr[-2000:]


def test_the_stream_waits_without_spinning():
    with tf.Graph().as_default():
        images, _ = data.batches(numbers(30), 8, 0, 0, (-1, 1))
        with tf.Session() as session:
            session.run(images)
            before = time.process_time()
            time.sleep(.6)
            assert time.process_time() - before < .15


def test_from_arrays_checks_what_it_is_given():
    pixels = np.zeros((4, 2, 2, 1), np.uint8)
    for bad in (lambda: data.from_arrays(pixels[0]), lambda: data.from_arrays(pixels[:0]),
                lambda: data.from_arrays(pixels.astype(np.float32)), lambda: data.from_arrays(pixels, value_range=(0, 1)),
                lambda: data.from_arrays(pixels + np.float32(2), value_range=(0, 1)),
                lambda: data.from_arrays(pixels, [0, 1, 2, 3], 3), lambda: data.from_arrays(pixels, [0, 1], 2),
                lambda: data.from_arrays(pixels, [0, 0, 0, -1], 2)):
        with pytest.raises(ValueError, match='images|labels'):
            bad()


# ---------------------------------------------------------------- folders of images

def test_the_command_of_record_on_the_sample_faces():
    dataset = data.open_dataset(config(crop=True))
    assert (dataset.size, dataset.image_shape, dataset.num_classes, dataset.skipped) == (1000, (48, 48, 3), 0, ())
    assert any('1,000 images' in note for note in dataset.notes) and any('c_dim 3' in note for note in dataset.notes)
    indices = np.array([0, 999, 417])
    images, labels = dataset.load(indices)
    assert labels.tolist() == [0, 0, 0] and labels.dtype == np.int32
    for image, i in zip(images, indices):
        with Image.open(os.path.join(ROOT, 'data', 'faces', f'{i:06}.jpg')) as picture:
            expected = np.asarray(picture.convert('RGB').resize((48, 48), Image.Resampling.BILINEAR))
        np.testing.assert_array_equal(image, expected)


@pytest.mark.parametrize('settings, shape', [
    (dict(output_height=80, output_width=512, input_height=80, input_width=512, crop=True), (80, 512, 3)),
    (dict(output_height=47, output_width=33), (47, 33, 3)), (dict(output_height=28, output_width=28, c_dim='1'), (28, 28, 1)),
    (dict(crop=True, input_height=500, input_width=400), (48, 48, 3)), (dict(c_dim=3), (48, 48, 3))])
def test_sizes(settings, shape):
    dataset = data.open_dataset(config(train_size=5, **settings))
    assert dataset.image_shape == shape and dataset.load(np.arange(5))[0].shape == (5, *shape)


def test_eight_bit_grey_bmp_of_80_by_512(tmp_path):
    good_images(tmp_path, 3, '.bmp', mode='L', format='BMP', size=(512, 80))
    dataset = data.open_dataset(config(tmp_path, input_height=80, input_width=512, output_height=80, output_width=512,
                                       input_fname_pattern='*.bmp', pattern_is_default=False, crop=True))
    assert dataset.image_shape == (80, 512, 1) and 'grey' in dataset.notes[-1]


def test_streaming_gives_the_same_images_as_the_cache():
    cached = data.open_dataset(config(crop=True, train_size=100))
    streamed = data.open_dataset(config(crop=True, train_size=100, cache_mb=0))
    assert 'decoded while training' in streamed.notes[-1]
    for ours, theirs in zip(fetch(streamed, 16, 10), fetch(cached, 16, 10)):
        np.testing.assert_array_equal(ours[0], theirs[0])


def test_load_may_be_called_from_many_threads():
    streamed = data.open_dataset(config(cache_mb=0, train_size=60))
    expected = streamed.load(np.arange(60))[0]
    results = [None] * 4
    threads = [threading.Thread(target=lambda k=k: results.__setitem__(k, streamed.load(np.arange(60))[0])) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        np.testing.assert_array_equal(result, expected)


def test_channels_follow_the_files(tmp_path):
    good_images(tmp_path / 'grey', 3, mode='L')
    good_images(tmp_path / 'mixed', 3, mode='L')
    write(tmp_path, 'mixed/z.png', image_bytes(mode='RGBA'))
    write(tmp_path, 'mixed/y.png', image_bytes(mode='P'))
    for folder, c_dim, channels in [('grey', 'auto', 1), ('grey', '3', 3), ('mixed', 'auto', 3), ('mixed', '1', 1)]:
        dataset = data.open_dataset(small(tmp_path / folder, c_dim=c_dim))
        assert dataset.image_shape == (6, 8, channels)
        assert any(f'c_dim {channels}' in note for note in dataset.notes)
    colour = data.open_dataset(small(tmp_path / 'grey', c_dim='3')).load(np.arange(3))[0]
    grey = data.open_dataset(small(tmp_path / 'grey')).load(np.arange(3))[0]
    np.testing.assert_array_equal(colour, grey.repeat(3, -1))


def test_a_colour_image_outside_the_sample_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, 'SAMPLE', 2)
    good_images(tmp_path, 9, mode='L')
    write(tmp_path, '4.png', image_bytes(mode='RGB'))
    dataset = data.open_dataset(small(tmp_path))
    assert dataset.image_shape == (6, 8, 3) and '4.png is in colour' in dataset.notes[-1]


def test_train_size_takes_the_same_subset_for_every_seed_and_all_of_it():
    subsets = []
    for seed in (0, 1):
        dataset = data.open_dataset(config(train_size=40, seed=seed))
        assert dataset.size == 40
        subsets.append(dataset.load(np.arange(40))[0])
    np.testing.assert_array_equal(*subsets)
    assert len({image.tobytes() for image in subsets[0]}) == 40
    everything = data.open_dataset(config()).load(np.arange(1000))[0]
    assert subsets[0].tobytes() != everything[:40].tobytes()            # spread over the folder, not its beginning
    assert data.open_dataset(config(train_size=5000)).size == 1000


def test_unreadable_images_are_skipped_counted_and_named(tmp_path):
    good_images(tmp_path, 9)
    write(tmp_path, '4.png', b'<html>')
    write(tmp_path, '9.png', image_bytes()[:60])
    os.symlink('nowhere', tmp_path / '99.png')
    readable = [0, 1, 2, 3, 5, 6, 7, 8]
    for cache_mb in (512, 0):
        dataset = data.open_dataset(small(tmp_path, max_bad_images=.5, cache_mb=cache_mb))
        batches = fetch(dataset, 5, 10, value_range=(0, 255))
        assert [(os.path.basename(path), reason) for path, reason in dataset.skipped] == [
            ('4.png', 'a web page, not an image'), ('9.png', dataset.skipped[1][1]), ('99.png', 'a link to nothing')]
        seen = {image.astype(np.uint8).tobytes() for batch in batches for image in batch[0]}
        assert seen == {np.asarray(Image.open(tmp_path / f'{i}.png')).tobytes() for i in readable}
        again = fetch(data.open_dataset(small(tmp_path, max_bad_images=.5, cache_mb=cache_mb)), 5, 10, value_range=(0, 255))
        assert all((a[0] == b[0]).all() for a, b in zip(batches, again))
    assert any('3 of 11 images' in note for note in data.open_dataset(small(tmp_path, max_bad_images=.5)).notes)


def test_too_many_unreadable_images_stop_a_streamed_run(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, 'SAMPLE', 1)
    good_images(tmp_path, 20)
    for i in (5, 6, 7, 8):
        write(tmp_path, f'{i}.png', b'')
    dataset = data.open_dataset(small(tmp_path, max_bad_images=.1, cache_mb=0))
    dataset.check()
    with pytest.raises(tf.errors.OpError):
        fetch(dataset, 5, 20)
    with pytest.raises(UserError, match='3 of 20 images cannot be read .*--max_bad_images'):
        dataset.check()


def test_fewer_images_than_a_batch(tmp_path):
    good_images(tmp_path, 3)
    batch = fetch(data.open_dataset(small(tmp_path)), 8, 1)[0][0]
    assert batch.shape == (8, 6, 8, 3) and len({image.tobytes() for image in batch}) == 3


def test_patterns_typed_and_not_typed(tmp_path):
    good_images(tmp_path, 3)
    write(tmp_path, 'sub/9.WEBP', bad_inputs.WEBP)
    write(tmp_path, 'LICENSE.md', 'words')
    assert data.open_dataset(small(tmp_path)).size == 4
    assert any('not given' in note for note in data.open_dataset(small(tmp_path)).notes)
    typed = small(tmp_path, pattern_is_default=False, input_fname_pattern='*.webp')
    assert data.open_dataset(typed).size == 1


def test_where_a_data_set_is_looked_for(tmp_path, monkeypatch):
    good_images(tmp_path / 'data' / 'pets', 2)
    good_images(tmp_path / 'here' / 'pets', 3)
    monkeypatch.chdir(tmp_path / 'here')
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.setenv('PETS', str(tmp_path / 'data'))
    size = lambda dataset, data_dir: data.open_dataset(small(dataset, data_dir=data_dir)).size
    assert size('pets', str(tmp_path / 'data')) == 2
    assert size('pets', '~/data') == 2
    assert size('pets', '$PETS') == 2
    assert size('~/data/pets', 'nowhere') == 2
    assert size('pets/', str(tmp_path / 'data')) == 2
    assert size('./pets', str(tmp_path / 'data')) == 3
    assert size('pets', 'nowhere') == 3


@pytest.mark.parametrize('dataset, words', [
    ('pest', ['--dataset pest', 'did you mean --dataset pets', 'has cats, pets']), ('celebA', ['python download.py celebA']),
    ('pets/a.txt', ['neither a folder nor a zip']), ('', ['--dataset is empty']), ('a\0b', ['a\\x00b'])])
def test_a_missing_data_set_is_one_helpful_line(tmp_path, dataset, words):
    good_images(tmp_path / 'pets', 2)
    good_images(tmp_path / 'cats', 2)
    write(tmp_path, 'pets/a.txt', 'x')
    with pytest.raises(UserError) as caught:
        data.open_dataset(small(dataset, data_dir=str(tmp_path)))
    assert all(word in str(caught.value) for word in words) and '\n' not in str(caught.value)
    with pytest.raises(UserError, match='--data_dir .*nowhere'):
        data.open_dataset(small('pest', data_dir=str(tmp_path / 'nowhere')))


@pytest.mark.parametrize('name', bad_inputs.FOLDERS)
def test_a_hopeless_folder_is_one_helpful_line(name, tmp_path, monkeypatch):
    make, settings, words = bad_inputs.FOLDERS[name]
    folder = tmp_path / 'set'
    folder.mkdir()
    make(folder)
    monkeypatch.chdir(tmp_path)
    before = sorted(os.listdir(folder))
    start = time.monotonic()
    with pytest.raises(UserError) as caught:
        data.open_dataset(small(folder, **{'pattern_is_default': 'input_fname_pattern' not in settings, **settings}))
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert '\n' not in message and str(folder) in message or '--' in message
    assert sorted(os.listdir(folder)) == before and os.listdir(tmp_path) == ['set']
    assert time.monotonic() - start < 5


# ---------------------------------------------------------------- labels and other formats

def test_labels_of_folders_and_csv(tmp_path):
    for i, kind in enumerate(['cat', 'dog', 'cat']):
        write(tmp_path, f'{kind}/{i}.png', image_bytes(seed=i))
    write(tmp_path, 'by.csv', '0.png,b\n1.png,a\n')
    dataset = data.open_dataset(small(tmp_path, labels='folder'))
    assert (dataset.num_classes, dataset.class_names) == (2, ('cat', 'dog'))
    assert dataset.load(np.arange(3))[1].tolist() == [0, 0, 1]
    for cache_mb, path in itertools.product((512, 0), ('by.csv', str(tmp_path / 'by.csv'))):
        dataset = data.open_dataset(small(tmp_path, labels=path, cache_mb=cache_mb))
        assert dataset.size == 2 and dataset.class_names == ('a', 'b')
        images, labels = dataset.load(np.arange(2))
        assert labels.tolist() == [1, 0]
        np.testing.assert_array_equal(images[0], np.asarray(Image.open(tmp_path / 'cat' / '0.png')))
        assert any('1 images have no label' in note for note in dataset.notes)


def test_labels_stay_right_when_images_are_skipped(tmp_path):
    for i in range(6):
        write(tmp_path, f'{"ab"[i % 2]}/{i}.png', image_bytes(seed=i) if i != 2 else b'')
    for cache_mb in (512, 0):
        dataset = data.open_dataset(small(tmp_path, labels='folder', max_bad_images=.5, cache_mb=cache_mb))
        images, labels = dataset.load(np.arange(dataset.size))
        for image, label in zip(images, labels):
            i = next(i for i in range(6) if i != 2 and (image == np.asarray(Image.open(tmp_path / 'ab'[i % 2] / f'{i}.png'))).all())
            assert label == i % 2


def test_mnist_by_name():
    dataset = data.open_dataset(config('mnist', output_height=28, output_width=28, labels='builtin'))
    assert dataset.image_shape == (28, 28, 1) and dataset.num_classes == 10 and dataset.class_names[7] == '7'
    assert dataset.size >= 10_000
    unlabelled = data.open_dataset(config('mnist', output_height=28, output_width=28))
    assert unlabelled.num_classes == 0
    wide = data.open_dataset(config('mnist', output_height=32, output_width=32, c_dim='3', train_size=20))
    assert wide.image_shape == (32, 32, 3)
    images = unlabelled.load(np.arange(5))[0]
    expected = np.asarray(Image.fromarray(images[0, ..., 0]).resize((32, 32), Image.Resampling.BILINEAR))
    resized = data.open_dataset(config('mnist', output_height=32, output_width=32, cache_mb=0)).load(np.arange(1))[0]
    np.testing.assert_array_equal(resized[0, ..., 0], expected)


def test_cifar_and_fashion_class_names(tmp_path):
    write(tmp_path, 'c/data_batch_1.bin', bad_inputs.cifar_bin(label=9))
    dataset = data.open_dataset(config(tmp_path / 'c', output_height=32, output_width=32, labels='builtin'))
    assert dataset.class_names[dataset.load(np.arange(1))[1][0]] == 'truck' and dataset.image_shape == (32, 32, 3)
    folder = tmp_path / 'fashion'
    folder.mkdir()
    bad_inputs.idx()(folder)
    assert data.open_dataset(small(folder, labels='builtin')).class_names[9] == 'Ankle boot'


def test_celeba_zip_as_downloaded_with_its_attributes(tmp_path):
    with zipfile.ZipFile(tmp_path / 'img_align_celeba.zip', 'w') as archive:
        for i in (1, 2, 3):
            archive.writestr(f'img_align_celeba/00000{i}.jpg', image_bytes(format='JPEG', seed=i))
    write(tmp_path, 'list_attr_celeba.txt', '3\nMale Smiling\n000001.jpg 1 -1\n000002.jpg -1 -1\n000003.jpg -1 1\n')
    dataset = data.open_dataset(small(tmp_path, labels='builtin'))
    assert dataset.class_names == ('not_Male', 'Male') and dataset.load(np.arange(3))[1].tolist() == [1, 0, 0]
    dataset = data.open_dataset(small(tmp_path, labels='Smiling, Male'))
    assert dataset.num_classes == 4 and dataset.class_names[dataset.load(np.arange(3))[1][2]] == 'Smiling not_Male'
    by_file = data.open_dataset(small(tmp_path / 'img_align_celeba.zip'))
    expected = np.asarray(Image.open(io.BytesIO(image_bytes(format='JPEG', seed=2))))
    np.testing.assert_array_equal(by_file.load(np.array([1]))[0][0], expected)


def test_lsun_by_name(tmp_path):
    from test_readers import lmdb_folder
    for kind in ('kitchen', 'tower'):
        lmdb_folder(tmp_path / f'{kind}_val_lmdb', [image_bytes(format='WEBP', lossless=True)] * 2)
    dataset = data.open_dataset(small(tmp_path, labels='builtin', cache_mb=0))
    assert dataset.class_names == ('kitchen', 'tower') and dataset.load(np.arange(4))[1].tolist() == [0, 0, 1, 1]
    with pytest.raises(UserError, match='only one category, tower'):
        data.open_dataset(small(tmp_path / 'tower_val_lmdb', labels='builtin'))


def test_the_sample_is_taken_in_a_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, 'SAMPLE_SECONDS', .2)
    good_images(tmp_path, 40)
    slow = loading.readers.FolderSource.picture
    monkeypatch.setattr(loading.readers.FolderSource, 'picture', lambda self, i: (time.sleep(.05), slow(self, i))[1])
    start = time.monotonic()
    data.open_dataset(small(tmp_path, cache_mb=0))
    assert time.monotonic() - start < 1.5
