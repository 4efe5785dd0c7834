"""Checkpoints: whole or absent, damaged ones passed over, and every older naming and layout found and loaded."""
import os
import shutil

import numpy as np
import pytest

import checkpoints
import data
import model
import plugins
from config import Config
from errors import DiskError, UserError
from tf1 import session, tf

# The variables of DCGAN-tensorflow's graph at 16x16 with gf_dim = df_dim = 2, z_dim = 3, colour: model.py there.
UPSTREAM = {
    'generator/g_h0_lin/Matrix': (3, 16), 'generator/g_h0_lin/bias': (16,), 'generator/g_h4/w': (5, 5, 3, 2),
    'generator/g_h4/biases': (3,), 'discriminator/d_h0_conv/w': (5, 5, 3, 2), 'discriminator/d_h0_conv/biases': (2,),
    'discriminator/d_h4_lin/Matrix': (16, 1), 'discriminator/d_h4_lin/bias': (1,),
}
for _number, _width in ((0, 16), (1, 8), (2, 4), (3, 2)):
    for _name in ('beta', 'gamma', 'moving_mean', 'moving_variance'):
        UPSTREAM[f'generator/g_bn{_number}/{_name}'] = (_width,)
    if _number:
        UPSTREAM[f'generator/g_h{_number}/w'] = (5, 5, _width, 2 * _width)
        UPSTREAM[f'generator/g_h{_number}/biases'] = (_width,)
        UPSTREAM[f'discriminator/d_h{_number}_conv/w'] = (5, 5, 2 ** _number, 2 ** (_number + 1))
        UPSTREAM[f'discriminator/d_h{_number}_conv/biases'] = (2 ** (_number + 1),)
        for _name in ('beta', 'gamma', 'moving_mean', 'moving_variance'):
            UPSTREAM[f'discriminator/d_bn{_number}/{_name}'] = (2 ** (_number + 1),)


