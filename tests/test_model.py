"""The graph of one GAN: the schedule of updates replayed in NumPy, exact resume, moving averages, the legacy class."""
import dataclasses
import itertools
import math
import os

import numpy as np
import pytest
from PIL import Image

import data
import losses
import model
import ops
import plugins
from config import Config
from errors import UserError
from plugins import Objective, Plugin, Update
from tf1 import session, tf

BATCH, Z, SIDE = 4, 3, 2
PIXELS = SIDE * SIDE
SETTINGS = dict(batch_size=BATCH, z_dim=Z, output_height=SIDE, gf_dim=2, df_dim=2, gfc_dim=4, dfc_dim=4)


# A GAN small enough to be worked out by hand: G(z) = tanh(zA + a), D(x) = xw + b on four grey pixels.

def _generator(z, y, cfg, training):
    _generator.calls += training
    return tf.reshape(tf.tanh(ops.linear(z, PIXELS, 'lin', stddev=0.5)), [-1, SIDE, SIDE, 1])


_generator.calls = 0


def _discriminator(x, y, cfg, training):
    return ops.linear(tf.reshape(x, [-1, PIXELS]), 1, 'lin', stddev=0.5)


def tiny(*updates, generator=_generator, discriminator=_discriminator, loss=losses.non_saturating, **objective):
    return Plugin('tiny', generator, discriminator, Objective(loss, updates or plugins.D_ONCE_G_TWICE, **objective))


def noise_images(count=12, side=SIDE, channels=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, side, side, channels), np.uint8)


class Built:
    """A GAN in a graph and session of its own, initialised; a context manager."""

    def __init__(self, plugin, dataset=None, start_step=0, **settings):
        cfg = Config(**{'plugin': plugin.name, **SETTINGS, **settings}).resolved()
        self._graph = tf.Graph()
        with self._graph.as_default():
            self.sess = session(self._graph)
            self.gan = model.DCGAN.from_config(self.sess, cfg, plugin, dataset or data.from_arrays(noise_images()),
                                               start_step)
            self.sess.run(tf.global_variables_initializer())
            self.variables = {variable.op.name: variable for variable in tf.global_variables()}

    def __enter__(self):
        self._context = self._graph.as_default()
        self._context.__enter__()
        return self

    def __exit__(self, *exception):
        self._context.__exit__(*exception)
        self.sess.close()

    def values(self):
        return self.sess.run(self.variables)

    def load(self, values):
        for name, value in values.items():
            self.variables[name].load(value, self.sess)

    def run(self, index, *fetches, feed=None):
        """One step; returns (metrics, fetched in the same session.run)."""
        step = self.gan.step(index)
        _, metrics, fetched = self.sess.run([step.train_op, step.metrics, list(fetches)], feed)
        return metrics, fetched


# ------------------------------------------------------------------------------------------------ the schedule, in NumPy

class Adam:
    """Kingma and Ba 2014, for a dict of arrays; form: where epsilon stands."""

    def __init__(self, rate, beta1, beta2, epsilon, form):
        self.rate, self.beta1, self.beta2, self.epsilon, self.form = rate, beta1, beta2, epsilon, form
        self.m, self.v, self.t = {}, {}, 0

    def update(self, weights, gradients):
        self.t += 1
        root = math.sqrt(1 - self.beta2 ** self.t)
        for name, gradient in gradients.items():
            self.m[name] = self.beta1 * self.m.get(name, 0) + (1 - self.beta1) * gradient
            self.v[name] = self.beta2 * self.v.get(name, 0) + (1 - self.beta2) * gradient ** 2
            epsilon = self.epsilon * (root if self.form == 'torch' else 1)
            weights[name] = weights[name] - (
                self.rate * root / (1 - self.beta1 ** self.t) * self.m[name] / (np.sqrt(self.v[name]) + epsilon))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softplus(x):
    return np.logaddexp(0, x)


