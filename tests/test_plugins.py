"""Every plugin: shapes, range, partition, initial distributions, schedule, one real step; and plugins that are broken."""
import functools
import math
import os
import pathlib
import re
import shlex

import checkpoints
import data
import main
import model
import numpy as np
import ops
import plugins
import pytest
from config import Config
from errors import UserError
from scipy import stats
from tf1 import session, tf

ROOT = pathlib.Path(__file__).resolve().parent.parent
NARROW = dict(gf_dim=4, df_dim=4, gfc_dim=8, dfc_dim=8, z_dim=6, batch_size=3)
SIZES = {'dcgan': 16, 'mnist': 12, 'cat128': 32, 'anime96': 24, 'mnist_keras': 12, 'mlp': 8}     # small ones, for speed
SCHEDULES = {'dcgan': ['dgg'], 'mnist': ['dgg'], 'cat128': ['dg'], 'anime96': ['dg', 'd', 'd', 'd', 'd'],
             'mnist_keras': ['gd'], 'mlp': ['dg', 'g', 'g']}
COLOUR = {'dcgan', 'cat128', 'anime96'}
EVERY = pytest.mark.parametrize('name', plugins.names())


def narrow(name, height, width=None, **settings):
    plugin = plugins.load(name)
    size = dict(output_height=height, output_width=width or height)
    return plugin, Config(**{**plugin.flags, **NARROW, **size, 'plugin': name, **settings}).resolved()


def noise(plugin, cfg, channels, count=7):
    random = np.random.RandomState(1)
    labels = random.randint(0, 4, count) if plugin.conditional == 'always' else None
    images = random.randint(0, 256, [count, cfg.output_height, cfg.output_width, channels]).astype(np.uint8)
    return data.from_arrays(images, labels, num_classes=4 if labels is not None else 0)


def networks(plugin, cfg, channels, batch=None):
    """(images, logits) of placeholders, in the default graph."""
    y_dim = 4 if plugin.conditional == 'always' else 0
    cfg = cfg.with_data(noise(plugin, cfg, channels, 1), y_dim)
    z = tf.placeholder(tf.float32, [batch, cfg.z_dim])
    y = tf.placeholder(tf.float32, [batch, y_dim]) if y_dim else None
    x = tf.placeholder(tf.float32, [batch, cfg.output_height, cfg.output_width, channels])
    with ops.random_key(tf.constant([0, 0], tf.int64)):
        return model.generate(plugin, cfg, z, y, True), model.logits(plugin, cfg, x, y, True)


@functools.lru_cache(maxsize=None)
def trained(name):
    """A few real steps of a narrow network: (variables before and after each step, metrics of each, images of the sampler)."""
    plugin, cfg = narrow(name, SIZES[name])
    dataset = noise(plugin, cfg, 3 if name in COLOUR else 1)
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, dataset)
        assert len(SCHEDULES[name]) == gan.period
        sess.run(tf.global_variables_initializer())
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        states, metrics = [sess.run(variables)], []
        for index in range(gan.period + 1):
            step = gan.step(index)
            metrics.append(sess.run([step.train_op, step.metrics])[1])
            states.append(sess.run(variables))
        images = sess.run(gan.sampler)
        owners = {'d': {variable.op.name for variable in gan.d_vars}, 'g': {variable.op.name for variable in gan.g_vars}}
        trainable = {variable.op.name for variable in tf.trainable_variables()}
    return states, metrics, images, owners, trainable


# ---------------------------------------------------------------- networks

@EVERY
@pytest.mark.parametrize('height, width, channels', [(28, 28, 1), (33, 47, 3), (1, 5, 3)])
def test_networks_fit_any_size(name, height, width, channels):
    plugin, cfg = narrow(name, height, width)
    with tf.Graph().as_default():
        images, logits = networks(plugin, cfg, channels)
        assert images.shape.as_list() == [None, height, width, channels]
        assert logits.shape.as_list() == [None, 1]


@EVERY
def test_images_lie_in_the_value_range(name):
    _, _, images, _, _ = trained(name)
    low, high = plugins.load(name).value_range
    assert images.shape[1:] == (SIZES[name], SIZES[name], 3 if name in COLOUR else 1)
    assert low <= images.min() < images.max() <= high


