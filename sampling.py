"""Everything done with a trained generator: grids, single images, walks along z, the best of many by D's judgement.

No training data is needed. z comes from raw words of a counter-based generator, so that a seed means the same images
everywhere and for ever.
"""
import collections
import concurrent.futures
import dataclasses
import itertools
import math
import os
from typing import Callable

import numpy as np
from tqdm import tqdm

import checkpoint_names
import checkpoints
import export
import model
import plugins
from config import Config, flag_fields, grid_size, nearest
from errors import UserError
from tf1 import session, tf
from utils import image_grid, image_manifold_size, make_gif, timestamp, to_uint8, write_image

BATCH = 64              # images a session.run: large enough for the matmul rate, small enough for the caches
GRID = 64               # images of a grid when nothing else is asked
WRITERS = 4             # threads that encode and fsync PNG files: they mostly wait for the disk
GIF_SECONDS = 2         # length of a GIF of one dimension, as upstream
MERGED_SECONDS = 8      # length of the GIF of all of them, as upstream
MNIST_CLASSES = 10      # of an old conditional checkpoint without a record: upstream knew MNIST only
NOT_OF_THE_RUN = {'batch_size', 'seed'}     # what a command may set anew, beside what it asks to be done


# ------------------------------------------------------------------------------------------------ z and labels

def draw_z(z_dist, count, z_dim, seed, stream=0):
    """z of `z_dist`: float32 [count, z_dim], a function of the arguments alone; more rows go on where fewer ended.

    uniform_signed: U(-1,1), uniform_unsigned: U(0,1), normal01: N(0,1) by Box and Muller (1958). Streams are
    independent. Only the raw words of NumPy's Philox are promised to stay the same between versions, so they are
    scaled here.
    """
    words = np.random.Philox(key=np.array([seed % 2 ** 64, stream], np.uint64)).random_raw
    flat = np.empty(count * z_dim, np.float32)
    for start in range(0, flat.size, 2 ** 20):                      # in pieces: the words take more memory than z
        piece = flat[start:start + 2 ** 20]
        raw = words(piece.size + piece.size % 2)
        uniform = (raw >> np.uint64(40)).astype(np.float64) * 2.0 ** -24            # the upper 24 bits: [0, 1)
        if z_dist == 'normal01':
            radius = np.sqrt(-2.0 * np.log1p(-uniform[0::2]))       # sqrt(-2 ln u1), u1 in (0, 1]
            angle = 2.0 * np.pi * uniform[1::2]
            uniform = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()
        elif z_dist == 'uniform_signed':
            uniform = 2.0 * uniform - 1.0
        elif z_dist != 'uniform_unsigned':
            raise ValueError(f'z_dist {z_dist!r}')
        piece[:] = uniform[:piece.size]
    return flat.reshape(count, z_dim)


def one_hot(classes, y_dim):
    """int [N] → float32 [N, y_dim]."""
    return np.eye(y_dim, dtype=np.float32)[np.asarray(classes) % y_dim]


def grid_shape(count, y_dim=0, class_index=None):
    """(rows, columns) of a grid of about `count` images: a row a class for conditional models, else nearly square.

    A grid with a row a class has at least `count` cells, and all of them are meant to be filled.
    """
    if y_dim and class_index is None and y_dim <= count:
        return y_dim, math.ceil(count / y_dim)
    return image_manifold_size(count)