class HandMade:
    """The same GAN with its gradients written out."""

    def __init__(self, weights, objective, cfg):
        self.weights = {name: weights[name].astype(np.float64) for name in (
            'generator/lin/Matrix', 'generator/lin/bias', 'discriminator/lin/Matrix', 'discriminator/lin/bias')}
        self.objective = objective
        rates = {'d': cfg.d_lr, 'g': cfg.g_lr}
        adam = lambda rate: Adam(rate, cfg.beta1, objective.beta2, objective.adam_epsilon, objective.epsilon_form)
        one = adam(cfg.learning_rate)
        self.adam = {player: one if objective.shared_optimizer else adam(rates[player]) for player in 'dg'}

    def generate(self, z):
        return np.tanh(z @ self.weights['generator/lin/Matrix'] + self.weights['generator/lin/bias'])

    def critic(self, x):
        return x @ self.weights['discriminator/lin/Matrix'] + self.weights['discriminator/lin/bias']

    def step(self, index, real, z, fresh):
        real, used, metrics = real.reshape(-1, PIXELS).astype(np.float64), None, {}
        for number, update in enumerate(self.objective.updates):
            if index % update.every:
                continue
            if used is None or update.fake == 'current':
                used = fresh.get(number, z).astype(np.float64)
                fake = self.generate(used)
            if update.player == 'd':
                x = np.concatenate([real, fake])
                labels = np.concatenate([np.ones((len(real), 1)), np.zeros((len(fake), 1))])
                counts = np.concatenate([np.full((len(real), 1), len(real)), np.full((len(fake), 1), len(fake))])
                logits = self.critic(x)
                metrics.update(d_loss_real=softplus(-logits[:len(real)]).mean(),
                               d_loss_fake=softplus(logits[len(real):]).mean())
                metrics.update(d_loss=metrics['d_loss_real'] + metrics['d_loss_fake'],
                               d_accuracy_real=(logits[:len(real)] > 0).mean(),
                               d_accuracy_fake=(logits[len(real):] < 0).mean())
                error = (sigmoid(logits) - labels) / counts
                gradients = {'discriminator/lin/Matrix': x.T @ error, 'discriminator/lin/bias': error.sum(0)}
            else:
                logits = self.critic(fake)
                metrics['g_loss'] = softplus(-logits).mean()
                error = (sigmoid(logits) - 1) / len(logits) @ self.weights['discriminator/lin/Matrix'].T
                # the images of an earlier generator have no gradient in today's weights but theirs: see the schedules below
                error = error * (1 - fake ** 2)
                gradients = {'generator/lin/Matrix': used.T @ error, 'generator/lin/bias': error.sum(0)}
            self.adam[update.player].update(self.weights, gradients)
        return metrics


D, G = Update('d'), Update('g')
SCHEDULES = {
    'D-G-G': (dict(updates=(D, G, G)), {}),
    'D-G': (dict(updates=(D, G)), {}),
    'G-D-previous': (dict(updates=(G, Update('d', fake='previous'))), {}),
    'D-D-G fresh': (dict(updates=(Update('d', z='fresh'), Update('d', z='fresh'), Update('g', z='fresh'))), {}),
    'D fresh-G-G': (dict(updates=(Update('d', z='fresh'), G, G)), {}),
    'G every 3': (dict(updates=(D, Update('g', every=3))), {}),
    'D every 3 fresh': (dict(updates=(Update('d', every=3, z='fresh'), Update('g', z='fresh')), epsilon_form='torch'),
                        {}),
    'G every 2, D-previous': (dict(updates=(Update('g', every=2), Update('d', fake='previous'))), {}),
    'fresh, previous, current': (dict(updates=(Update('d', z='fresh'), Update('d', fake='previous'), G, D)), {}),
    'shared optimizer': (dict(updates=(G, Update('d', fake='previous')), shared_optimizer=True, adam_epsilon=1e-7), {}),
    'two fake batches': (dict(updates=(D, G), fake_batches=2), {}),
    'torch epsilon': (dict(updates=(D, G), epsilon_form='torch', adam_epsilon=0.01, beta2=0.9), {}),
    'tf epsilon': (dict(updates=(D, G), adam_epsilon=0.01, beta2=0.99), {}),
    'two rates': (dict(updates=(D, G)), dict(d_learning_rate=0.01, g_learning_rate=0.003, beta1=0.0)),
    '--d_steps 2 --g_steps 1': (dict(updates=(D, G, G)), dict(d_steps=2, g_steps=1)),
    '--g_steps 3': (dict(updates=(G, Update('d', fake='previous'))), dict(g_steps=3)),
}