@EVERY
def test_the_players_share_out_the_trainable_variables(name):
    _, _, _, owners, trainable = trained(name)
    assert owners['d'] and owners['g'] and owners['d'] | owners['g'] == trainable
    assert all(variable.startswith('discriminator/') for variable in owners['d'])
    assert all(variable.startswith('generator/') for variable in owners['g'])


NORMAL, TRUNCATED = stats.norm(0, 0.02), stats.truncnorm(-2, 2, scale=0.02)
BATCH_NORM = [('/(beta|moving_mean)', 0), ('/(gamma|moving_variance)', 1)]


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def glorot(shape):
    """Keras and tf.layers: b = sqrt(6 / (fan_in + fan_out))."""
    return uniform(math.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1]))))


def torch_default(shape):
    """PyTorch: b = 1 / sqrt(fan_in), whose `in` is `out` for the transposed convolution: [rows, columns, this, other]."""
    return uniform(1 / math.sqrt(math.prod(shape[:-1])))


UPSTREAM = BATCH_NORM + [('generator/.*/(w|Matrix)|discriminator/.*/Matrix', NORMAL), ('discriminator/.*/w', TRUNCATED),
                         ('/(bias|biases)', 0)]
INITIAL = {
    'dcgan': UPSTREAM,
    'mnist': UPSTREAM,
    'cat128': BATCH_NORM + [('/dense/kernel', glorot), ('/kernel', TRUNCATED), ('/bias', 0)],
    'anime96': BATCH_NORM + [('/kernel', torch_default)],
    'mnist_keras': BATCH_NORM + [('/kernel', glorot), ('/bias', 0)],
    'mlp': [('/kernel', torch_default), ('generator/0/bias', uniform(1 / math.sqrt(50))),
            ('generator/2/bias', uniform(1 / math.sqrt(300))), ('discriminator/0/bias', uniform(1 / math.sqrt(24 * 24))),
            ('/bias', lambda shape: uniform(1 / math.sqrt(300)))],
}


@EVERY
def test_variables_start_from_the_originals_distributions(name):
    plugin, cfg = narrow(name, 24, gf_dim=12, df_dim=12, gfc_dim=300, dfc_dim=300, z_dim=50)
    with tf.Graph().as_default(), session() as sess:
        tf.set_random_seed(3)
        networks(plugin, cfg, 3 if name in COLOUR else 1)
        sess.run(tf.global_variables_initializer())
        for variable, value in sess.run({variable.op.name: variable for variable in tf.global_variables()}).items():
            expected = next(expected for pattern, expected in INITIAL[name] if re.search(pattern + '$', variable))
            if isinstance(expected, int):
                assert (value == expected).all(), variable
                continue
            expected = expected(value.shape) if callable(expected) else expected
            low, high = expected.support()
            assert low <= value.min() and value.max() <= high, variable
            assert stats.kstest(value.ravel(), expected.cdf).pvalue > 1e-4, variable
            if value.size > 200:     # some of the most extreme twentieths per thousand: no narrower, and no truncated, distribution
                assert value.max() > expected.ppf(1 - 10 / value.size), variable


# ---------------------------------------------------------------- schedule

@EVERY
def test_a_step_moves_whom_the_schedule_says_and_counts_it(name):
    states, _, _, owners, _ = trained(name)
    shared = plugins.load(name).objective.shared_optimizer
    beta1 = plugins.load(name).flags.get('beta1', 0.5)
    done = {'d': 0, 'g': 0}
    for index, (before, after) in enumerate(zip(states, states[1:])):
        due = SCHEDULES[name][index % len(SCHEDULES[name])]
        for player, names in owners.items():
            weights = [variable for variable in names if before[variable].ndim > 1]
            moved = [variable for variable in weights if (before[variable] != after[variable]).any()]
            assert moved == (weights if player in due else []), f'step {index}, player {player}'
            done[player] += due.count(player)
        counts = [round(math.log(after[power], beta1)) - 1 for power in ('beta1_power', 'beta1_power_1') if power in after]
        assert counts == ([done['d'] + done['g']] if shared else [done['d'], done['g']])
        assert after['global_step'] == index + 1


