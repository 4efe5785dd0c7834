"""DCGAN: the graph of one GAN. Networks in their scopes, the schedule of updates as one train op, the legacy class API.

Only graph construction is here; the loop is in training.py, checkpoints are in checkpoints.py.
"""
import contextlib
import dataclasses
import functools
import math
import os
import time

import checkpoints
import data
import ops
import plugins
from config import Config, expand_path, flag_fields
from errors import UserError
from tf1 import make_deterministic, tf

SCOPES = {'d': 'discriminator/', 'g': 'generator/'}
SQUASHED = {'Tanh': (-1, 1), 'Sigmoid': (0, 1)}     # the range that a last op leaves


def generate(plugin, cfg, z, y, training):
    """Images [N,H,W,C] of z [N,z_dim] and y [N,y_dim] or None; the generator's variables are under generator/."""
    with _network(plugin, 'g'):
        images = plugin.generator(z, y, cfg, training)
    expected = [cfg.output_height, cfg.output_width, cfg.c_dim]
    if not tf.is_tensor(images) or images.shape.rank != 4 or not images.shape[1:].is_compatible_with(expected):
        raise UserError(f'plugin {plugin.name}: PLUGIN.generator returns {_described(images)}, expected [B, {expected[0]}, '
                        f'{expected[1]}, {expected[2]}]: see --output_height, --output_width and --c_dim')
    squashed = SQUASHED.get(images.op.type, plugin.value_range)
    if tuple(plugin.value_range) != squashed:
        raise UserError(f'plugin {plugin.name}: PLUGIN.value_range is {plugin.value_range}, expected {squashed}, for '
                        f'PLUGIN.generator ends in {images.op.type.lower()}')
    return images


def logits(plugin, cfg, x, y, training):
    """Logits [N,1] of images x [N,H,W,C]; the discriminator's variables are under discriminator/."""
    with _network(plugin, 'd'):
        output = plugin.discriminator(x, y, cfg, training)
    if not tf.is_tensor(output) or not output.shape.is_compatible_with([None, 1]):
        raise UserError(f'plugin {plugin.name}: PLUGIN.discriminator returns {_described(output)}, expected logits [B, 1]')
    return output


@contextlib.contextmanager
def _network(plugin, player):
    """The variable scope of a player; new variables outside it are an error."""
    before = {variable.ref() for variable in tf.global_variables()}
    with tf.variable_scope(SCOPES[player][:-1], reuse=tf.AUTO_REUSE):
        yield
    strays = [variable.op.name for variable in tf.global_variables()
              if variable.ref() not in before and not variable.op.name.startswith(SCOPES[player])]
    if strays:
        field = SCOPES[player][:-1]
        raise UserError(f'plugin {plugin.name}: PLUGIN.{field} makes {", ".join(sorted(strays))}, expected all its variables under '
                        f'{SCOPES[player]}: make them with tf.get_variable or the layers of ops.py')


def _described(output):
    return output.shape if tf.is_tensor(output) else f'a {type(output).__name__}'


def variables_of(player):
    """The trainable variables of 'd' or 'g', by scope."""
    return [variable for variable in tf.trainable_variables() if variable.op.name.startswith(SCOPES[player])]


@dataclasses.dataclass(frozen=True)
class Step:
    """One pass of the schedule: what one session.run fetches.

    train_op: all updates in order, then global_step += 1.
    metrics: {name: scalar} that the updates compute anyway: d_loss and its parts, g_loss, D's accuracies.
    summary: the same and some histograms as a serialized TensorBoard summary.
    """
    train_op: object
    metrics: dict
    summary: object


class Adversaries:
    """What the losses of one update see: `gan` in plugins.Objective. Logits are built when they are first read."""

    def __init__(self, model, z, fake, fake_y, critic_training=True):
        self.cfg, self.real, self.y = model.cfg, model.inputs, model.real_y
        self.z, self.fake, self.fake_y = z, fake, fake_y
        self._critic = lambda x, y: logits(model.plugin, model.cfg, x, y, critic_training)
        self.known_logits = {}

    def critic(self, x, y=None):
        """D's logits of any images x, in the training mode of this update."""
        return self._critic(x, y)

    @property
    def real_logits(self):
        return self._once('real', self.real, self.y)

    @property
    def fake_logits(self):
        return self._once('fake', self.fake, self.fake_y)

    def _once(self, name, images, y):
        if name not in self.known_logits:
            self.known_logits[name] = self.critic(images, y)
        return self.known_logits[name]