@pytest.mark.parametrize('name', SCHEDULES)
def test_steps_are_those_of_the_schedule(name):
    objective, settings = SCHEDULES[name]
    settings = {'learning_rate': 0.05, **settings}
    with Built(tiny(*objective['updates'], **{key: value for key, value in objective.items() if key != 'updates'}),
               **settings) as built:
        hand = HandMade(built.values(), built.gan.objective, built.gan.cfg)
        for index in range(5):
            metrics, (real, z, fresh) = built.run(index, built.gan.inputs, built.gan.z, built.gan.fresh_z)
            expected = hand.step(index, real, z, fresh)
            assert set(metrics) == set(expected)
            for key, value in expected.items():
                assert metrics[key] == pytest.approx(value, rel=2e-4, abs=2e-5), (index, key)
        values = built.values()
        for key, value in hand.weights.items():
            np.testing.assert_allclose(values[key], value, rtol=1e-3, atol=2e-4, err_msg=key)
        assert values['global_step'] == 5
        for player, key in (('d', 'beta2_power'), ('g', 'beta2_power_1')):
            if not built.gan.objective.shared_optimizer and built.gan.objective.updates[0].player == 'd':
                np.testing.assert_allclose(values[key], built.gan.objective.beta2 ** (hand.adam[player].t + 1),
                                           rtol=1e-4)


def test_flags_change_the_schedule():
    objective = tiny(D, G, G).objective
    counts = lambda cfg: ''.join(update.player for update in plugins.with_flags(objective, cfg).updates)
    assert counts(Config()) == 'dgg' and counts(Config(d_steps=1, g_steps=2)) == 'dgg'
    assert counts(Config(d_steps=3)) == 'dddgg' and counts(Config(g_steps=1)) == 'dg'
    alternating = dataclasses.replace(objective, updates=(D, G, D, G))
    assert ''.join(u.player for u in plugins.with_flags(alternating, Config(g_steps=1)).updates) == 'dgd'
    assert plugins.with_flags(objective, Config(loss='hinge')).loss is losses.hinge
    assert plugins.with_flags(objective, Config()).loss is losses.non_saturating


def test_rates_of_their_own_need_optimizers_of_their_own():
    with pytest.raises(UserError, match='--d_learning_rate.*--learning_rate'):
        plugins.with_flags(tiny(G, D, shared_optimizer=True).objective, Config(d_learning_rate=0.1))


def test_the_images_of_g_are_made_once_for_d_and_the_first_g():
    for updates, passes in (((D, G, G), 2), ((D, D, G), 1), ((G, Update('d', fake='previous')), 1), ((G, D), 2),
                            ((Update('d', z='fresh'), Update('g', z='fresh')), 2)):
        _generator.calls = 0
        with Built(tiny(*updates)):
            assert _generator.calls == passes, updates


def test_fake_batches_draw_so_many_images():
    with Built(tiny(D, G, fake_batches=3)) as built:
        _, (z,) = built.run(0, built.gan.z)
        assert z.shape == (3 * BATCH, Z)


def test_steps_of_one_kind_are_built_once():
    with Built(tiny(D, Update('g', every=3))) as built:
        size = len(built.sess.graph.get_operations())
        assert built.gan.period == 3
        assert built.gan.step(0) is built.gan.step(3) and built.gan.step(1) is built.gan.step(5)
        assert built.gan.step(0) is not built.gan.step(1)
        assert len(built.sess.graph.get_operations()) == size, 'nothing is added to the graph while training'