@EVERY
def test_the_losses_of_a_step_are_those_of_its_updates(name):
    _, metrics, _, _, _ = trained(name)
    for index, values in enumerate(metrics):
        due = SCHEDULES[name][index % len(SCHEDULES[name])]
        assert ('d_loss' in values) == ('d' in due) and ('g_loss' in values) == ('g' in due)
        assert np.isfinite(list(values.values())).all()
        if 'd' in due:
            assert values['d_loss'] == pytest.approx(values['d_loss_real'] + values['d_loss_fake'], rel=1e-6)


def metrics_of_first_step(name, **settings):
    plugin, cfg = narrow(name, SIZES[name], **settings)
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, noise(plugin, cfg, 1))
        sess.run(tf.global_variables_initializer())
        return sess.run([gan.step(0).train_op, gan.step(0).metrics])[1]


def test_mnist_keras_drops_units_of_the_discriminator_in_its_own_update_only():
    with_dropout, without = metrics_of_first_step('mnist_keras', dropout=0.5), metrics_of_first_step('mnist_keras', dropout=0.0)
    assert with_dropout['g_loss'] == without['g_loss']
    assert with_dropout['d_loss'] != without['d_loss']


def test_one_optimizer_has_one_rate():
    plugin, cfg = narrow('mnist_keras', 12, d_learning_rate=1e-4)
    with pytest.raises(UserError, match='--d_learning_rate=0.0001.*one optimizer'), tf.Graph().as_default(), session() as sess:
        model.DCGAN.from_config(sess, cfg, plugin, noise(plugin, cfg, 1))


def test_cat128_smooths_the_labels_of_real_images():
    plugin, cfg = narrow('cat128', 32, label_smoothing=0.1)
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, noise(plugin, cfg, 3))
        sess.run(tf.global_variables_initializer())
        logits, loss = sess.run([gan.D_logits, gan.d_loss_real])
    expected = np.mean(np.log1p(np.exp(-logits)) + 0.1 * logits)      # cross-entropy with label 0.9
    assert loss == pytest.approx(expected, rel=1e-5)


def test_cat128_leaves_the_moving_averages_of_its_discriminator_alone():
    states, _, _, _, _ = trained('cat128')
    for name, value in states[-1].items():
        if 'moving' in name:
            still = (value == states[0][name]).all()
            assert still == name.startswith('discriminator/'), name


def test_cat128_loads_a_checkpoint_of_the_original_with_its_adam_slots(tmp_path):
    shapes = {'generator/dense/kernel': [6, 256], 'generator/dense/bias': [256], 'generator/logits/kernel': [5, 5, 3, 4],
              'generator/logits/bias': [3], 'discriminator/dense/kernel': [256, 1], 'discriminator/dense/bias': [1]}
    for i, (out, in_) in enumerate([(32, 64), (16, 32), (8, 16), (4, 8)], 1):
        shapes[f'generator/trans_conv{i}/kernel'], shapes[f'generator/trans_conv{i}/bias'] = [5, 5, out, in_], [out]
        shapes.update({f'generator/batch_trans_conv{i}/{tensor}': [out] for tensor in ('gamma', 'beta')})
    for i, (in_, out) in enumerate([(3, 4), (4, 8), (8, 16), (16, 32), (32, 64)], 1):
        shapes[f'discriminator/conv{i}/kernel'], shapes[f'discriminator/conv{i}/bias'] = [5, 5, in_, out], [out]
        shapes.update({f'discriminator/batch_norm{i}/{tensor}': [out] for tensor in ('gamma', 'beta')})
    saved = {}
    with tf.Graph().as_default(), session() as sess:      # as its notebook makes them: D's optimizer first
        tf.set_random_seed(0)
        variables = [tf.get_variable(name, shape, initializer=tf.random_normal_initializer()) for name, shape in shapes.items()]
        for name, shape in shapes.items():
            if name.endswith('gamma'):
                for moving in ('moving_mean', 'moving_variance'):
                    tf.get_variable(name.replace('gamma', moving), shape, trainable=False, initializer=tf.ones_initializer())
        for scope, rate in (('discriminator', 5e-5), ('generator', 2e-4)):
            own = [variable for variable in variables if variable.op.name.startswith(scope)]
            loss = tf.add_n([tf.reduce_sum(variable ** 2) for variable in own])
            tf.add_to_collection('train', tf.train.AdamOptimizer(rate, beta1=0.5).minimize(loss, var_list=own))
        sess.run(tf.global_variables_initializer())
        sess.run(tf.get_collection('train'))
        saved = sess.run({variable.op.name: variable for variable in tf.global_variables()})
        tf.train.Saver().save(sess, os.fspath(tmp_path / 'generator.ckpt'), global_step=5)
    plugin, cfg = narrow('cat128', 32)
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, noise(plugin, cfg, 3))
        sess.run(tf.global_variables_initializer())
        found = checkpoints.newest_readable(checkpoints.located(os.fspath(tmp_path)))
        checkpoints.restore(sess, tf.global_variables(), found)
        ours = sess.run({variable.op.name: variable for variable in tf.global_variables() if variable.op.name != 'global_step'})
        assert gan.cfg.gf_dim == 4
    assert set(ours) == set(saved)
    assert 'generator/trans_conv1/kernel/Adam' in ours and 'beta1_power_1' in ours
    for name, value in saved.items():
        np.testing.assert_array_equal(ours[name], value, err_msg=name)