class AdamTorchEpsilon(tf.train.AdamOptimizer):
    """Adam with epsilon beside the corrected root, sqrt(v / (1 - beta2^t)) + eps (Kingma and Ba 2014, Algorithm 1; PyTorch).

    TensorFlow's kernel adds its epsilon to the uncorrected sqrt(v), so it is handed eps * sqrt(1 - beta2^t).
    """

    def _prepare(self):
        super()._prepare()
        beta2_power = self._get_beta_accumulators()[1]
        self._epsilon_t = self._epsilon * tf.sqrt(1.0 - beta2_power)


class DCGAN:
    """One GAN in the default graph, with the attributes of DCGAN-tensorflow's class.

    inputs [B,H,W,C] and y [B,y_dim] (fed, or the next batch of the data), z [N,z_dim] (fed, or drawn from z_dist keyed by
    seed and step), G (training mode), sampler (inference mode), D and D_ (probabilities of real and fake), D_logits, D_logits_
    [B,1], d_loss_real, d_loss_fake, d_loss, g_loss, d_optim, g_optim, d_vars, g_vars, saver; plus step(index), cfg, dataset.
    """

    def __init__(self, sess, input_height=108, input_width=108, crop=True, batch_size=64, sample_num=64,
                 output_height=64, output_width=64, y_dim=None, z_dim=100, gf_dim=64, df_dim=64, gfc_dim=1024,
                 dfc_dim=1024, c_dim=3, dataset_name='default', max_to_keep=1, input_fname_pattern='*.jpg',
                 checkpoint_dir='ckpts', sample_dir='samples', out_dir='./out', data_dir='./data'):
        """As in DCGAN-tensorflow, model.py; as there, the number of channels comes from the files and not from c_dim.

        Raises UserError when there is no data, naming folder and pattern.
        """
        plugin = plugins.load('mnist' if y_dim else plugins.DEFAULT)
        cfg = Config(
            dataset=dataset_name, data_dir=data_dir, input_fname_pattern=input_fname_pattern, crop=crop,
            input_height=input_height, input_width=input_width, output_height=output_height, output_width=output_width,
            batch_size=batch_size, z_dim=z_dim, gf_dim=gf_dim, df_dim=df_dim, gfc_dim=gfc_dim, dfc_dim=dfc_dim,
            max_to_keep=max_to_keep, checkpoint_dir=checkpoint_dir, sample_dir=sample_dir, out_dir=out_dir,
            plugin=plugin.name).resolved()
        self.sample_num = sample_num
        self._build(sess, cfg, plugin, plugin.open_dataset(cfg))

    @classmethod
    def from_config(cls, sess, cfg, plugin, dataset, start_step=0):
        """The training graph of a resolved Config, its plugin and its data, which it reads from step `start_step` on."""
        make_deterministic()      # not in the constructor: in a script of its own, other graphs may draw without a seed
        self = cls.__new__(cls)
        self.sample_num = cfg.batch_size
        self._build(sess, cfg, plugin, dataset, start_step)
        return self

    # -------------------------------------------------------------------------------------------------- graph

    def _build(self, sess, cfg, plugin, dataset, start_step=0):
        self.sess, self.plugin, self.dataset = sess, plugin, dataset
        self.cfg = cfg = cfg.with_data(dataset, plugins.classes(plugin, cfg, dataset))
        self.objective = plugins.with_flags(plugin.objective, cfg)
        tf.set_random_seed(cfg.seed)       # of the initialisers; all else random is keyed by (seed, step)
        self.global_step = tf.train.get_or_create_global_step()

        self._build_inputs(start_step)
        self._optimizers, self._steps = {}, {}
        self.period = math.lcm(*(update.every for update in self.objective.updates))
        for index in range(self.period):
            self.step(index)
        self.sampler = generate(plugin, cfg, self.z, self.y, training=False)
        self.d_vars, self.g_vars = variables_of('d'), variables_of('g')
        self._check_partition()
        self.saver = tf.train.Saver(max_to_keep=cfg.max_to_keep, save_relative_paths=True)

    def _build_inputs(self, start_step):
        cfg = self.cfg
        clock = lambda: tf.numpy_function(time.monotonic, [], tf.float64)      # tf.timestamp is refused where ops are deterministic
        asked = clock()
        with tf.control_dependencies([asked]):
            images, labels = data.batches(self.dataset, cfg.batch_size, cfg.seed, start_step, self.plugin.value_range)
        with tf.control_dependencies([images]):
            arrived = clock()
        self.input_wait = arrived - asked    # seconds that the step waited for its images
        with tf.control_dependencies([arrived]):      # the step starts after it, so that nothing but the wait is measured
            images = tf.identity(images)
            self._key = tf.stack([tf.constant(cfg.seed, tf.int64), self.global_step.read_value()])    # of all that is random
        self.inputs = tf.placeholder_with_default(images, [cfg.batch_size, cfg.output_height, cfg.output_width, cfg.c_dim],
                                                  name='real_images')
        self.y = tf.placeholder_with_default(labels, [None, cfg.y_dim], name='y') if cfg.y_dim else None
        self.real_y = tf.ensure_shape(self.y, [cfg.batch_size, cfg.y_dim]) if cfg.y_dim else None
        self.z = tf.placeholder_with_default(self._draw_z(0), [None, cfg.z_dim], name='z')
        self.fresh_z = {number: tf.placeholder_with_default(self._draw_z(number + 1), [None, cfg.z_dim], name=f'z_{number}')
                        for number, update in enumerate(self.objective.updates) if update.z == 'fresh'}

    def _draw_z(self, stream):
        """z of this step, for all fake batches; each stream is independent of the others."""
        size = [self.objective.fake_batches * self.cfg.batch_size, self.cfg.z_dim]
        key = tf.random.experimental.stateless_fold_in(self._key, stream)
        if self.cfg.z_dist == 'normal01':
            return tf.random.stateless_normal(size, key)
        return tf.random.stateless_uniform(size, key, -1.0 if self.cfg.z_dist == 'uniform_signed' else 0.0, 1.0)

    def step(self, index):
        """The Step of batch number `index` (from 0), with the updates whose turn it is."""
        active = tuple(number for number, update in enumerate(self.objective.updates) if index % update.every == 0)
        if active not in self._steps:
            self._steps[active] = self._build_step(active)
        return self._steps[active]

    def _build_step(self, active):
        """The updates `active` in order, each reading the variables as the update before it left them."""
        last, done, g_moved, metrics, adversaries = None, [], False, {}, {}
        for number in active:
            update, player = self.objective.updates[number], self.objective.updates[number].player
            with tf.control_dependencies(done), tf.name_scope(f'{player}_update_{number}'), \
                    ops.collect_updates() as moving, ops.random_key(self._stream_key(number)):
                z = last.z if last and update.fake == 'previous' else self.fresh_z.get(number, self.z)
                if last is None or update.fake == 'current' and (g_moved or last.z is not z):
                    fake, fake_y = self._fake(z)
                    g_moved = False
                else:
                    fake, fake_y = last.fake, last.fake_y      # the generator has not changed since: no second forward pass
                gan = last = adversaries[player] = Adversaries(self, z, fake, fake_y, update.critic_training)
                loss, terms = self._loss(player, gan)
                metrics.update(terms)
                done = [self._minimize(player, loss)] + moving
                g_moved = g_moved or player == 'g'
                if player == 'd':
                    metrics.update(_accuracies(gan))
        with tf.control_dependencies(done):
            train_op = self.global_step.assign_add(1, read_value=False)
        return Step(train_op, metrics, _summary(self.cfg, adversaries.get('d', last), metrics))

    def _stream_key(self, number):
        return tf.random.experimental.stateless_fold_in(self._key, 1000 + number)    # apart from the streams of z

    def _fake(self, z):
        batches = self.objective.fake_batches
        z = tf.ensure_shape(z, [batches * self.cfg.batch_size, self.cfg.z_dim])
        y = self.real_y if self.real_y is None or batches == 1 else tf.tile(self.real_y, [batches, 1])
        return generate(self.plugin, self.cfg, z, y, training=True), y

    def _loss(self, player, gan):
        if player == 'g':
            loss = self.objective.loss.g_loss(gan)
            return loss, {'g_loss': loss}
        terms = self.objective.loss.d_loss(gan)
        loss = tf.add_n(list(terms.values()))
        return loss, {**terms, 'd_loss': loss}

    def _minimize(self, player, loss):
        """One Adam update of a player's variables."""
        variables = variables_of(player)
        if not variables:
            raise UserError(f'plugin {self.plugin.name}: PLUGIN.{SCOPES[player][:-1]} has no trainable variables')
        gradients = tf.gradients(loss, variables)
        unused = [variable.op.name for variable, gradient in zip(variables, gradients) if gradient is None]
        if unused:
            raise UserError(f'plugin {self.plugin.name}: PLUGIN.{SCOPES[player][:-1]} has variables that its loss does not depend on: '
                            f'{", ".join(unused)}')
        return self._optimizer(player, variables).apply_gradients(zip(gradients, variables))

    def _optimizer(self, player, variables):
        key = 'both' if self.objective.shared_optimizer else player
        if key not in self._optimizers:
            adam = AdamTorchEpsilon if self.objective.epsilon_form == 'torch' else tf.train.AdamOptimizer
            rate = self.cfg.d_lr if player == 'd' else self.cfg.g_lr
            self._optimizers[key] = adam(rate, beta1=self.cfg.beta1, beta2=self.objective.beta2,
                                         epsilon=self.objective.adam_epsilon)
        with tf.name_scope(None), tf.init_scope():
            # Adam's own variables keep the names they have in TF1 checkpoints, which scopes around the update would change.
            self._optimizers[key]._create_slots(variables)
        return self._optimizers[key]

    def _check_partition(self):
        strays = set(tf.trainable_variables()) - set(self.d_vars) - set(self.g_vars)
        if strays:
            raise UserError(f'plugin {self.plugin.name}: every trainable variable must belong to PLUGIN.generator or '
                            f'PLUGIN.discriminator, created inside it: {", ".join(sorted(variable.op.name for variable in strays))}')

    # -------------------------------------------------------------------------------------------------- legacy API

    # Attributes and methods of upstream's class. As there, their passes move batch norm's averages whenever they run.

    @functools.cached_property
    def _gan(self):
        """The networks before any update of a step, in training mode."""
        with self.sess.graph.as_default():
            return Adversaries(self, self.z, *self._fake(self.z))

    @functools.cached_property
    def _legacy_losses(self):
        with self.sess.graph.as_default(), ops.random_key(self._key):
            return {**self._loss('d', self._gan)[1], **self._loss('g', self._gan)[1]}

    def _of_graph(make):
        """A property that adds its ops to the model's graph when it is first read."""
        def read(self):
            with self.sess.graph.as_default():
                return make(self)
        return functools.cached_property(read)

    def _of_config(name):
        """A property that reads a setting."""
        return property(lambda self: getattr(self.cfg, name))

    G = property(lambda self: self._gan.fake)
    D_logits = _of_graph(lambda self: self._gan.real_logits)
    D_logits_ = _of_graph(lambda self: self._gan.fake_logits)
    D = _of_graph(lambda self: tf.sigmoid(self.D_logits))
    D_ = _of_graph(lambda self: tf.sigmoid(self.D_logits_))
    d_loss_real = property(lambda self: self._legacy_losses['d_loss_real'])
    d_loss_fake = property(lambda self: self._legacy_losses['d_loss_fake'])
    d_loss = property(lambda self: self._legacy_losses['d_loss'])
    g_loss = property(lambda self: self._legacy_losses['g_loss'])
    d_optim = _of_graph(lambda self: self._minimize('d', self.d_loss))
    g_optim = _of_graph(lambda self: self._minimize('g', self.g_loss))

    batch_size, z_dim, c_dim, crop = map(_of_config, ('batch_size', 'z_dim', 'c_dim', 'crop'))
    input_height, input_width = map(_of_config, ('input_height', 'input_width'))
    output_height, output_width = map(_of_config, ('output_height', 'output_width'))
    gf_dim, df_dim, gfc_dim, dfc_dim = map(_of_config, ('gf_dim', 'df_dim', 'gfc_dim', 'dfc_dim'))
    dataset_name, input_fname_pattern, data_dir = map(_of_config, ('dataset', 'input_fname_pattern', 'data_dir'))
    out_dir, checkpoint_dir, sample_dir = map(_of_config, ('out_dir', 'checkpoint_dir', 'sample_dir'))
    max_to_keep = _of_config('max_to_keep')
    y_dim = property(lambda self: self.cfg.y_dim or None)
    grayscale = property(lambda self: self.cfg.c_dim == 1)
    model_dir = property(lambda self: f'{self.dataset_name}_{self.batch_size}_{self.output_height}_{self.output_width}')

    def discriminator(self, image, y=None, reuse=False):
        """(probabilities, logits), each [N,1], of images [N,H,W,C] in training mode; variables are shared, reuse or not."""
        with ops.random_key(self._key):
            output = logits(self.plugin, self.cfg, image, y, training=True)
        return tf.sigmoid(output), output

    def generator(self, z, y=None):
        """Images [N,H,W,C] of z [N,z_dim] in training mode."""
        with ops.random_key(self._key):
            return generate(self.plugin, self.cfg, z, y, training=True)

    def train(self, config):
        """Trains, or goes on with, the run in out_dir, and loads the outcome into this session.

        config: upstream's FLAGS or anything with some of its attributes: epoch, learning_rate, beta1, train_size,
        batch_size, z_dist, sample_freq, ckpt_freq, checkpoint_dir, sample_dir, G_img_sum, ...; what it lacks is as in
        this model. Each folder is where its path says, not inside another. Raises UserError, and SystemExit when a
        signal stopped it (the state is saved).
        """
        import training    # here: it builds on this module
        names = [field.name for field in flag_fields()
                 if field.metadata['group'] in ('Training', 'Run') or field.name in ('train_size', 'z_dist')]
        given = {name: getattr(config, name) for name in names if getattr(config, name, None) is not None}
        cfg = dataclasses.replace(self.cfg, **{**given, 'out_dir': self.out_dir}, c_dim='auto').resolved()
        out_dir, out_name = os.path.split(os.path.abspath(cfg.out_dir))
        cfg = dataclasses.replace(cfg, out_dir=out_dir, out_name=out_name,
                                  checkpoint_dir=os.path.abspath(cfg.checkpoint_dir),
                                  sample_dir=os.path.abspath(cfg.sample_dir))
        status = training.train(cfg, self.plugin)
        if status:
            raise SystemExit(status)
        self.load(cfg.checkpoint_dir)

    def save(self, checkpoint_dir, step, filename='model', ckpt=True, frozen=False):
        """Writes <checkpoint_dir>/<filename>.b<batch_size>-<step>; with frozen also the generator as ..._frz.pb."""
        import export      # here: they build on this module
        import sampling
        with self.sess.graph.as_default():
            if ckpt:
                checkpoints.save(self.sess, self.saver, checkpoint_dir, self.batch_size, step, self.max_to_keep,
                                 filename=filename)
            if frozen:
                path = os.path.join(checkpoint_dir, export.frozen_name(self.batch_size, step, filename))
                with sampling.Sampler.from_session(self.cfg, self.plugin, self.sess) as sampler:
                    export.write_frozen(sampler, path)

    def load(self, checkpoint_dir):
        """(True, step) after loading the newest readable checkpoint of a folder, a run or a file; (False, 0) when there is none."""
        print(' [*] Reading checkpoints...', checkpoint_dir)
        found = checkpoints.located(expand_path(checkpoint_dir))
        checkpoint = checkpoints.newest_readable(found)
        if checkpoint is None:
            print(' [*] Failed to find a checkpoint')
            return False, 0
        with self.sess.graph.as_default():
            variables = tf.global_variables()
            empty = set(self.sess.run(tf.report_uninitialized_variables(variables)))
            # What an old file has no value for starts fresh.
            self.sess.run([variable.initializer for variable in variables if variable.op.name.encode() in empty])
            checkpoints.restore(self.sess, variables, checkpoint)
        print(f' [*] Success to read {os.path.basename(checkpoint.prefix)}')
        return True, checkpoint.step


def _accuracies(gan):
    """Share of real and fake images that D tells right, from logits that the update has computed."""
    right = {'real': lambda x: x > 0, 'fake': lambda x: x < 0}
    return {f'd_accuracy_{name}': tf.reduce_mean(tf.cast(right[name](x), tf.float32))
            for name, x in gan.known_logits.items()}


def _summary(cfg, gan, metrics):
    """Upstream's tags; the raw ops take a tag as it is, where tf.summary would add scopes and numbers to it."""
    summaries = [tf.raw_ops.ScalarSummary(tags=name, values=value) for name, value in metrics.items()]
    summaries.append(tf.raw_ops.HistogramSummary(tag='z', values=gan.z))
    for tag, name in (('d', 'real'), ('d_', 'fake')):
        if name in gan.known_logits:
            summaries.append(tf.raw_ops.HistogramSummary(tag=tag, values=tf.sigmoid(gan.known_logits[name])))
    if cfg.G_img_sum:
        summaries.append(tf.raw_ops.ImageSummary(tag='G', tensor=gan.fake, max_images=3))
    return tf.raw_ops.MergeSummary(inputs=summaries)