def test_each_update_of_a_step_sees_the_same_real_images():
    images = noise_images(BATCH)
    with Built(tiny(D, D, G), data.from_arrays(images)) as built:
        _, (real, again) = built.run(0, built.gan.inputs, tf.identity(built.gan.inputs))
        np.testing.assert_array_equal(real, again)
        back = np.rint((real + 1) * 127.5).astype(np.uint8)
        assert sorted(image.tobytes() for image in back) == sorted(image.tobytes() for image in images)


# ------------------------------------------------------------------------------------------------ randomness and resume

def draws(start, steps, seed=0, **settings):
    with Built(tiny(Update('d', z='fresh'), G), start_step=start, seed=seed, **settings) as built:
        built.load({'global_step': start})
        return [built.run(index, built.gan.z, built.gan.fresh_z[0], built.gan.inputs)[1]
                for index in range(start, start + steps)]


def test_randomness_depends_on_seed_and_step_alone():
    whole, later, other = draws(0, 4), draws(2, 2), draws(0, 1, seed=1)
    for step, resumed in zip(whole[2:], later):
        for a, b in zip(step, resumed):
            np.testing.assert_array_equal(a, b)
    streams = [step[0] for step in whole] + [step[1] for step in whole] + [other[0][0], other[0][1]]
    for a, b in itertools.combinations(streams, 2):
        assert np.abs(a - b).max() > 1e-3


@pytest.mark.parametrize('z_dist, low, high, mean, deviation', [
    ('uniform_signed', -1, 1, 0, 1 / math.sqrt(3)), ('uniform_unsigned', 0, 1, 0.5, 1 / math.sqrt(12)),
    ('normal01', -6, 6, 0, 1)])
def test_z_has_the_distribution_asked_for(z_dist, low, high, mean, deviation):
    z = draws(0, 1, z_dist=z_dist, z_dim=5000)[0][0]
    assert low <= z.min() and z.max() <= high
    assert z.mean() == pytest.approx(mean, abs=0.03) and z.std() == pytest.approx(deviation, rel=0.03)


def _conv_generator(z, y, cfg, training):
    h = tf.nn.relu(ops.batch_norm(name='bn')(tf.reshape(ops.linear(z, 8, 'lin'), [-1, 1, 1, 8]), train=training))
    return tf.tanh(ops.deconv2d(h, [tf.shape(z)[0], SIDE, SIDE, 1], name='up'))


def _conv_discriminator(x, y, cfg, training):
    h = ops.lrelu(ops.batch_norm(name='bn')(ops.conv2d(x, 8, d_h=1, d_w=1, name='conv'), train=training))
    h = ops.dropout(h, 0.5, training)
    return ops.linear(tf.reshape(h, [-1, 8 * PIXELS]), 1, 'lin')


CONVOLUTIONAL = tiny(D, Update('d', z='fresh'), G, generator=_conv_generator, discriminator=_conv_discriminator)


def test_a_resumed_run_repeats_the_uninterrupted_one():
    dataset, settings = data.from_arrays(noise_images(10)), dict(learning_rate=0.01)
    with Built(CONVOLUTIONAL, dataset, **settings) as built:
        for index in range(2):
            built.run(index)
        middle = built.values()
        expected_metrics = [built.run(index)[0] for index in (2, 3)]
        expected = built.values()
    with Built(CONVOLUTIONAL, dataset, start_step=2, **settings) as built:
        built.load(middle)
        assert [built.run(index)[0] for index in (2, 3)] == expected_metrics
        for variable, value in built.values().items():
            np.testing.assert_array_equal(value, expected[variable], err_msg=variable)


def test_one_seed_gives_one_start_and_another_another():
    starts = []
    for seed in (0, 0, 1):
        with Built(CONVOLUTIONAL, seed=seed) as built:
            starts.append(built.values())
    for name in starts[0]:
        np.testing.assert_array_equal(starts[0][name], starts[1][name])
    assert np.abs(starts[0]['generator/up/w'] - starts[2]['generator/up/w']).max() > 0


# ------------------------------------------------------------------------------------------------ batch norm's averages

