import dataclasses
import json
import os
import re
import shutil
import tempfile
import threading

import numpy as np
import pytest
from PIL import Image

import checkpoints
import data
import main
import model
import plugins
import runs
import sampling
from config import Config
from errors import UserError
from tf1 import tf

SIZES = dict(output_height=8, output_width=12, z_dim=5, gf_dim=2, df_dim=2, c_dim=3)


def settings(plugin='dcgan', **changes):
    """A Config as a run has it: channels and classes are numbers."""
    values = {**SIZES, **changes}
    cfg = Config(plugin=plugin, dataset='faces', **{**values, 'c_dim': 'auto', 'y_dim': 0}).resolved()
    return dataclasses.replace(cfg, c_dim=values['c_dim'], y_dim=values.get('y_dim', 0))


def random_weights(sess, variables):
    """Weights large enough for pictures that differ, averages of batch norm away from 0 and 1."""
    rng = np.random.default_rng(0)
    for variable in sorted(variables, key=lambda variable: variable.op.name):
        positive = variable.op.name.endswith(('gamma', 'moving_variance'))
        shape = variable.shape.as_list()
        variable.load(rng.uniform(0.5, 2, shape) if positive else rng.normal(0, 0.5, shape), sess)


def make_sampler(cfg, with_discriminator=True):
    return sampling.Sampler(cfg, plugins.load(cfg.plugin), random_weights, with_discriminator)


_made = {}      # runs are copies of one that was made once


def make_run(folder, step=20, class_names=(), record=True, **changes):
    """A run with one checkpoint, as training leaves it: <folder>/run. Returns its Config."""
    cfg = settings(**changes)
    if cfg not in _made:
        _made[cfg] = tempfile.TemporaryDirectory()
        run = runs.at(os.path.join(_made[cfg].name, 'run'), cfg)
        runs.create(run)
        with make_sampler(cfg) as sampler, sampler.graph.as_default():
            checkpoints.save(sampler.sess, tf.train.Saver(sampler.variables), run.checkpoint_dir, cfg.batch_size, step)
        images = np.zeros((max(1, len(class_names)), cfg.output_height, cfg.output_width, cfg.c_dim), np.uint8)
        labels = np.arange(len(class_names)) if class_names else None
        dataset = data.from_arrays(images, labels, len(class_names))
        runs.write_record(run, cfg, dataclasses.replace(dataset, class_names=class_names), {})
    shutil.copytree(os.path.join(_made[cfg].name, 'run'), folder / 'run')
    if not record:
        os.remove(folder / 'run' / 'config.json')
    return cfg


def show(folder, *arguments):
    """main.py without --train on the run in `folder`; no data are there."""
    return main.main(['--out_dir', str(folder), '--out_name', 'run', '--dataset', 'faces', '--data_dir', str(folder / 'no'),
                      *map(str, arguments)])


def read(path):
    with Image.open(path) as picture:
        return np.asarray(picture)


def cells(grid, rows, columns):
    """[rows*H, columns*W(, C)] → [rows*columns, H, W(, C)]."""
    height, width = grid.shape[0] // rows, grid.shape[1] // columns
    return np.stack([grid[row * height:(row + 1) * height, column * width:(column + 1) * width]
                     for row in range(rows) for column in range(columns)])


# ------------------------------------------------------------------------------------------------ z

def test_z_of_a_seed_is_the_same_for_ever():
    """If these values changed with a version of NumPy, old seeds would show other pictures."""
    assert sampling.draw_z('uniform_signed', 2, 3, seed=7).ravel().tolist() == [
        0.7441468238830566, -0.4092693328857422, -0.15980470180511475, -0.1892155408859253, -0.8343147039413452, 0.3932657241821289]
    assert np.allclose(sampling.draw_z('normal01', 2, 3, seed=7).ravel(), [
        -0.57024986, 1.9461275, -0.86485815, 0.5846464, -0.13685101, -0.39271396], atol=1e-6)