def labels_for_grid(y_dim, count, class_index=None, columns=None):
    """One-hot float32 [count, y_dim] for a grid with `columns` columns (grid_shape's if not given); None for y_dim 0.

    Row r shows class r modulo y_dim; with class_index every image shows that class.
    """
    if not y_dim:
        return None
    if class_index is not None:
        return one_hot(np.full(count, class_index), y_dim)
    if columns is None:
        columns = grid_shape(count, y_dim)[1] if y_dim <= count else 1
    return one_hot(np.arange(count) // columns, y_dim)


def fixed_sample(cfg):
    """(z [N, z_dim], y [N, y_dim] or None, columns): the images that training shows again and again, from --seed."""
    rows, columns = grid_size(cfg.grid) if cfg.grid else grid_shape(min(cfg.batch_size, GRID), cfg.y_dim)
    count = rows * columns if cfg.grid or cfg.y_dim else min(cfg.batch_size, GRID)
    y = labels_for_grid(cfg.y_dim, count, columns=columns)
    return draw_z(cfg.z_dist, count, cfg.z_dim, cfg.seed), y, columns


def scaled(images, from_range, to_range):
    """Images whose values lie in from_range (low, high) → float32 in to_range."""
    (low, high), (new_low, new_high) = from_range, to_range
    factor = np.float32((new_high - new_low) / (high - low))
    return (np.asarray(images, np.float32) - low) * factor + np.float32(new_low)


def class_number(name, y_dim, class_names=()):
    """--class: a number below y_dim or one of class_names → its number; None for ''. Raises UserError."""
    if not name:
        return None
    if not y_dim:
        raise UserError(f'--class={name}: this model is not conditional, it has no classes; leave --class out')
    lowered = [str(known).lower() for known in class_names]
    if name.lower() in lowered:
        return lowered.index(name.lower())
    if name.isdigit() and int(name) < y_dim:
        return int(name)
    names = f' or one of {", ".join(map(str, class_names))}' if any(not known.isdigit() for known in lowered) else ''
    raise UserError(f'--class={name}: expected a number from 0 to {y_dim - 1}{names}{nearest(name.lower(), lowered)}')


def read_z(path, z_dim):
    """--z_file: a .npy file → float32 [N, z_dim]. Nothing is ever unpickled. Raises UserError."""
    expected = f'expected a .npy file of finite numbers of shape [N, {z_dim}], as numpy.save writes'
    try:
        z = np.load(path, mmap_mode='r', allow_pickle=False)        # mapped: a huge file is judged by its header
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, 'strerror', None) or 'it is not a .npy file of numbers'
        raise UserError(f'--z_file={path}: {reason}; {expected}') from error
    if not isinstance(z, np.ndarray):
        raise UserError(f'--z_file={path}: an archive of several arrays; {expected}')
    if z.ndim != 2 or z.shape[1] != z_dim or not len(z) or z.dtype.kind not in 'fiu':
        raise UserError(f'--z_file={path}: {z.dtype} of shape {list(z.shape)}; {expected}')
    z = z.astype(np.float32)
    if not np.isfinite(z).all():
        raise UserError(f'--z_file={path}: row {int(np.argmin(np.isfinite(z).all(1)))} is not finite; {expected}')
    return z


# ------------------------------------------------------------------------------------------------ the generator

class Sampler:
    """The generator of a run in inference mode, in a graph and session of its own; a context manager.

    load: (sess, variables) -> None sets the variables, which are initialised before; see from_checkpoint.
    with_discriminator: also build D in inference mode, for scores.
    Tensors: z [N, z_dim], y [N, y_dim] or None, output [N,H,W,C] in plugin.value_range (named generator_1/Tanh or
    generator_1/Sigmoid, as in upstream's graph), images (placeholder), logits [N,1] of images or of output.
    """

    def __init__(self, cfg, plugin, load, with_discriminator=False):
        self.cfg, self.plugin, self.logits = cfg, plugin, None
        self.graph = tf.Graph()
        with self.graph.as_default():
            tf.set_random_seed(cfg.seed)            # of initialisers whose values load replaces
            self.z = tf.placeholder(tf.float32, [None, cfg.z_dim], name='z')
            self.y = tf.placeholder(tf.float32, [None, cfg.y_dim], name='y') if cfg.y_dim else None
            self.graph.unique_name('generator')     # upstream's first generator, so that this one is generator_1
            self.output = model.generate(plugin, cfg, self.z, self.y, training=False)
            if with_discriminator:
                shape = [None, cfg.output_height, cfg.output_width, cfg.c_dim]
                self.images_in = tf.placeholder_with_default(self.output, shape, name='images')
                self.logits = model.logits(plugin, cfg, self.images_in, self.y, training=False)
            self.variables = tf.global_variables()
            initialize = tf.variables_initializer(self.variables)
        self.sess = session(self.graph)
        try:
            self.sess.run(initialize)
            with self.graph.as_default():
                load(self.sess, self.variables)
        except BaseException:
            self.sess.close()
            raise

    @classmethod
    def from_checkpoint(cls, cfg, plugin, checkpoint, with_discriminator=False, warn=print):
        """The Sampler of a checkpoints.Checkpoint. Raises UserError when it does not fit."""
        load = lambda sess, variables: checkpoints.restore(sess, variables, checkpoint, warn)
        return cls(cfg, plugin, load, with_discriminator)

    @classmethod
    def from_session(cls, cfg, plugin, source):
        """The Sampler of the variables as they are in another session."""
        there = {variable.op.name: variable
                 for variable in source.graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)}

        def load(sess, variables):
            values = source.run([there[variable.op.name] for variable in variables])
            for variable, value in zip(variables, values):
                variable.load(value, sess)
        return cls(cfg, plugin, load)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sess.close()

    def feed(self, z, y=None):
        return {self.z: z} if self.y is None else {self.z: z, self.y: y}

    def images(self, z, y=None):
        """float32 [N,H,W,C] in plugin.value_range of any number of z (and y), BATCH at a time."""
        return np.concatenate([self.sess.run(self.output, self.feed(*part)) for part in _parts(z, y)])

    def scores(self, z, y=None):
        """D's logits of the images of z: float32 [N]; high = looks real to D."""
        return np.concatenate([self.sess.run(self.logits, self.feed(*part)) for part in _parts(z, y)])[:, 0]