def _norm_generator(z, y, cfg, training):
    """Batch norm sits on z itself, so its averages are those of z."""
    h = ops.batch_norm(name='bn', momentum=0.5)(z, train=training)
    return tf.reshape(tf.tanh(ops.linear(h, PIXELS, 'lin')), [-1, SIDE, SIDE, 1])


def _norm_discriminator(x, y, cfg, training):
    h = ops.batch_norm(name='bn', momentum=0.5)(tf.reshape(x, [-1, PIXELS]), train=training)
    return ops.linear(h, 1, 'lin')


def test_every_pass_of_the_schedule_moves_the_averages_once_and_in_order():
    captured = []

    def capture(z, y, cfg, training):
        images = _norm_generator(z, y, cfg, training)
        if training:
            captured.append(images)
        return images

    with Built(tiny(D, G, G, generator=capture, discriminator=_norm_discriminator), learning_rate=0.05) as built:
        _, (real, z, (first, second)) = built.run(0, built.gan.inputs, built.gan.z, captured[:2])
        assert np.abs(first - second).max() > 1e-3
        moving = 0.0
        for images in (real, first, first, second):         # D on real, on fake; G's first; G's second, with the new images
            moving = 0.5 * moving + 0.5 * images.reshape(BATCH, -1).mean(0)
        np.testing.assert_allclose(built.values()['discriminator/bn/moving_mean'], moving, rtol=1e-4, atol=1e-6)
        moving = 0.75 * z.mean(0)                           # G made images twice
        np.testing.assert_allclose(built.values()['generator/bn/moving_mean'], moving, rtol=1e-4, atol=1e-6)


def test_a_critic_that_stands_by_moves_nothing():
    with Built(tiny(Update('g', critic_training=False), Update('d', fake='previous'), generator=_norm_generator,
                    discriminator=_norm_discriminator)) as built:
        _, (real, z) = built.run(0, built.gan.inputs, built.gan.z)
        expected = 0.25 * real.reshape(BATCH, -1).mean(0)       # then the fakes' mean on top, which the weights before made
        values = built.values()
        assert np.abs(values['discriminator/bn/moving_mean'] - expected).max() <= 0.5
        np.testing.assert_allclose(values['generator/bn/moving_mean'], 0.5 * z.mean(0), rtol=1e-4, atol=1e-6)


def test_the_sampler_uses_the_averages_and_moves_nothing():
    with Built(tiny(generator=_norm_generator, discriminator=_norm_discriminator)) as built:
        built.load({'generator/bn/moving_mean': np.float32([1, 2, 3]),
                    'generator/bn/moving_variance': np.float32([4, 1, 9])})
        z = np.random.default_rng(0).standard_normal((7, Z)).astype(np.float32)
        before = built.values()
        images = built.sess.run(built.gan.sampler, {built.gan.z: z})
        h = (z - [1, 2, 3]) / np.sqrt(np.float32([4, 1, 9]) + 1e-5)
        expected = np.tanh(h @ before['generator/lin/Matrix'] + before['generator/lin/bias']).reshape(7, SIDE, SIDE, 1)
        np.testing.assert_allclose(images, expected, rtol=1e-4, atol=1e-5)
        for name, value in built.values().items():
            np.testing.assert_array_equal(value, before[name], err_msg=name)


# ------------------------------------------------------------------------------------------------ summaries

def test_the_summary_has_upstreams_tags():
    with Built(tiny(), G_img_sum=True) as built:
        step = built.gan.step(0)
        summary = tf.Summary.FromString(built.sess.run([step.summary, step.train_op])[0])
    values = {value.tag: value for value in summary.value}
    assert {'d_loss_real', 'd_loss_fake', 'd_loss', 'g_loss', 'z', 'd', 'd_'} <= set(values)
    assert any(tag.startswith('G/image') for tag in values)
    assert values['z'].histo.num == BATCH * Z and values['d'].histo.num == values['d_'].histo.num == BATCH