def test_z_is_computed_from_philox_words_as_documented():
    words = np.random.Philox(key=np.array([7, 2], np.uint64)).random_raw(10)
    uniform = (words >> np.uint64(40)) / 2 ** 24
    assert np.array_equal(sampling.draw_z('uniform_unsigned', 2, 5, 7, stream=2).ravel(), uniform.astype(np.float32))
    assert np.array_equal(sampling.draw_z('uniform_signed', 2, 5, 7, stream=2).ravel(), (2 * uniform - 1).astype(np.float32))
    radius, angle = np.sqrt(-2 * np.log(1 - uniform[0::2])), 2 * np.pi * uniform[1::2]
    normal = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()
    assert np.allclose(sampling.draw_z('normal01', 2, 5, 7, stream=2).ravel(), normal, atol=1e-6)


@pytest.mark.parametrize('z_dist', ['uniform_signed', 'uniform_unsigned', 'normal01'])
def test_more_rows_go_on_where_fewer_ended(z_dist):
    long = sampling.draw_z(z_dist, 1_200_001, 1, seed=3)      # more than one piece, and an odd number
    assert long.dtype == np.float32
    for count in (1, 2, 3, 64, 2 ** 20 - 1, 2 ** 20 + 1):
        assert np.array_equal(sampling.draw_z(z_dist, count, 1, seed=3), long[:count])
    assert np.array_equal(sampling.draw_z(z_dist, 5, 7, seed=3).ravel(), long[:35, 0])


@pytest.mark.parametrize('z_dist, low, high, mean, deviation', [
    ('uniform_signed', -1, 1, 0, 3 ** -0.5), ('uniform_unsigned', 0, 1, 0.5, 12 ** -0.5), ('normal01', -7, 7, 0, 1)])
def test_z_has_its_distribution(z_dist, low, high, mean, deviation):
    z = sampling.draw_z(z_dist, 2000, 100, seed=1)
    assert low <= z.min() and z.max() <= high
    assert abs(z.mean() - mean) < 0.01 and abs(z.std() - deviation) < 0.01
    correlation = np.corrcoef(z[:, :20].T)
    assert np.abs(correlation - np.eye(20)).max() < 0.1
    if z_dist == 'normal01':
        assert abs((np.abs(z) < 1).mean() - 0.6827) < 0.005 and abs((z ** 4).mean() - 3) < 0.1


def test_seeds_and_streams_differ():
    draws = [sampling.draw_z('uniform_signed', 3, 4, seed, stream) for seed in (0, 1, 2) for stream in (0, 1, 2)]
    assert len({draw.tobytes() for draw in draws}) == 9
    with pytest.raises(ValueError, match='normal'):
        sampling.draw_z('normal', 1, 1, 0)


def test_reading_z(tmp_path):
    path = str(tmp_path / 'z.npy')
    for dtype in (np.float64, np.float32, np.float16, np.int32):
        z = np.arange(10).reshape(2, 5).astype(dtype)
        np.save(path, z)
        assert sampling.read_z(path, 5).dtype == np.float32 and np.array_equal(sampling.read_z(path, 5), z)


BAD_Z = {
    'missing': (None, 'No such file'),
    'text': (b'1 2 3\n', 'not a .npy file'),
    'empty': (b'', 'not a .npy file'),
    'pickled': (np.array([{}], object), 'not a .npy file'),
    'vector': (np.zeros(5), r'shape \[5\]'),
    'another width': (np.zeros((2, 4)), r'shape \[2, 4\]'),
    'no rows': (np.zeros((0, 5)), r'shape \[0, 5\]'),
    'complex': (np.zeros((2, 5), complex), 'complex128'),
    'text array': (np.full((2, 5), 'x'), '<U1'),
    'not finite': (np.array([[0.0] * 5, [np.inf] + [0.0] * 4]), 'row 1 is not finite'),
}


@pytest.mark.parametrize('name', BAD_Z)
def test_bad_z_files_are_one_clear_line(tmp_path, name):
    content, reason = BAD_Z[name]
    path = tmp_path / 'z.npy'
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(UserError, match=reason) as error:
        sampling.read_z(str(path), 5)
    assert str(path) in str(error.value) and '[N, 5]' in str(error.value) and '\n' not in str(error.value)