# ---------------------------------------------------------------- data

@pytest.mark.parametrize('name, labels, message', [
    ('cat128', 'folder', '--labels=folder.*cat128 is not conditional'), ('mnist', '', 'mnist needs labels.*--labels folder')])
def test_labels_that_do_not_fit_are_named(name, labels, message):
    plugin, cfg = narrow(name, 12, labels=labels)
    dataset = data.from_arrays(np.zeros([3, 12, 12, 1], np.uint8))
    with pytest.raises(UserError, match=message):
        plugins.classes(plugin, cfg, dataset)


@pytest.mark.parametrize('arguments, plugin, dataset, size', [
    ('--dataset mnist', 'mnist', 'mnist', 28), ('--plugin mnist --dataset fashion', 'mnist', 'fashion', 28),
    ('--plugin cat128 --dataset faces', 'cat128', 'faces', 128), ('--plugin mlp --dataset faces --output_height 48', 'mlp', 'faces', 48),
    ('--plugin mnist_keras', 'mnist_keras', 'mnist', 28), ('--plugin anime96 --dataset faces', 'anime96', 'faces', 96),
    ('--dataset faces', 'dcgan', 'faces', 64)])
def test_plugin_and_data_set_mix(arguments, plugin, dataset, size):
    cfg, _ = main.parse(arguments.split())
    assert (cfg.plugin, cfg.dataset, cfg.output_height) == (plugin, dataset, size)


# ---------------------------------------------------------------- a plugin of one's own, and broken ones