def test_a_step_without_d_still_has_a_summary():
    with Built(tiny(Update('d', every=2), G)) as built:
        step = built.gan.step(1)
        tags = {value.tag for value in tf.Summary.FromString(built.sess.run(step.summary)).value}
        assert 'g_loss' in tags and 'd_loss' not in tags and 'd_' in tags


# ------------------------------------------------------------------------------------------------ faulty plugins

def _other_name(z, y, cfg, training):
    return {'images': _generator(z, y, cfg, training)}


@pytest.mark.parametrize('changes, words', [
    (dict(generator=lambda *a: _generator(*a)[:, :1]), r'generator returns \(.*, 1, 2, 1\), expected \[B, 2, 2, 1\]'),
    (dict(generator=lambda *a: tf.reshape(_generator(*a), [-1, PIXELS])),
     r'generator returns .*expected \[B, 2, 2, 1\]'),
    (dict(generator=lambda *a: tf.tile(_generator(*a), [1, 1, 1, 3])), r'expected \[B, 2, 2, 1\].*--c_dim'),
    (dict(generator=_other_name), r'generator returns a dict'),
    (dict(discriminator=lambda *a: _discriminator(*a)[:, 0]), r'discriminator returns .*expected logits \[B, 1\]'),
    (dict(discriminator=lambda *a: tf.tile(_discriminator(*a), [1, 2])), r'expected logits \[B, 1\]'),
    (dict(discriminator=lambda *a: (_discriminator(*a), 1)), r'discriminator returns a tuple'),
    (dict(loss=losses.Loss(lambda gan: {'d_loss_real': tf.reduce_mean(gan.real_logits) * tf.get_variable('stray', [])},
                           losses.non_saturating.g_loss)), 'stray'),
    (dict(generator=lambda z, y, cfg, training: tf.zeros([BATCH, SIDE, SIDE, 1]) + z[0, 0]),
     'generator has no trainable variables'),
    (dict(generator=lambda *a: [_generator(*a), tf.get_variable('idle', [2])][0]),
     'generator.*does not depend on.*generator/idle'),
])
def test_a_faulty_plugin_is_named_with_what_was_expected(changes, words):
    with pytest.raises(UserError, match=words) as error:
        with Built(tiny(**changes)):
            pass
    assert str(error.value).startswith('plugin tiny: ') and '\n' not in str(error.value)


# ------------------------------------------------------------------------------------------------ upstream's class

def folder_of_images(tmp_path, count=6, size=(10, 10), mode='RGB'):
    folder = tmp_path / 'some'
    folder.mkdir()
    for number in range(count):
        pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).convert(mode).save(folder / f'{number}.png')
    return dict(data_dir=str(tmp_path), dataset_name='some', input_fname_pattern='*.png', input_height=10,
                input_width=10,
                output_height=8, output_width=8, batch_size=4, z_dim=5, gf_dim=2, df_dim=2)


@pytest.fixture
def legacy(tmp_path):
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN(sess, **folder_of_images(tmp_path), checkpoint_dir=str(tmp_path / 'ck'),
                          out_dir=str(tmp_path / 'out'))
        sess.run(tf.global_variables_initializer())
        yield gan


def test_the_attributes_of_the_legacy_class(legacy):
    assert legacy.sess is tf.get_default_session() and legacy.y is None and legacy.sample_num == 64
    assert legacy.inputs.shape.as_list() == [4, 8, 8, 3] and legacy.z.shape.as_list() == [None, 5]
    assert legacy.G.shape.as_list()[1:] == legacy.sampler.shape.as_list()[1:] == [8, 8, 3]
    assert all(variable.op.name.startswith('discriminator/') for variable in legacy.d_vars)
    assert all(variable.op.name.startswith('generator/') for variable in legacy.g_vars)
    assert {*legacy.d_vars, *legacy.g_vars} == set(tf.trainable_variables())
    assert isinstance(legacy.saver, tf.train.Saver)
    rng = np.random.default_rng(0)
    feed = {legacy.inputs: rng.uniform(-1, 1, (4, 8, 8, 3)), legacy.z: rng.uniform(-1, 1, (4, 5))}
    d, d_, logits, logits_, real, fake, d_loss, g_loss, images = legacy.sess.run(
        [legacy.D, legacy.D_, legacy.D_logits, legacy.D_logits_, legacy.d_loss_real, legacy.d_loss_fake, legacy.d_loss,
         legacy.g_loss, legacy.G], feed)
    np.testing.assert_allclose([d, d_], [sigmoid(logits), sigmoid(logits_)], rtol=1e-5)
    assert d.shape == (4, 1) and images.min() >= -1 and images.max() <= 1
    np.testing.assert_allclose([real, fake, g_loss], [softplus(-logits).mean(), softplus(logits_).mean(),
                                                      softplus(-logits_).mean()],
                               rtol=1e-5)
    assert d_loss == pytest.approx(real + fake)