def test_an_archive_of_arrays_is_no_z_file(tmp_path):
    np.savez(tmp_path / 'z.npz', z=np.zeros((2, 5)))
    with pytest.raises(UserError, match='several arrays'):
        sampling.read_z(str(tmp_path / 'z.npz'), 5)


# ------------------------------------------------------------------------------------------------ labels and ranges

def test_a_grid_has_a_row_a_class():
    assert sampling.grid_shape(64) == (8, 8)
    assert sampling.grid_shape(64, y_dim=10) == (10, 7)
    assert sampling.grid_shape(64, y_dim=10, class_index=3) == (8, 8)
    assert sampling.grid_shape(9, y_dim=10) == (3, 3)
    labels = sampling.labels_for_grid(10, 70).argmax(1).reshape(10, 7)
    assert np.array_equal(labels, np.repeat(np.arange(10)[:, None], 7, 1))


def test_labels_of_other_grids():
    assert sampling.labels_for_grid(0, 64) is None
    assert sampling.labels_for_grid(3, 4, class_index=2).tolist() == [[0, 0, 1]] * 4
    assert sampling.labels_for_grid(3, 12, columns=2).argmax(1).tolist() == [0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2]
    assert sampling.labels_for_grid(10, 4).argmax(1).tolist() == [0, 1, 2, 3]
    assert sampling.labels_for_grid(3, 4).dtype == np.float32


def test_the_fixed_sample_of_training():
    z, y, columns = sampling.fixed_sample(settings(batch_size=11))
    assert (z.shape, y, columns) == ((11, 5), None, 4)
    z, y, columns = sampling.fixed_sample(settings(batch_size=256))
    assert (z.shape, columns) == ((64, 5), 8)
    z, y, columns = sampling.fixed_sample(settings(batch_size=64, y_dim=10))
    assert (z.shape, y.shape, columns) == ((70, 5), (70, 10), 7)
    z, y, columns = sampling.fixed_sample(settings(grid='2x5', z_dist='normal01'))
    assert (z.shape, columns) == ((10, 5), 5) and np.array_equal(z, sampling.draw_z('normal01', 10, 5, 0))


def test_scaling_between_ranges():
    assert sampling.scaled(np.array([0, 51, 255], np.uint8), (0, 255), (-1, 1)).tolist() == [-1, pytest.approx(-0.6), 1]
    assert sampling.scaled(np.array([-1.0, 1.0]), (-1, 1), (0, 1)).tolist() == [0, 1]


def test_a_class_by_number_or_name():
    names = ('cat', 'Dog')
    assert sampling.class_number('', 0) is None
    assert sampling.class_number('1', 2, names) == 1 and sampling.class_number('dog', 2, names) == 1
    assert sampling.class_number('7', 10) == 7
    assert sampling.class_number('7', 3, ('5', '6', '7')) == 2       # a name wins over a number
    for name, y_dim, expected in (('2', 2, '0 to 1 or one of cat, Dog'), ('dgo', 2, 'did you mean dog'), ('x', 10, '0 to 9'),
                                  ('-1', 10, '0 to 9'), ('3', 0, 'not conditional')):
        with pytest.raises(UserError, match=expected):
            sampling.class_number(name, y_dim, names if y_dim == 2 else ())


# ------------------------------------------------------------------------------------------------ Sampler

@pytest.fixture(scope='module')
def sampler():
    with make_sampler(settings()) as made:
        yield made


@pytest.fixture(scope='module')
def conditional():
    with make_sampler(settings(y_dim=3)) as made:
        yield made


def test_images_do_not_depend_on_how_many_are_made_at_once(sampler):
    z = sampling.draw_z('uniform_signed', 2 * sampling.BATCH + 3, 5, 0)
    images = sampler.images(z)
    assert images.shape == (len(z), 8, 12, 3) and images.dtype == np.float32
    assert images.std(0).mean() > 0.1                       # they differ
    one_by_one = np.concatenate([sampler.images(z[number:number + 1]) for number in (0, 63, 64, len(z) - 1)])
    assert np.abs(images[[0, 63, 64, len(z) - 1]] - one_by_one).max() < 1e-5