MINE = '''
import losses
from ops import linear
from plugins import Objective, Plugin, Update
from tf1 import tf

def generator(z, y, cfg, training):
    shape = [cfg.output_height, cfg.output_width, cfg.c_dim]
    return tf.tanh(tf.reshape(linear(z, shape[0] * shape[1] * shape[2], 'lin'), [-1, *shape]))

def discriminator(x, y, cfg, training):
    return linear(tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]]), 1, 'lin')

def dataset(cfg):
    import data, numpy
    return data.from_arrays(numpy.zeros([5, 8, 8, 1], 'uint8'))

PLUGIN = Plugin('mine', generator, discriminator, Objective(losses.non_saturating, (Update('d'), Update('g'))),
                dataset=dataset, flags=dict(output_height=8))
'''
BROKEN = [     # (what to replace in it, by what, what the message must say)
    ('def generator(z, y, cfg, training):', 'def generator(z, y, cfg, training)', "line 7: expected ':'"),
    ('import losses', 'import losses, loses', "line 2: No module named 'loses'"),
    ('Objective(losses.non_saturating, (Update(\'d\'), Update(\'g\'))),\n', '\n',
     "line 18: Plugin(...) missing 1 required positional argument: 'objective'"),
    ('dataset=dataset', 'data_set=dataset', "line 18: Plugin(...) got an unexpected keyword argument 'data_set'"),
    ('PLUGIN = ', 'MINE = ', 'it has no PLUGIN = Plugin(...)'),
    ("Plugin('mine'", "Plugin('yours'", "PLUGIN.name is 'yours', expected the name of the file, 'mine'"),
    ("('mine', generator", "('mine', None", 'PLUGIN.generator is None, expected a function (z, y, cfg, training)'),
    ('def discriminator(x, y, cfg, training)', 'def discriminator(x, y)', 'expected a function (x, y, cfg, training)'),
    ('dataset=dataset', 'dataset="faces"', "PLUGIN.dataset is 'faces', expected a function (cfg)"),
    ('dataset=dataset', 'value_range=(1, 0)', 'PLUGIN.value_range is (1, 0), expected (low, high)'),
    ('dataset=dataset', 'value_range=255', 'PLUGIN.value_range is 255, expected (low, high)'),
    ('dataset=dataset', 'conditional="maybe"', "PLUGIN.conditional is 'maybe', expected never | optional | always"),
    ('output_height=8', 'output_heigth=8', 'which output_heigth is not (did you mean output_height?)'),
    ('Objective(losses.non_saturating, ', '(losses.non_saturating, ', 'expected an Objective(loss, updates)'),
    ('losses.non_saturating', '"hinge"', "PLUGIN.objective.loss is 'hinge', expected a losses.Loss"),
    ("(Update('d'), Update('g'))", "(Update('d'))", 'PLUGIN.objective.updates is Update('),
    ("Update('g')", "Update('d')", 'expected at least one update of d and one of g'),
    ("Update('g')", "Update('e')", "PLUGIN.objective.updates[1].player is 'e', expected d | g"),
    ("Update('g')", "Update('g', every=0)", 'PLUGIN.objective.updates[1].every is 0'),
    ("Update('g')", "Update('g', z='new')", "PLUGIN.objective.updates[1].z is 'new', expected step | fresh"),
    ('cfg.c_dim]', '2]', 'PLUGIN.generator returns (6, 8, 8, 2), expected [B, 8, 8, 1]'),
    ('return tf.tanh', 'return 0, tf.tanh', 'PLUGIN.generator returns a tuple'),
    ("1, 'lin')", "2, 'lin')", 'PLUGIN.discriminator returns (6, 2), expected logits [B, 1]'),
    ('dataset=dataset', 'dataset=dataset, value_range=(0, 1)', 'PLUGIN.value_range is (0, 1), expected (-1, 1)'),
    ('    shape = ', '    tf.Variable(1.0)\n    shape = ', 'PLUGIN.generator makes d_update_0/generator/Variable'),
    ('    return linear(tf', "    tf.get_variable('unused', [])\n    return linear(tf",
     'PLUGIN.discriminator has variables that its loss does not depend on: discriminator/unused'),
    ("return linear(tf.reshape(x, [-1, x.shape[1] * x.shape[2] * x.shape[3]]), 1, 'lin')", 'return tf.reduce_sum(x, [1, 2])',
     'PLUGIN.discriminator has no trainable variables'),
    ('return data.from_arrays(', 'return (', 'PLUGIN.dataset returns a ndarray, expected a data.Dataset'),
    ('[5, 8, 8, 1]', '[5, 9, 7, 1]', 'type --output_height 9 --output_width 7'),
    ('[5, 8, 8, 1]', '[5, 8, 8]', 'PLUGIN.dataset: images: shape (5, 8, 8), expected [N, height, width, channels]'),
    ("1], 'uint8')", "1]) + 2, value_range=(-1, 1)", 'PLUGIN.dataset: images: values 2.0 to 2.0, outside value_range (-1, 1)'),
]


def built(path, **settings):
    plugin = plugins.load(os.fspath(path))
    cfg = Config(**{**plugin.flags, **NARROW, 'batch_size': 6, 'plugin': os.fspath(path), **settings}).resolved()
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, plugin.open_dataset(cfg))
        sess.run(tf.global_variables_initializer())
        return sess.run([gan.step(0).train_op, gan.step(0).metrics])[1]