def _parts(z, y):
    for start in range(0, len(z), BATCH):
        yield z[start:start + BATCH], None if y is None else y[start:start + BATCH]


def best_of(sampler, z, y, count, candidate_y=None):
    """The rows of z whose images D scores highest, best first: int [count].

    y: the labels of the `count` images wanted, one-hot or None; candidate_y: those of the candidates z. Each wanted
    image gets a candidate of its own class, and no candidate is taken twice.
    """
    scores = sampler.scores(z, candidate_y)
    wanted = np.zeros(count, int) if y is None else y.argmax(1)
    offered = np.zeros(len(z), int) if y is None else candidate_y.argmax(1)
    chosen = np.empty(count, int)
    for label in np.unique(wanted):
        places, candidates = np.flatnonzero(wanted == label), np.flatnonzero(offered == label)
        ranked = candidates[np.argsort(-scores[candidates], kind='stable')]
        chosen[places] = ranked[:len(places)]
    return chosen


# ------------------------------------------------------------------------------------------------ pictures

class Writers:
    """Threads that encode and write pictures while the next ones are computed; a context manager.

    submit waits while too many jobs are waiting, and raises what an earlier one raised; so does leaving.
    """

    def __enter__(self):
        self._pool, self._waiting = concurrent.futures.ThreadPoolExecutor(WRITERS), collections.deque()
        return self

    def submit(self, function, *arguments):
        while len(self._waiting) >= 2 * WRITERS:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(function, *arguments))

    def __exit__(self, kind, *_):
        try:
            while self._waiting and kind is None:
                self._waiting.popleft().result()
        finally:
            self._pool.shutdown(cancel_futures=True)