def test_node_names_are_upstreams(sampler):
    assert (sampler.z.op.name, sampler.output.op.name) == ('z', 'generator_1/Tanh')
    assert {name.split('/')[0] for name in (variable.op.name for variable in sampler.variables)} == {'generator', 'discriminator'}


def test_a_sampler_is_the_sampler_of_the_training_graph(sampler):
    cfg = sampler.cfg
    dataset = data.from_arrays(np.zeros((4, 8, 12, 3), np.uint8))
    z = sampling.draw_z('uniform_signed', 4, 5, 0)
    with tf.Graph().as_default(), tf.Session() as sess:
        gan = model.DCGAN.from_config(sess, dataclasses.replace(cfg, batch_size=4), sampler.plugin, dataset)
        sess.run(tf.global_variables_initializer())
        random_weights(sess, [variable for variable in tf.global_variables()
                              if variable.op.name in {own.op.name for own in sampler.variables}])
        images = sess.run(gan.sampler, {gan.z: z})
        with sampling.Sampler.from_session(cfg, sampler.plugin, sess) as copied:
            assert np.abs(copied.images(z) - images).max() < 1e-6
    assert np.abs(sampler.images(z) - images).max() < 1e-6


def test_scores_are_the_logits_of_d_in_inference_mode(sampler):
    z = sampling.draw_z('uniform_signed', 70, 5, 0)
    scores = sampler.scores(z)
    with sampler.graph.as_default():
        direct = sampler.sess.run(sampler.logits, {sampler.images_in: sampler.images(z)})
    assert scores.shape == (70,) and np.allclose(scores, direct[:, 0], rtol=1e-5, atol=1e-5)
    assert np.allclose(sampler.scores(z[:1]), scores[:1], rtol=1e-5, atol=1e-5)      # not a matter of the batch


def test_labels_change_the_images(conditional):
    z = np.repeat(sampling.draw_z('uniform_signed', 1, 5, 0), 3, 0)
    images = conditional.images(z, np.eye(3))
    assert np.abs(images[0] - images[1]).mean() > 1e-3 and conditional.scores(z, np.eye(3)).shape == (3,)


class ScoredByFirst:
    """A sampler whose D likes the first element of z."""

    def scores(self, z, y=None):
        return z[:, 0]


def test_the_best_are_those_that_d_scores_highest():
    z = np.array([3, 9, 1, 7, 5, 8], float)[:, None]
    assert sampling.best_of(ScoredByFirst(), z, None, 3).tolist() == [1, 5, 3]
    wanted, offered = np.eye(2)[[0, 1, 0]], np.eye(2)[[0, 1, 0, 1, 0, 1]]
    assert sampling.best_of(ScoredByFirst(), z, wanted, 3, offered).tolist() == [4, 1, 0]


def test_a_checkpoint_of_another_size_is_refused_with_a_table(tmp_path):
    make_run(tmp_path)
    found = checkpoints.located(str(tmp_path / 'run'))[-1]
    with pytest.raises(UserError, match='generator/g_h4/biases'):
        sampling.Sampler.from_checkpoint(settings(c_dim=1), plugins.load('dcgan'), found)


# ------------------------------------------------------------------------------------------------ writers and walks

def test_writers_finish_everything_and_bound_what_waits():
    done, running, gate = [], threading.Semaphore(0), threading.Event()

    def job(number):
        running.release()
        gate.wait(5)
        done.append(number)

    with sampling.Writers() as writers:
        for number in range(2 * sampling.WRITERS):
            writers.submit(job, number)
        blocked = threading.Thread(target=writers.submit, args=(job, -1))
        blocked.start()
        blocked.join(0.1)
        assert blocked.is_alive() and not done
        gate.set()
        blocked.join(5)
    assert sorted(done) == [-1, *range(2 * sampling.WRITERS)]


