"""The training loop: one session.run a step; samples, logs and checkpoints when due; exact resume; signals."""
import glob
import math
import os
import signal
import time

import imageio
import numpy as np
import scipy

import checkpoints
import data
import runs
import sampling
from errors import UserError
from health import Health
from logs import EventFile, LossFile, Progress, write_curve
from model import DCGAN
from tf1 import session, tf
from utils import image_grid, to_uint8, write_gif, write_image, write_lines

SUMMARY_EVERY = 50         # steps between TensorBoard summaries: histograms are larger than all else we write
RESUME_ME = 75             # exit status after --time_limit: EX_TEMPFAIL of sysexits.h
GIF_FRAMES = 100


def train(cfg, plugin, say=print):
    """Trains, or goes on with, the run that `cfg` means. Returns the exit status: 0, or why it stopped early.

    Raises UserError for everything that the user can put right.
    """
    dataset = plugin.open_dataset(cfg)
    run = runs.for_training(cfg)
    total_steps = math.ceil(dataset.size * cfg.epoch / cfg.batch_size)
    with tf.Graph().as_default() as graph, session(graph) as sess:
        start = _start(run, cfg)
        gan = DCGAN.from_config(sess, cfg, plugin, dataset, start_step=start.step if start else 0)
        runs.check_resume(run, gan.cfg)
        _announce(gan, run, start, total_steps, say)
        if start and start.step >= total_steps:
            say(f'--epoch {cfg.epoch} is reached: the run is at step {start.step} of {total_steps}; a larger --epoch goes on')
            return 0
        runs.create(run)
        with runs.Lock(run.folder):
            sess.run(tf.global_variables_initializer())
            if start:
                checkpoints.restore(sess, tf.global_variables(), start, say)
            _record(run, gan)
            return _Loop(sess, gan, run, start.step if start else 0, total_steps).run()


def _start(run, cfg):
    """The checkpoint to go on from, or None for a fresh start; --resume_step sets later ones aside."""
    found = run.checkpoints()
    if not found and os.path.exists(cfg.checkpoint_dir):
        found = checkpoints.located(cfg.checkpoint_dir)       # an old run's weights, as a start for ours
    if cfg.resume_step is not None:
        wanted = [checkpoint for checkpoint in found if checkpoint.step == cfg.resume_step]
        if not wanted:
            there = ', '.join(str(checkpoint.step) for checkpoint in found) or 'none'
            raise UserError(f'--resume_step={cfg.resume_step}: no checkpoint of that step in {run.checkpoint_dir}; there are: {there}. '
                            f'--max_to_keep and --keep_every keep more of them')
        checkpoints.set_aside(run.checkpoint_dir, cfg.resume_step)
        found = wanted
    start = checkpoints.newest_readable(found)
    if found and start is None:
        raise UserError(f'{run.checkpoint_dir}: none of its {len(found)} checkpoints can be read; move the folder away to start anew')
    return start


def _announce(gan, run, start, total_steps, say):
    cfg, dataset = gan.cfg, gan.dataset
    for note in dataset.notes:
        say(f'data: {note}')
    say(f'plugin: {gan.plugin.name}, {cfg.output_height}x{cfg.output_width}x{cfg.c_dim} images'
        f'{f", {cfg.y_dim} classes" if cfg.y_dim else ""}, loss and schedule: '
        f'{" ".join(update.player.upper() for update in gan.objective.updates)}')
    steps_per_epoch = math.ceil(dataset.size / cfg.batch_size)
    say(f'{steps_per_epoch} steps per epoch, {total_steps} in all; first sample at step 1, then every {cfg.sample_freq}, in '
        f'{run.sample_dir}; checkpoint every {cfg.ckpt_freq} and at the end, in {run.checkpoint_dir}')
    if dataset.size < cfg.batch_size:
        say(f'note: {dataset.size} images are fewer than --batch_size {cfg.batch_size}: a batch holds some of them more than once')
    if start:
        say(f'resuming from {start.prefix}, step {start.step}')