@dataclasses.dataclass(frozen=True)
class Walk:
    """What the options of --visualize show, whatever the images come from.

    images: (z [N, z_dim], y [N, y_dim] or None) -> images [N,H,W,C] in value_range.
    draw: (count, stream) -> z [count, z_dim].
    count: images of each grid, frames of each GIF. shape: (rows, columns) of the grids.
    """
    images: Callable
    draw: Callable
    z_dim: int
    y_dim: int
    count: int
    shape: tuple
    value_range: tuple
    class_index: int = None

    def write(self, option, folder):
        """Writes the pictures of 'walk', 'walk_gif', 'zero_gif' or 'merged_gif', named as upstream's; returns how many."""
        values = np.arange(self.count) / self.count             # 0..1, as upstream, whatever z_dist is
        dimensions = np.arange(self.z_dim)
        fixed = np.zeros((1, self.z_dim), np.float32)
        if option == 'walk_gif':
            fixed = self.draw(1, 0)
            dimensions = np.argsort(draw_z('uniform_unsigned', self.z_dim, 1, 0)[:, 0])     # random order, none twice
        kept = []
        with Writers() as writers:
            for dimension in tqdm(dimensions, desc=option, unit='picture', disable=None):
                walking = option == 'walk'
                z = self.draw(self.count, int(dimension) + 1) if walking else np.repeat(fixed, self.count, 0)
                z[:, dimension] = values
                images = to_uint8(self.images(z, self._labels(option, dimension)), self.value_range)
                if walking:
                    path = os.path.join(folder, f'test_arange_{dimension}.png')
                    writers.submit(_write_grid, path, images, *self.shape)
                else:
                    path = os.path.join(folder, f'test_gif_{dimension}.gif')
                    writers.submit(make_gif, images, path, GIF_SECONDS, True)
                if option == 'merged_gif':
                    kept.append(images)
        if option == 'merged_gif':
            frames = [image_grid(np.stack([images[number] for images in kept])) for number in range(self.count)]
            path = os.path.join(folder, 'test_gif_merged.gif')
            make_gif(frames + frames[::-1], path, MERGED_SECONDS, true_image=True)
        return self.z_dim + (option == 'merged_gif')

    def _labels(self, option, dimension):
        """A grid shows its classes by row; a GIF stays with one class, so that only the dimension moves."""
        if option == 'walk' or self.class_index is not None:
            return labels_for_grid(self.y_dim, self.count, self.class_index, self.shape[1])
        return labels_for_grid(self.y_dim, self.count, int(dimension) % self.y_dim if self.y_dim else None)


def _write_grid(path, images, rows, columns):
    write_image(path, image_grid(images, rows, columns))