def test_writers_raise_what_a_job_raised():
    def fails():
        raise UserError('disk full')

    with pytest.raises(UserError, match='disk full'):
        with sampling.Writers() as writers:
            writers.submit(fails)


class Recorder:
    """Stands for a generator: its images show the sum of z, and it remembers what it was fed."""

    def __init__(self):
        self.z, self.y = [], []

    def images(self, z, y):
        self.z.append(np.array(z))
        self.y.append(y)
        return np.tile(np.tanh(np.asarray(z).sum(1))[:, None, None, None], (1, 4, 6, 1))

    def walk(self, count=6, z_dim=3, **changes):
        draw = lambda count, stream: sampling.draw_z('normal01', count, z_dim, 1, stream)
        values = dict(images=self.images, draw=draw, z_dim=z_dim, y_dim=0, count=count, shape=(2, 3), value_range=(-1, 1))
        return sampling.Walk(**{**values, **changes})


def test_walk_moves_one_dimension_of_random_z_over_0_to_1(tmp_path):
    recorder = Recorder()
    assert recorder.walk().write('walk', str(tmp_path)) == 3
    assert sorted(os.listdir(tmp_path)) == ['test_arange_0.png', 'test_arange_1.png', 'test_arange_2.png']
    for dimension, z in enumerate(recorder.z):
        assert np.allclose(z[:, dimension], np.arange(6) / 6)
        others = np.delete(z, dimension, 1)
        assert np.array_equal(others, np.delete(sampling.draw_z('normal01', 6, 3, 1, dimension + 1), dimension, 1))
        shown = cells(read(tmp_path / f'test_arange_{dimension}.png'), 2, 3)
        assert np.abs(shown[:, 0, 0] - (np.tanh(z.sum(1)) + 1) * 127.5).max() <= 0.51


def test_walk_gif_keeps_one_z_and_visits_every_dimension_once(tmp_path):
    recorder = Recorder()
    recorder.walk(z_dim=30).write('walk_gif', str(tmp_path))
    assert len(os.listdir(tmp_path)) == 30
    visited = [int(np.argmax(z.std(0))) for z in recorder.z]
    assert sorted(visited) == list(range(30)) and visited != list(range(30))
    fixed = sampling.draw_z('normal01', 1, 30, 1)[0]
    for dimension, z in zip(visited, recorder.z):
        assert np.allclose(np.delete(z, dimension, 1), np.delete(fixed, dimension))
        assert np.allclose(z[:, dimension], np.arange(6) / 6)


def test_zero_gif_starts_from_zero(tmp_path):
    recorder = Recorder()
    recorder.walk().write('zero_gif', str(tmp_path))
    for dimension, z in enumerate(recorder.z):
        expected = np.zeros((6, 3))
        expected[:, dimension] = np.arange(6) / 6
        assert np.allclose(z, expected)
        with Image.open(tmp_path / f'test_gif_{dimension}.gif') as picture:
            assert (picture.n_frames, picture.size) == (6, (6, 4))


def test_merged_gif_goes_there_and_back_over_all_dimensions(tmp_path):
    recorder = Recorder()
    assert recorder.walk().write('merged_gif', str(tmp_path)) == 4
    with Image.open(tmp_path / 'test_gif_merged.gif') as picture:
        frames, seconds = [], 0
        for number in range(picture.n_frames):
            picture.seek(number)
            frames.append(np.asarray(picture.convert('L')))
            seconds += picture.info['duration'] / 1000
    assert seconds == pytest.approx(8, abs=0.2)
    middle = len(frames) // 2               # the turning point is one frame that lasts twice as long
    assert len(frames) == 11
    for there, back in zip(frames[:middle], frames[:middle:-1]):
        assert np.array_equal(there, back)
    shown = cells(frames[middle], 2, 2)[:3, 0, 0]
    assert np.abs(shown - (np.tanh(5 / 6) + 1) * 127.5).max() <= 0.51