def _record(run, gan):
    runs.write_record(run, gan.cfg, gan.dataset, {
        'tensorflow': tf.__version__, 'numpy': np.__version__, 'scipy': scipy.__version__, 'imageio': imageio.__version__})
    if gan.dataset.skipped:
        write_lines(os.path.join(run.folder, 'skipped.txt'), [f'{path}\t{reason}' for path, reason in gan.dataset.skipped])


class _Signals:
    """The first SIGINT, SIGTERM or SIGHUP lets the step finish and the loop save; the second stops at once."""

    NAMES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __enter__(self):
        self.received = None
        self._before = {number: signal.signal(number, self._receive) for number in self.NAMES}
        return self

    def __exit__(self, *_):
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number, _):
        if self.received is not None:
            os._exit(128 + number)
        self.received = number

    @property
    def status(self):
        return 128 + self.received


class _Loop:
    """The steps from `step` to `total_steps`, and everything that is due on the way."""

    def __init__(self, sess, gan, run, step, total_steps):
        self.sess, self.gan, self.cfg, self.run_ = sess, gan, gan.cfg, run
        self.first_step, self.step, self.total_steps = step, step, total_steps
        self.steps_per_epoch = math.ceil(gan.dataset.size / self.cfg.batch_size)
        self.columns = [name for name in gan.step(0).metrics if not name.startswith('d_accuracy')]
        self.healthy = tf.reduce_all([tf.reduce_all(tf.math.is_finite(variable)) for variable in tf.global_variables()
                                      if variable.dtype.is_floating])
        self.saved_at = step if step else None
        self.sample_z, self.sample_y, self.sample_columns = sampling.fixed_sample(self.cfg)
        images, _ = gan.dataset.load(data.order(gan.dataset.size, self.cfg.seed, 0, min(64, gan.dataset.size)))
        self.health = Health(sampling.scaled(images, gan.dataset.value_range or (0, 255), gan.plugin.value_range))

    def run(self):
        self.losses = LossFile(self.run_.losses_csv, self.columns, self.step)
        self.events = EventFile(self.run_.log_dir, self.step)
        self.progress = Progress(self.cfg, self.steps_per_epoch, self.step, self.total_steps)
        self.started = time.monotonic()
        try:
            with _Signals() as signals:
                while self.step < self.total_steps:
                    self._one_step()
                    if signals.received is not None:
                        return self._stop(f'stopped by {signal.Signals(signals.received).name}', signals.status)
                    if self.cfg.time_limit and time.monotonic() - self.started >= 60 * self.cfg.time_limit:
                        return self._stop(f'--time_limit of {self.cfg.time_limit:g} minutes is reached', RESUME_ME)
                self._finish()
                return 0
        finally:
            self.progress.close()
            self.losses.close()
            self.events.close()

    def _one_step(self):
        begun = time.monotonic()
        step = self.gan.step(self.step)
        fetches = {'train': step.train_op, 'metrics': step.metrics, 'wait': self.gan.input_wait}
        if self.step == self.first_step or (self.step + 1) % SUMMARY_EVERY == 0:
            fetches['summary'] = step.summary
        values = self._run(fetches)
        self.step += 1
        epoch = (self.step - 1) * self.cfg.batch_size // self.gan.dataset.size
        metrics, seconds = values['metrics'], time.monotonic() - begun
        self._check_finite(metrics)
        self.losses.write(self.step, epoch, metrics)
        self.health.step(metrics)
        if 'summary' in values:
            self.events.write(values['summary'], self.step)
        self.progress.show(self.step, epoch, metrics, time.monotonic() - self.started, self.cfg.batch_size / seconds,
                           values['wait'] / seconds)
        if self.step == 1 or self.step % self.cfg.sample_freq == 0 or self.step == self.total_steps:
            self._sample()
        if self.step % self.cfg.ckpt_freq == 0:
            self._save()

    def _run(self, fetches):
        try:
            return self.sess.run(fetches)
        except tf.errors.ResourceExhaustedError as error:
            raise UserError(f'out of memory at step {self.step + 1} with --batch_size {self.cfg.batch_size}, --gf_dim {self.cfg.gf_dim}, '
                            f'--df_dim {self.cfg.df_dim} and {self.cfg.output_height}x{self.cfg.output_width} images: make one of them '
                            f'smaller ({str(error).splitlines()[0][:120]})') from error
        except tf.errors.OpError:
            self.gan.dataset.check()         # a data set that became unreadable says so itself
            raise

    def _check_finite(self, metrics):
        bad = [name for name, value in metrics.items() if not np.isfinite(value)]
        if bad:
            kept = f'the checkpoint of step {self.saved_at} is kept' if self.saved_at else 'there is no checkpoint yet'
            raise UserError(f'{bad[0]} became {metrics[bad[0]]} at step {self.step}: nothing of it is saved, {kept}; try a lower '
                            f'--learning_rate, a lower --beta1 or another --seed, and check the images for odd ones')

    def _save(self):
        """A checkpoint of this step, unless there is one. A model with NaN or Inf is never saved."""
        if self.saved_at == self.step:
            return
        if not self.sess.run(self.healthy):
            self._check_finite({'a weight': float('nan')})
        self.events.flush()
        arguments = (self.cfg.batch_size, self.step, self.cfg.max_to_keep, self.cfg.keep_every)
        try:
            checkpoints.save(self.sess, self.gan.saver, self.run_.checkpoint_dir, *arguments)
        except UserError as error:
            if not self.cfg.rescue_dir:
                raise
            os.makedirs(self.cfg.rescue_dir, exist_ok=True)
            rescued = checkpoints.save(self.sess, self.gan.saver, self.cfg.rescue_dir, *arguments)
            raise UserError(f'{error}; the training state is saved in {rescued.prefix}: copy its files into '
                            f'{self.run_.checkpoint_dir} to go on') from error
        self.saved_at = self.step

    def _sample(self):
        images = self.gan.sampler.eval(self._sample_feed(), session=self.sess)
        low, high = self.gan.plugin.value_range
        if images.min() < low - 1e-3 or images.max() > high + 1e-3:
            raise UserError(f'plugin {self.gan.plugin.name}: PLUGIN.generator makes values from {images.min():.3g} to {images.max():.3g}, '
                            f'PLUGIN.value_range says {low:g} to {high:g}')
        grid = image_grid(to_uint8(images, (low, high)), columns=self.sample_columns)
        write_image(os.path.join(self.run_.sample_dir, f'train_{self.step:08d}.png'), grid)
        for line in self.health.check(images):
            self.progress.say(line)

    def _sample_feed(self):
        return {self.gan.z: self.sample_z} if self.gan.y is None else {self.gan.z: self.sample_z, self.gan.y: self.sample_y}

    def _stop(self, reason, status):
        self._save()
        self.progress.say(f'{reason}: saved at step {self.step} of {self.total_steps} in {self.run_.checkpoint_dir}; '
                          f'the same command resumes there')
        return status

    def _finish(self):
        self._save()
        write_curve(self.run_.losses_csv, os.path.join(self.run_.folder, 'losses.png'))
        frames = sorted(glob.glob(os.path.join(glob.escape(self.run_.sample_dir), 'train_????????.png')))
        frames = frames[::max(1, math.ceil(len(frames) / GIF_FRAMES))]
        if len(frames) > 1:
            write_gif(os.path.join(self.run_.sample_dir, 'training.gif'), [imageio.v3.imread(path) for path in frames],
                      seconds=max(2.0, len(frames) / 10))
        self.progress.say(f'finished: {self.total_steps} steps; samples in {self.run_.sample_dir}, curve in '
                          f'{os.path.join(self.run_.folder, "losses.png")}, checkpoint in {self.run_.checkpoint_dir}')