@pytest.mark.parametrize('optim, moved, kept', [('d_optim', 'discriminator/', 'generator/'),
                                                ('g_optim', 'generator/', 'discriminator/')])
def test_one_optimizer_moves_one_player(legacy, optim, moved, kept):
    operation = getattr(legacy, optim)
    trained = {variable.op.name: variable for variable in tf.trainable_variables()}
    legacy.sess.run(tf.global_variables_initializer())
    before = legacy.sess.run(trained)
    rng = np.random.default_rng(0)
    legacy.sess.run(operation, {legacy.inputs: rng.uniform(-1, 1, (4, 8, 8, 3)), legacy.z: rng.uniform(-1, 1, (4, 5))})
    after = legacy.sess.run(trained)
    changed = {name for name in trained if np.abs(after[name] - before[name]).max() > 0}
    assert changed and all(name.startswith(moved) for name in changed)
    assert {name for name in trained if name.startswith(moved)} - changed <= {name for name in trained if 'bias' in name}
    assert all(np.abs(after[name] - before[name]).max() < 1.1 * legacy.cfg.learning_rate for name in changed)


def test_the_sampler_takes_any_number_of_z(legacy):
    for count in (1, 4, 9):
        assert legacy.sess.run(legacy.sampler, {legacy.z: np.zeros((count, 5))}).shape == (count, 8, 8, 3)


def test_channels_come_from_the_files_and_not_from_c_dim(tmp_path):
    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN(sess, **folder_of_images(tmp_path, mode='L'), c_dim=3)
        assert gan.inputs.shape.as_list() == [4, 8, 8, 1]


def test_no_data_is_an_error_that_names_the_place_and_the_pattern(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = {**folder_of_images(tmp_path), 'input_fname_pattern': '*.gif'}
    with tf.Graph().as_default(), session() as sess:
        with pytest.raises(UserError, match=r'some.*\*\.gif.*\*\.png'):
            model.DCGAN(sess, **settings)
        with pytest.raises(UserError, match='no folder'):
            model.DCGAN(sess, **{**settings, 'dataset_name': 'none'})
    assert not os.path.exists('out')


def test_a_conditional_gan_takes_labels(tmp_path):
    dataset = data.from_arrays(noise_images(12, 8), np.arange(12) % 3, num_classes=3)
    with Built(plugins.load('mnist'), dataset, labels='builtin', output_height=8) as built:
        gan = built.gan
        assert gan.cfg.y_dim == 3 and gan.y.shape.as_list() == [None, 3]
        metrics, (y,) = built.run(0, gan.y)
        assert y.shape == (BATCH, 3) and (y.sum(1) == 1).all() and set(metrics) >= {'d_loss', 'g_loss'}
        z = np.zeros((2, Z))
        images = built.sess.run(gan.sampler, {gan.z: z, gan.y: np.eye(3)[:2]})
        assert images.shape == (2, 8, 8, 1) and np.abs(images[0] - images[1]).max() > 0


def test_a_conditional_plugin_without_labels_says_what_to_give():
    with pytest.raises(UserError, match='--labels folder'):
        with Built(plugins.load('mnist'), data.from_arrays(noise_images(12, 8)), output_height=8):
            pass
    with pytest.raises(UserError, match='not conditional'):
        with Built(tiny(), labels='folder'):
            pass