def write_singles(folder, images_of, z, y, value_range):
    """One PNG for each row of z: folder/00000.png, 00001.png, ..., with a progress bar. images_of as Walk.images."""
    with Writers() as writers, tqdm(total=len(z), desc='images', unit='image', disable=None) as bar:
        for number, part in enumerate(_parts(z, y)):
            images = to_uint8(images_of(*part), value_range)
            for first in range(0, len(images), BATCH // WRITERS):
                some = images[first:first + BATCH // WRITERS]
                writers.submit(_write_numbered, folder, number * BATCH + first, some)
            bar.update(len(images))


def _write_numbered(folder, first, images):
    for number, image in enumerate(images, first):
        write_image(os.path.join(folder, f'{number:05d}.png'), image)


# ------------------------------------------------------------------------------------------------ commands

def command(cfg, typed, run, found, say=print):
    """main.py without --train: pictures, export and freeze of the newest readable checkpoint of `found`. Returns 0.

    cfg: the present command's settings; typed: the flags given in it. Raises UserError.
    """
    checkpoint = _chosen(cfg, run, found, say)
    cfg, class_names = run_settings(cfg, typed, run, checkpoint, say)
    plugin = plugins.load(cfg.plugin)
    wanted = None
    if cfg.visualize or cfg.generate_test_images or not (cfg.export or cfg.freeze):
        wanted = _Wanted(cfg, class_number(cfg.class_name, cfg.y_dim, class_names))     # complains before all else
    say(f'model: {checkpoint.prefix}, step {checkpoint.step}')
    with Sampler.from_checkpoint(cfg, plugin, checkpoint, bool(cfg.search or cfg.export), say) as sampler:
        if wanted:
            _write_pictures(cfg, sampler, wanted, run.sample_dir, checkpoint.step, say)
        if cfg.export:
            export.export(sampler, run.checkpoint_dir, checkpoint.step, say)
        if cfg.freeze:
            export.freeze(sampler, run.checkpoint_dir, checkpoint.step, say)
    return 0


def _chosen(cfg, run, found, say):
    """The checkpoint of --resume_step, else the newest that can be read."""
    if cfg.resume_step is not None:
        there = ', '.join(str(checkpoint.step) for checkpoint in found)
        found = [checkpoint for checkpoint in found if checkpoint.step == cfg.resume_step]
        if not found:
            raise UserError(f'--resume_step={cfg.resume_step}: no checkpoint of that step in {run.checkpoint_dir}; '
                            f'there are: {there}')
    checkpoint = checkpoints.newest_readable(found, say)
    if checkpoint is None:
        raise UserError(f'{run.checkpoint_dir}: none of its {len(found)} checkpoints can be read; train again, or '
                        f'restore a copy')
    return checkpoint


def run_settings(cfg, typed, run, checkpoint, say=print):
    """(Config, class names): the settings that the run was trained with, and on top what the present command asks for.

    A run without a record (an old checkpoint) has the settings of the command; its tensors tell channels and classes.
    """
    record = run.record()
    if not record:
        return _fitting(cfg, plugins.load(cfg.plugin), checkpoint), ()
    changes = {field.name: getattr(cfg, field.name) for field in flag_fields()
               if field.metadata['group'] in ('What to do', 'Visualize') or field.name in typed & NOT_OF_THE_RUN}
    own = run.config(**changes)
    for field in flag_fields():
        if field.name in typed and (field.metadata['graph'] or field.name == 'z_dist') and \
                str(getattr(own, field.name)) != str(getattr(cfg, field.name)):
            say(f'note: --{field.name}={getattr(cfg, field.name)} has no effect: the run was trained with '
                f'{getattr(own, field.name)}')
    return dataclasses.replace(own, c_dim=int(own.c_dim)), record['data'].get('class_names', ())


def _fitting(cfg, plugin, checkpoint):
    """cfg with the first c_dim and y_dim whose generator has the shapes of a checkpoint without a record beside it."""
    file_shapes = checkpoints.shapes(checkpoint.prefix)
    y_dim = MNIST_CLASSES if plugin.conditional == 'always' else 0
    candidates = [dataclasses.replace(cfg, c_dim=channels, y_dim=y_dim)
                  for channels in ((3, 1) if cfg.c_dim == 'auto' else (int(cfg.c_dim),))]
    for candidate in candidates:
        with tf.Graph().as_default():
            tf.set_random_seed(cfg.seed)
            model.generate(plugin, candidate, tf.placeholder(tf.float32, [None, cfg.z_dim]),
                           tf.placeholder(tf.float32, [None, y_dim]) if y_dim else None, training=False)
            graph_shapes = {variable.op.name: tuple(variable.shape.as_list()) for variable in tf.global_variables()}
        if not checkpoint_names.match(file_shapes, graph_shapes).mismatched:
            return candidate
    return candidates[0]                # restoring it says what does not fit


class _Wanted:
    """Which z and y the flags ask for, for the grid and for the single images, checked before anything is built."""

    def __init__(self, cfg, class_index):
        self.cfg, self.class_index, self.singles = cfg, class_index, cfg.generate_test_images
        self.file_z = read_z(cfg.z_file, cfg.z_dim) if cfg.z_file else None
        if cfg.search and self.file_z is not None:
            raise UserError(f'--search={cfg.search}: it draws z itself, --z_file={cfg.z_file} gives it; leave one of '
                            f'them out')
        self.rows, self.columns, self.grid = self._grid()
        flags = {'--grid': self.grid if cfg.grid else 0, '--generate_test_images': self.singles}
        for flag, count in flags.items():
            if cfg.search and count > cfg.search:
                raise UserError(f'--search={cfg.search}: expected at least the {count} images of {flag}, to choose '
                                f'from')
            if self.file_z is not None and count > len(self.file_z):
                raise UserError(f'--z_file={cfg.z_file}: {len(self.file_z)} rows, expected at least the {count} images '
                                f'of {flag}')

    def _grid(self):
        """(rows, columns, images)."""
        cfg, y_dim = self.cfg, self.cfg.y_dim if self.class_index is None else 0
        if cfg.grid:
            rows, columns = grid_size(cfg.grid)
            return rows, columns, rows * columns
        count = GRID
        if cfg.search:
            count = min(count, cfg.search, self.singles or count)
        if self.file_z is not None:
            count = min(count, len(self.file_z))
        if y_dim and y_dim <= count:
            scarce = cfg.search or self.file_z is not None          # at most count, else at least
            columns = count // y_dim if scarce else math.ceil(count / y_dim)
            return y_dim, columns, y_dim * columns
        return *image_manifold_size(count), count

    def grid_z_y(self, sampler):
        """(z, y) of the grid."""
        y = labels_for_grid(self.cfg.y_dim, self.grid, self.class_index, self.columns)
        return self._z(sampler, self.grid, y), y

    def singles_z_y(self, sampler):
        """(z, y) of the single images; classes take turns. Without classes the grid shows the first of them."""
        y = labels_for_grid(self.cfg.y_dim, self.singles, self.class_index, columns=1)
        return self._z(sampler, self.singles, y), y

    def draw(self, count, stream):
        """z of a walk: rows of the file, from the start and again if need be, or new ones from the seed."""
        if self.file_z is not None:
            return np.resize(self.file_z, (count, self.cfg.z_dim))
        return draw_z(self.cfg.z_dist, count, self.cfg.z_dim, self.cfg.seed, stream)

    def _z(self, sampler, count, y):
        if not self.cfg.search:
            return self.draw(count, 0)
        candidates = self.draw(self.cfg.search, 0)
        candidate_y = None if y is None else np.resize(y, (len(candidates), y.shape[1]))
        return candidates[best_of(sampler, candidates, y, count, candidate_y)]


def _write_pictures(cfg, sampler, wanted, folder, step, say):
    value_range = sampler.plugin.value_range
    z, y = wanted.grid_z_y(sampler)
    path = os.path.join(folder, f'test_{step}.png')
    _write_grid(path, to_uint8(sampler.images(z, y), value_range), wanted.rows, wanted.columns)
    say(f'wrote {path}: {wanted.grid} images, {wanted.rows} x {wanted.columns}'
        + (f', the best of {cfg.search} by D' if cfg.search else '')
        + ('' if cfg.z_file else f'; z from --seed {cfg.seed}'))
    if wanted.singles:
        singles = os.path.join(folder, f'test_{step}')
        older = len([name for name in _names(singles) if name >= f'{wanted.singles:05d}.png'])
        write_singles(singles, sampler.images, *wanted.singles_z_y(sampler), value_range)
        say(f'wrote {wanted.singles} images to {singles}' + (f' beside {older} older ones' if older else ''))
    if cfg.visualize and cfg.option != 'grid':
        count = wanted.grid if cfg.grid else cfg.batch_size
        shape = (wanted.rows, wanted.columns) if cfg.grid else image_manifold_size(count)
        walk = Walk(sampler.images, wanted.draw, cfg.z_dim, cfg.y_dim, count, shape, value_range, wanted.class_index)
        say(f'wrote {walk.write(cfg.option, folder)} pictures of --option {cfg.option} to {folder}')


def _names(folder):
    return [name for name in os.listdir(folder) if name.endswith('.png')] if os.path.isdir(folder) else []


def visualize_graph(sess, dcgan, config, option, sample_dir):
    """utils.visualize: the options for anything with upstream's attributes, `config.batch_size` images at a time."""
    option = Config(option=str(option)).resolved().option
    y_dim = dcgan.y_dim if getattr(dcgan, 'y', None) is not None else 0
    value_range = dcgan.plugin.value_range if hasattr(dcgan, 'plugin') else (-1.0, 1.0)
    seed = int(np.random.randint(2 ** 31))          # the caller's np.random.seed repeats it
    z_dist, count = getattr(config, 'z_dist', 'uniform_signed'), config.batch_size
    draw = lambda count, stream: draw_z(z_dist, count, dcgan.z_dim, seed, stream)
    images = lambda z, y: sess.run(dcgan.sampler, {dcgan.z: z} if y is None else {dcgan.z: z, dcgan.y: y})
    shape = image_manifold_size(count)
    if option != 'grid':
        Walk(images, draw, dcgan.z_dim, y_dim, count, shape, value_range).write(option, sample_dir)
        return
    grid = to_uint8(images(draw(count, 0), labels_for_grid(y_dim, count, columns=shape[1])), value_range)
    stem = os.path.join(sample_dir, f'test_{timestamp("%Y%m%d%H%M%S")}')
    path = next(path for path in itertools.chain([f'{stem}.png'], (f'{stem}_{n}.png' for n in itertools.count(2)))
                if not os.path.exists(path))        # two pictures of one second are two files
    _write_grid(path, grid, *shape)