def test_walks_show_classes(tmp_path):
    recorder = Recorder()
    recorder.walk(y_dim=2).write('walk', str(tmp_path))
    assert [y.argmax(1).tolist() for y in recorder.y] == [[0, 0, 0, 1, 1, 1]] * 3
    recorder = Recorder()
    recorder.walk(y_dim=2).write('zero_gif', str(tmp_path))
    assert [y.argmax(1).tolist() for y in recorder.y] == [[0] * 6, [1] * 6, [0] * 6]
    recorder = Recorder()
    recorder.walk(y_dim=2, class_index=1).write('merged_gif', str(tmp_path))
    assert all(y.argmax(1).tolist() == [1] * 6 for y in recorder.y)


# ------------------------------------------------------------------------------------------------ commands

def test_without_train_a_grid_is_always_written(tmp_path, capsys):
    cfg = make_run(tmp_path, z_dist='normal01', batch_size=11, seed=4)
    assert show(tmp_path) == 0
    out = capsys.readouterr().out
    assert 'model.b11-20' in out and 'step 20' in out and 'test_20.png' in out
    with make_sampler(cfg) as made:
        images = made.images(sampling.draw_z('normal01', 64, 5, seed=4))
    shown = cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 8, 8)
    assert np.abs(shown - (images + 1) * 127.5).max() <= 0.51


def test_single_images_are_the_grids_and_more(tmp_path, capsys):
    make_run(tmp_path)
    assert show(tmp_path, '--generate_test_images', 130, '--grid', '4x6') == 0
    folder = tmp_path / 'run' / 'samples' / 'test_20'
    assert sorted(os.listdir(folder)) == [f'{number:05d}.png' for number in range(130)]
    grid = cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 4, 6)
    assert np.array_equal(grid, np.stack([read(folder / f'{number:05d}.png') for number in range(24)]))
    assert len({read(path).tobytes() for path in folder.iterdir()}) == 130
    assert show(tmp_path, '--generate_test_images', 3) == 0
    assert 'beside 127 older ones' in capsys.readouterr().out


def test_a_seed_repeats_and_another_differs(tmp_path):
    make_run(tmp_path)
    path, seen = tmp_path / 'run' / 'samples' / 'test_20.png', []
    for arguments in ([], ['--seed', 0], ['--seed', 5], ['--seed', 5]):
        assert show(tmp_path, *arguments) == 0
        seen.append(path.read_bytes())
    assert seen[0] == seen[1] != seen[2] == seen[3]


def test_z_from_a_file(tmp_path, capsys):
    cfg = make_run(tmp_path)
    z = np.random.default_rng(0).normal(size=(5, 5))
    np.save(tmp_path / 'z.npy', z)
    assert show(tmp_path, '--z_file', tmp_path / 'z.npy', '--generate_test_images', 5) == 0
    with make_sampler(cfg) as made:
        images = made.images(z)
    written = np.stack([read(tmp_path / 'run' / 'samples' / 'test_20' / f'0000{number}.png') for number in range(5)])
    assert np.abs(written - (images + 1) * 127.5).max() <= 0.51
    grid = cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 2, 3)
    assert np.array_equal(grid[:5], written) and not grid[5].any()
    assert 'seed' not in capsys.readouterr().out


def test_search_keeps_what_d_likes_best(tmp_path):
    cfg = make_run(tmp_path)
    assert show(tmp_path, '--generate_test_images', 6, '--search', 40) == 0
    candidates = sampling.draw_z('uniform_signed', 40, 5, 0)
    with make_sampler(cfg) as made:
        best = np.argsort(-made.scores(candidates))[:6]
        images = made.images(candidates[best])
    grid = cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 2, 3)
    assert np.abs(grid - (images + 1) * 127.5).max() <= 0.51