def numbers(shape, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def write(prefix, tensors, **options):
    """A checkpoint of {name: array}, made by a plain Saver."""
    with tf.Graph().as_default(), session() as sess:
        variables = [tf.get_variable(name, initializer=value) for name, value in tensors.items()]
        sess.run(tf.variables_initializer(variables))
        os.makedirs(os.path.dirname(prefix), exist_ok=True)
        tf.train.Saver(variables, **options).save(sess, prefix, write_state=False,
                                                  write_meta_graph=options.get('write_version') == 1)
    return prefix


def read(prefix):
    reader = tf.train.NewCheckpointReader(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


class Small:
    """A session with two variables and a Saver; a context manager."""

    def __enter__(self):
        self._graph = tf.Graph().as_default()
        self._graph.__enter__()
        self.a = tf.get_variable('generator/a', initializer=np.arange(300, dtype=np.float32))
        self.step = tf.train.get_or_create_global_step()
        self.sess, self.saver = session(), tf.train.Saver(save_relative_paths=True)
        self.sess.run(tf.global_variables_initializer())
        return self

    def __exit__(self, *exception):
        self.sess.close()
        self._graph.__exit__(*exception)

    def save(self, folder, step, **options):
        self.step.load(step, self.sess)
        self.a.load(np.full(300, step, np.float32), self.sess)
        return checkpoints.save(self.sess, self.saver, str(folder), 64, step, **options)


@pytest.fixture
def small():
    with Small() as small:
        yield small


def steps(folder):
    return [found.step for found in checkpoints.listed(str(folder))]


# ------------------------------------------------------------------------------------------------ saving

def test_a_saved_checkpoint_is_whole_and_has_upstreams_name(small, tmp_path):
    saved = small.save(tmp_path, 7)
    assert sorted(os.listdir(tmp_path)) == ['checkpoint', 'model.b64-7.data-00000-of-00001', 'model.b64-7.index']
    assert saved == checkpoints.Checkpoint(str(tmp_path / 'model.b64-7'),
                                           7) and checkpoints.verify(saved.prefix) is None
    assert tf.train.latest_checkpoint(str(tmp_path)) == saved.prefix
    values = read(saved.prefix)
    assert values['global_step'] == 7 and (values['generator/a'] == 7).all()


def test_a_folder_that_was_moved_is_still_read(small, tmp_path):
    small.save(tmp_path / 'one', 7)
    os.rename(tmp_path / 'one', tmp_path / 'two')
    assert tf.train.latest_checkpoint(str(tmp_path / 'two')) == str(tmp_path / 'two' / 'model.b64-7')
    assert checkpoints.newest_readable(checkpoints.listed(str(tmp_path / 'two'))).step == 7


@pytest.mark.parametrize('options, left', [
    (dict(), [6]), (dict(max_to_keep=2), [5, 6]), (dict(max_to_keep=9), [1, 2, 3, 4, 5, 6]),
    (dict(keep_every=2), [2, 4, 6]),
    (dict(keep_every=3, max_to_keep=2), [3, 5, 6]), (dict(keep_every=1), [1, 2, 3, 4, 5, 6])])
def test_what_is_kept(options, left, small, tmp_path):
    for step in range(1, 7):
        small.save(tmp_path, step, **options)
    assert steps(tmp_path) == left
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [int(path.rpartition('-')[2]) for path in state.all_model_checkpoint_paths] == left
    assert state.model_checkpoint_path.endswith('-6')


@pytest.mark.parametrize('name', ['model.ckpt', 'DCGAN.model-2', 'model.b64-2'])
def test_an_old_checkpoint_that_a_run_starts_from_is_kept(name, small, tmp_path):
    tf.train.Saver().save(small.sess, str(tmp_path / name))       # as TF1 did: with a .meta beside it
    before = set(os.listdir(tmp_path)) - {'checkpoint'}
    for step in (3, 4):
        small.save(tmp_path, step)
    assert before | {'checkpoint', 'model.b64-4.index', 'model.b64-4.data-00000-of-00001'} == set(os.listdir(tmp_path))


def test_numbers_are_ordered_as_numbers(small, tmp_path):
    for step in (9, 10, 100):
        small.save(tmp_path, step, max_to_keep=2)
    assert steps(tmp_path) == [10, 100]


def test_a_checkpoint_that_does_not_read_back_leaves_the_older_ones_alone(small, tmp_path, monkeypatch):
    small.save(tmp_path, 1)
    before = sorted(os.listdir(tmp_path))
    monkeypatch.setattr(checkpoints, 'verify', lambda prefix: 'bad sectors')
    with pytest.raises(DiskError, match='model.b64-2: it did not read back .bad sectors.'):
        small.save(tmp_path, 2)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_crash_between_the_renames_leaves_nothing_that_is_listed(small, tmp_path, monkeypatch):
    small.save(tmp_path, 1)
    replace, moved = os.replace, []

    def die(source, target):
        if moved:
            raise OSError(28, 'No space left on device')
        moved.append(target)
        replace(source, target)

    monkeypatch.setattr(os, 'replace', die)
    with pytest.raises(DiskError, match='No space left'):
        small.save(tmp_path, 2)
    monkeypatch.undo()
    assert '.data-' in moved[0] and steps(tmp_path) == [1] and checkpoints.verify(str(tmp_path / 'model.b64-1')) is None
    small.save(tmp_path, 3)
    assert steps(tmp_path) == [3]


def test_what_an_earlier_crash_left_aside_does_not_matter(small, tmp_path):
    os.makedirs(tmp_path / checkpoints.UNWRITTEN)
    (tmp_path / checkpoints.UNWRITTEN / 'model.b64-5.index').write_text('half')
    assert steps(tmp_path) == [] and checkpoints.located(str(tmp_path)) == []
    small.save(tmp_path, 6)
    assert not (tmp_path / checkpoints.UNWRITTEN).exists()


def test_a_folder_that_cannot_be_made_is_named(small, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(DiskError, match='cannot be written'):
        small.save(tmp_path / 'file', 1)


# ------------------------------------------------------------------------------------------------ damage

def truncate(path):
    with open(path, 'rb+') as file:
        file.truncate(os.path.getsize(path) // 2)


def flip(path):
    with open(path, 'rb+') as file:
        file.seek(os.path.getsize(path) // 2)
        byte = file.read(1)
        file.seek(-1, 1)
        file.write(bytes([byte[0] ^ 0xff]))


DAMAGE = {
    'data cut in half': lambda prefix: truncate(prefix + '.data-00000-of-00001'),
    'index cut in half': lambda prefix: truncate(prefix + '.index'),
    'index empty': lambda prefix: open(prefix + '.index', 'w').close(),
    'data empty': lambda prefix: open(prefix + '.data-00000-of-00001', 'w').close(),
    'one byte of data': lambda prefix: flip(prefix + '.data-00000-of-00001'),
    'random bytes as index': lambda prefix: open(prefix + '.index', 'wb').write(np.random.default_rng(0).bytes(500)),
    'no data': lambda prefix: os.remove(prefix + '.data-00000-of-00001'),
}


@pytest.mark.parametrize('name', DAMAGE)
def test_a_damaged_checkpoint_is_named_and_passed_over(name, small, tmp_path):
    for step in (1, 2):
        small.save(tmp_path, step, max_to_keep=5)
    DAMAGE[name](str(tmp_path / 'model.b64-2'))
    said = []
    found = checkpoints.newest_readable(checkpoints.listed(str(tmp_path)), said.append)
    assert found.step == 1 and len(said) == 1
    assert 'model.b64-2 is damaged (' in said[0] and '\n' not in said[0]


def test_nothing_readable_is_none(small, tmp_path):
    small.save(tmp_path, 1)
    truncate(str(tmp_path / 'model.b64-1.data-00000-of-00001'))
    assert checkpoints.newest_readable(checkpoints.listed(str(tmp_path)), lambda line: None) is None
    assert checkpoints.newest_readable([]) is None


def test_a_file_that_is_no_checkpoint_is_one_line(tmp_path):
    (tmp_path / 'model-3').write_bytes(b'no checkpoint')
    with pytest.raises(UserError, match='model-3: cannot be read') as error:
        checkpoints.shapes(str(tmp_path / 'model-3'))
    assert '\n' not in str(error.value)


# ------------------------------------------------------------------------------------------------ going back

def test_later_checkpoints_are_set_aside_and_not_deleted(small, tmp_path):
    for step in (1, 2, 3):
        small.save(tmp_path, step, max_to_keep=9)
    shelf = checkpoints.set_aside(str(tmp_path), 1)
    assert steps(tmp_path) == [1] and steps(shelf) == [2, 3]
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('-1')
    assert all(checkpoints.verify(found.prefix) is None for found in checkpoints.listed(shelf))
    assert [found.step for found in checkpoints.located(str(tmp_path))] == [1]
    assert checkpoints.set_aside(str(tmp_path), 1) is None
    small.save(tmp_path, 2, max_to_keep=9)
    again = checkpoints.set_aside(str(tmp_path), 1)
    assert again != shelf and steps(again) == [2] and steps(shelf) == [2, 3], 'going back twice overwrites nothing'


# ------------------------------------------------------------------------------------------------ places

def test_a_path_means_a_file_a_folder_or_a_run(small, tmp_path):
    folder = tmp_path / 'run' / 'checkpoint'
    for step in (1, 2):
        small.save(folder, step, max_to_keep=2)
    prefix = str(folder / 'model.b64-1')
    for path in (prefix, prefix + '.index', prefix + '.data-00000-of-00001'):
        assert checkpoints.located(path) == [checkpoints.Checkpoint(prefix, 1)]
    for path in (folder, tmp_path / 'run', folder / 'checkpoint', str(folder) + '/'):
        assert [found.step for found in checkpoints.located(str(path))] == [1, 2]
    assert checkpoints.located(str(tmp_path / 'none')) == [] and checkpoints.located(str(folder / 'model.b64-9')) == []


def test_the_older_layout_is_found(tmp_path):
    for number, name in enumerate(('celebA_64_64_64', 'faces_64_48_48')):
        prefix = write(str(tmp_path / name / 'DCGAN.model-502'), {'a': np.float32([number])})
        os.utime(prefix + '.index', (1e9 + number, 1e9 + number))
        os.utime(prefix + '.data-00000-of-00001', (1e9 + number, 1e9 + number))
    found, = checkpoints.located(str(tmp_path))
    assert found == checkpoints.Checkpoint(str(tmp_path / 'faces_64_48_48' / 'DCGAN.model-502'),
                                           502), 'the newer of the two'
    assert checkpoints.located(str(tmp_path / 'celebA_64_64_64'))[0].step == 502


@pytest.mark.parametrize('with_meta', [True, False])
def test_v1_files_are_found_and_read(with_meta, tmp_path):
    prefix = write(str(tmp_path / 'DCGAN.model-12'), {'generator/a': np.float32([1, 2])}, write_version=1)
    if not with_meta:
        os.remove(prefix + '.meta')
    assert os.path.isfile(prefix), 'one file, without an index'
    for path in (str(tmp_path), prefix):
        assert checkpoints.located(path) == [checkpoints.Checkpoint(prefix, 12)]
    assert checkpoints.verify(prefix) is None and checkpoints.shapes(prefix) == {'generator/a': (2,)}
    truncate(prefix)
    assert checkpoints.verify(prefix)


def test_folders_with_spaces_and_other_scripts(small, tmp_path):
    folder = tmp_path / 'my run, 日本 {1}'
    for step in (3, 4):
        assert small.save(folder, step).step == step
    assert steps(folder) == [4] and checkpoints.located(str(folder))[0].step == 4


# ------------------------------------------------------------------------------------------------ restoring into the graph

@pytest.fixture(scope='module')
def gan():
    images = np.random.default_rng(0).integers(0, 256, (8, 16, 16, 3), np.uint8)
    cfg = Config(plugin='dcgan', batch_size=4, output_height=16, z_dim=3, gf_dim=2, df_dim=2).resolved()
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugins.load('dcgan'), data.from_arrays(images))
        sess.run(tf.global_variables_initializer())
        yield gan


def restored(gan, prefix, step=0):
    """({name: value} after restoring, the lines that were said)."""
    with gan.sess.graph.as_default():
        variables, said = tf.global_variables(), []
        gan.sess.run(tf.variables_initializer(variables))
        checkpoints.restore(gan.sess, variables, checkpoints.Checkpoint(prefix, step), said.append)
        return gan.sess.run({variable.op.name: variable for variable in variables}), said


def test_the_graph_has_upstreams_variables_and_adams(gan):
    with gan.sess.graph.as_default():
        ours = {variable.op.name: tuple(variable.shape) for variable in tf.global_variables()}
    slots = {f'{variable.op.name}/{slot}' for variable in gan.d_vars + gan.g_vars for slot in ('Adam', 'Adam_1')}
    powers = {'beta1_power', 'beta2_power', 'beta1_power_1', 'beta2_power_1'}
    assert set(ours) == set(UPSTREAM) | slots | powers | {'global_step'}
    assert {name: ours[name] for name in UPSTREAM} == UPSTREAM


def test_a_plain_saver_over_upstreams_variables_restores_ours(gan, tmp_path):
    with gan.sess.graph.as_default():
        expected = gan.sess.run({variable.op.name: variable for variable in tf.global_variables()})
        saved = checkpoints.save(gan.sess, gan.saver, str(tmp_path), 4, 3)
    with tf.Graph().as_default(), session() as sess:
        zeros = tf.zeros_initializer()
        variables = {name: tf.get_variable(name, shape, initializer=zeros, use_resource=False) for name,
                     shape in UPSTREAM.items()}
        tf.train.Saver().restore(sess, tf.train.latest_checkpoint(str(tmp_path)))
        for name, value in sess.run(variables).items():
            np.testing.assert_array_equal(value, expected[name])
    values, said = restored(gan, saved.prefix)
    assert said == []
    for name, value in values.items():
        np.testing.assert_array_equal(value, expected[name])


def test_upstreams_checkpoint_restores_and_the_missing_adam_is_named_once(gan, tmp_path):
    tensors = {name: numbers(shape, seed) for seed, (name, shape) in enumerate(UPSTREAM.items())}
    values, said = restored(gan, write(str(tmp_path / 'model.b64-30'), tensors), 30)
    for name, value in tensors.items():
        np.testing.assert_array_equal(values[name], value)
    assert values['global_step'] == 30 and not values['generator/g_h4/w/Adam'].any()
    line, = said
    assert 'no state of the optimiser' in line and 'starts fresh' in line and '\n' not in line


def old_names(name):
    """Names of 2016: batch norm outside the scopes, its averages under their ops' names, the critic's last layer d_h3_lin."""
    scope, layer, last = name.split('/')
    if '_bn' in layer:
        moment = {'moving_mean': 'mean', 'moving_variance': 'variance'}.get(last)
        return f'{layer}/{layer}_2/moments/moments_1/{moment}/ExponentialMovingAverage' if moment else f'{layer}/{last}'
    return f'{scope}/{layer.replace("d_h4_lin", "d_h3_lin")}/{last}'


def without_bn_prefix(name):
    return name.partition('/')[2] if '_bn' in name else name


@pytest.mark.parametrize('rename', [old_names, without_bn_prefix, lambda name: name.partition('/')[2]])
def test_checkpoints_under_older_names_restore(rename, gan, tmp_path):
    tensors = {name: numbers(shape, seed) for seed, (name, shape) in enumerate(UPSTREAM.items())}
    prefix = write(str(tmp_path / 'DCGAN.model-9'), {rename(name): value for name, value in tensors.items()})
    values, said = restored(gan, prefix, 9)
    for name, value in tensors.items():
        np.testing.assert_array_equal(values[name], value, err_msg=name)
    assert any('have older names, such as' in line for line in said)


def test_tensors_of_another_shape_are_a_table_with_the_flags(gan, tmp_path):
    tensors = {name: numbers(shape, 0) for name, shape in UPSTREAM.items()}
    tensors['generator/g_h0_lin/Matrix'] = numbers((100, 16), 0)
    tensors['discriminator/d_h0_conv/w'] = numbers((5, 5, 3, 64), 0)
    prefix = write(str(tmp_path / 'model-1'), tensors)
    with pytest.raises(UserError, match='2 tensors have another shape') as error:
        restored(gan, prefix)
    head, titles, *rows = str(error.value).splitlines()
    assert prefix in head and titles.split()[:3] == ['tensor', 'file', 'graph'] and len(rows) == 2
    row = next(row for row in rows if 'g_h0_lin' in row)
    assert '[100, 16]' in row and '[3, 16]' in row and '--z_dim' in row
    assert '--df_dim' in next(row for row in rows if 'd_h0_conv' in row)


def test_a_checkpoint_of_another_model_is_an_error_and_changes_nothing(gan, tmp_path):
    prefix = write(str(tmp_path / 'model-1'), {'some/other': np.float32([1])})
    with pytest.raises(UserError, match=r'it has no tensor for .* and \d+ more; it was made by another model: see --plugin') as error:
        restored(gan, prefix)
    assert '\n' not in str(error.value)


def test_a_copy_of_the_files_is_a_checkpoint_too(small, tmp_path):
    small.save(tmp_path / 'a', 5)
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    os.remove(tmp_path / 'b' / 'checkpoint')
    assert steps(tmp_path / 'b') == [5]