def test_a_plugin_of_ones_own_is_loaded_by_its_path(tmp_path):
    (tmp_path / 'mine.py').write_text(MINE)
    assert built(tmp_path / 'mine.py')['d_loss'] > 0


@pytest.mark.parametrize('old, new, message', BROKEN, ids=[message for _, _, message in BROKEN])
def test_a_broken_plugin_is_one_line_that_names_the_field(old, new, message, tmp_path):
    assert MINE.count(old) == 1
    (tmp_path / 'mine.py').write_text(MINE.replace(old, new))
    with pytest.raises(UserError) as error:
        built(tmp_path / 'mine.py')
    assert message in str(error.value)
    assert '\n' not in str(error.value) and 'mine' in str(error.value)


def test_a_plugins_own_bug_keeps_its_traceback(tmp_path):
    (tmp_path / 'mine.py').write_text(MINE + 'PLUGIN.name[99]\n')
    with pytest.raises(IndexError):
        plugins.load(os.fspath(tmp_path / 'mine.py'))


def test_a_broken_plugin_leaves_nothing_behind(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'mine.py').write_text(MINE.replace('cfg.c_dim]', '2]'))
    assert main.main(['--plugin', 'mine.py', '--train', '--batch_size', '6']) == 1
    errors = capsys.readouterr().err.strip().splitlines()
    assert len(errors) == 1 and errors[0].startswith('error: plugin mine: PLUGIN.generator returns')
    assert [path.name for path in tmp_path.iterdir() if path.name != '__pycache__'] == ['mine.py']


@pytest.mark.parametrize('name, message', [('cat218', 'did you mean cat128'), ('nowhere/mine.py', 'no such file')])
def test_a_plugin_that_does_not_exist_is_named(name, message):
    with pytest.raises(UserError, match=message):
        plugins.load(name)


def test_the_walk_through_runs_as_written(tmp_path, monkeypatch, capsys):
    text = (ROOT / 'docs' / 'plugins.md').read_text()
    source = re.search(r'```python\n# (\w+\.py)\n(.*?)```', text, re.DOTALL)
    command = re.search(r'^    python main\.py (--plugin .*--train.*)$', text, re.MULTILINE)
    assert source[2].count('\n') < 60
    monkeypatch.chdir(tmp_path)
    (tmp_path / source[1]).write_text(source[2])
    (tmp_path / 'data' / 'quickdraw').mkdir(parents=True)
    for drawing in ('cat', 'owl'):
        np.save(tmp_path / 'data' / 'quickdraw' / f'{drawing}.npy', np.random.RandomState(0).randint(0, 256, [9, 784]).astype(np.uint8))
    short = ['--epoch', '1', '--batch_size', '6', '--gf_dim', '4', '--df_dim', '4']     # the command as written, but a small one
    assert main.main(shlex.split(command[1]) + short) == 0, capsys.readouterr().err
    assert list((tmp_path / 'out').glob('*/samples/train_*.png'))


def test_settings_alone_make_a_plugin_as_the_walk_through_says(tmp_path):
    text = (ROOT / 'docs' / 'plugins.md').read_text()
    lines = re.search(r'((?:^    .*\n)+)(?=\n## The contract)', text, re.MULTILINE)[1].splitlines()
    (tmp_path / 'faces80.py').write_text('\n'.join(line[4:] for line in lines))
    plugin = plugins.load(os.fspath(tmp_path / 'faces80.py'))
    assert plugin.flags['output_height'] == 80 and plugin.generator is plugins.load('dcgan').generator


def test_the_walk_through_says_what_is_missing(tmp_path, monkeypatch, capsys):
    text = (ROOT / 'docs' / 'plugins.md').read_text()
    source = re.search(r'```python\n# (\w+\.py)\n(.*?)```', text, re.DOTALL)
    (tmp_path / source[1]).write_text(source[2])
    monkeypatch.chdir(tmp_path)
    assert main.main(['--plugin', source[1], '--train']) == 1
    assert 'cat.npy' in capsys.readouterr().err