def test_conditional_pictures_have_a_row_a_class_and_can_keep_to_one(tmp_path, capsys):
    names = ('zero', 'one', 'two')
    cfg = make_run(tmp_path, y_dim=3, class_names=names, labels='folder')
    z = sampling.draw_z('uniform_signed', 66, 5, 0)
    with make_sampler(cfg) as made:
        rows = made.images(z, np.eye(3)[np.repeat([0, 1, 2], 22)])
        twos = made.images(z[:64], np.eye(3)[[2] * 64])
    assert show(tmp_path) == 0
    assert np.abs(cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 3, 22) - (rows + 1) * 127.5).max() <= 0.51
    for name in ('two', '2'):
        assert show(tmp_path, '--class', name) == 0
        assert np.abs(cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 8, 8) - (twos + 1) * 127.5).max() <= 0.51
    assert show(tmp_path, '--generate_test_images', 4, '--search', 30) == 0
    assert len(os.listdir(tmp_path / 'run' / 'samples' / 'test_20')) == 4
    assert show(tmp_path, '--class', 'tow') == 1
    assert 'did you mean two' in capsys.readouterr().err


def test_the_command_of_a_user_who_wanted_a_thousand_images(tmp_path):
    """--visualize True --batch_size=1 --option=1 --generate_test_images 1000 (with fewer here: it is the same path)."""
    make_run(tmp_path)
    assert show(tmp_path, '--visualize', 'True', '--batch_size=1', '--option=1', '--generate_test_images', 100) == 0
    samples = tmp_path / 'run' / 'samples'
    assert len(os.listdir(samples / 'test_20')) == 100
    assert sorted(os.listdir(samples)) == ['test_20', 'test_20.png', *(f'test_arange_{number}.png' for number in range(5))]
    assert all(read(samples / f'test_arange_{number}.png').shape == (8, 12, 3) for number in range(5))


@pytest.mark.parametrize('option, count', [('0', 0), ('walk', 5), ('2', 5), ('zero_gif', 5), ('4', 6)])
def test_visualize_options(tmp_path, option, count):
    make_run(tmp_path, batch_size=4)
    assert show(tmp_path, '--visualize', '--option', option) == 0
    assert len(os.listdir(tmp_path / 'run' / 'samples')) == 1 + count


def test_walks_take_the_z_and_the_grid_that_are_given(tmp_path):
    cfg = make_run(tmp_path)
    z = np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)
    np.save(tmp_path / 'z.npy', z)
    assert show(tmp_path, '--visualize', '--option', 'walk', '--grid', '2x3', '--z_file', tmp_path / 'z.npy') == 0
    z[:, 4] = np.arange(6) / 6
    with make_sampler(cfg) as made:
        images = made.images(z)
    shown = cells(read(tmp_path / 'run' / 'samples' / 'test_arange_4.png'), 2, 3)
    assert np.abs(shown - (images + 1) * 127.5).max() <= 0.51


def test_grey_models_make_grey_files_with_true_values(tmp_path):
    cfg = make_run(tmp_path, c_dim=1)
    assert show(tmp_path, '--generate_test_images', 2) == 0
    with Image.open(tmp_path / 'run' / 'samples' / 'test_20' / '00000.png') as picture:
        assert (picture.mode, picture.size) == ('L', (12, 8))
    with make_sampler(cfg) as made:
        images = made.images(sampling.draw_z('uniform_signed', 64, 5, 0))[..., 0]
    assert np.abs(cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 8, 8) - (images + 1) * 127.5).max() <= 0.51


def test_digits_of_a_sigmoid_have_their_own_black(tmp_path):
    """Not through (x + 1) / 2, which shows the black of 0..1 as grey."""
    cfg = make_run(tmp_path, plugin='mnist', y_dim=3, c_dim=1, gfc_dim=4, dfc_dim=4, class_names=('0', '1', '2'))
    assert show(tmp_path, '--plugin', 'mnist', '--grid', '3x2') == 0
    with make_sampler(cfg) as made:
        images = made.images(sampling.draw_z('uniform_signed', 6, 5, 0), np.eye(3)[[0, 0, 1, 1, 2, 2]])[..., 0]
    assert images.min() >= 0
    assert np.abs(cells(read(tmp_path / 'run' / 'samples' / 'test_20.png'), 3, 2) - images * 255).max() <= 0.51


def test_the_runs_own_settings_count(tmp_path, capsys):
    make_run(tmp_path)
    assert show(tmp_path, '--output_height', 64, '--input_height', 999, '--z_dist', 'normal01') == 0
    out = capsys.readouterr().out
    assert 'note: --output_height=64 has no effect: the run was trained with 8' in out and '--z_dist=normal01' in out
    assert 'input_height' not in out
    assert read(tmp_path / 'run' / 'samples' / 'test_20.png').shape == (64, 96, 3)


@pytest.mark.parametrize('c_dim', [1, 3])
def test_a_checkpoint_without_a_record_tells_its_channels(tmp_path, c_dim, capsys):
    make_run(tmp_path, c_dim=c_dim, record=False)
    assert main.main(['--checkpoint_dir', str(tmp_path / 'run' / 'checkpoint'), '--out_dir', str(tmp_path / 'out'),
                      *(f'--{name}={value}' for name, value in SIZES.items() if name != 'c_dim')]) == 0
    path = re.search(r'wrote (\S+\.png)', capsys.readouterr().out)[1]
    assert read(path).shape == ((64, 96) if c_dim == 1 else (64, 96, 3))


def test_a_damaged_newest_checkpoint_is_passed_over(tmp_path, capsys):
    make_run(tmp_path, step=20, max_to_keep=2)
    newest = tmp_path / 'run' / 'checkpoint' / 'model.b64-40'
    for ending in ('index', 'data-00000-of-00001'):
        (tmp_path / 'run' / 'checkpoint' / f'model.b64-40.{ending}').write_bytes(b'half')
    assert show(tmp_path) == 0
    out = capsys.readouterr().out
    assert f'{newest} is damaged' in out and (tmp_path / 'run' / 'samples' / 'test_20.png').exists()


BAD_COMMANDS = {
    'class of an unconditional model': (['--class', '7'], '--class=7: this model is not conditional'),
    'z file that is not there': (['--z_file', 'nope.npy'], '--z_file=nope.npy: No such file'),
    'fewer candidates than images': (['--search', '5', '--generate_test_images', '6'], '--search=5: expected at least the 6 images'),
    'fewer candidates than cells': (['--search', '5', '--grid', '2x3'], 'at least the 6 images of --grid'),
    'grid that is none': (['--grid', '4'], '--grid=4: expected rows x columns'),
    'option that is none': (['--visualize', '--option', '7'], '--option=7'),
    'step that is not there': (['--resume_step', '7'], '--resume_step=7'),
}


@pytest.mark.parametrize('name', BAD_COMMANDS)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, name, capsys):
    arguments, expected = BAD_COMMANDS[name]
    make_run(tmp_path)
    before = sorted(tmp_path.rglob('*'))
    assert show(tmp_path, *arguments) in (1, 2)
    captured = capsys.readouterr()
    assert expected in captured.err and captured.err.count('\n') == 1
    assert sorted(tmp_path.rglob('*')) == before


def test_a_z_file_that_is_too_short_or_beside_a_search(tmp_path, capsys):
    make_run(tmp_path)
    np.save(tmp_path / 'z.npy', np.zeros((3, 5)))
    for arguments, expected in ((['--generate_test_images', 4], '3 rows, expected at least the 4 images of --generate_test_images'),
                                (['--grid', '2x2'], '3 rows, expected at least the 4 images of --grid'),
                                (['--search', 100], 'leave one of them out')):
        assert show(tmp_path, '--z_file', tmp_path / 'z.npy', *arguments) == 1
        assert expected in capsys.readouterr().err
    assert os.listdir(tmp_path / 'run' / 'samples') == []


def test_pictures_that_cannot_be_written_are_one_line(tmp_path, capsys):
    make_run(tmp_path)
    (tmp_path / 'run' / 'samples').rmdir()
    (tmp_path / 'run' / 'samples').write_text('in the way')
    assert show(tmp_path, '--generate_test_images', 5) == 1
    captured = capsys.readouterr()
    assert 'cannot be written' in captured.err and captured.err.count('\n') == 1
    assert json.loads((tmp_path / 'run' / 'config.json').read_text())['settings']['z_dim'] == 5
