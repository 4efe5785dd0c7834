"""The training loop: one session.run a step; samples, logs and checkpoints when due; exact resume; signals."""
import contextlib
import glob
import math
import os
import time

import imageio
import numpy as np
import scipy

import checkpoints
import data
import memory
import plugins
import runs
import sampling
import signals
from config import Config
from errors import DiskError, UserError
from health import Health
from logs import EventFile, LossFile, Progress, write_curve
from model import DCGAN
from tf1 import session, tf, told_by
from utils import image_grid, remove_leftovers, to_uint8, write_gif, write_image, write_lines

SUMMARY_EVERY = 50         # steps between TensorBoard summaries: histograms are larger than all else we write
RESUME_ME = 75             # exit status after --time_limit: EX_TEMPFAIL of sysexits.h
OUTPUT_GONE = 141          # exit status when nobody reads the output any more: 128 + SIGPIPE, as for any program in a pipe
GIF_FRAMES = 100


def train(cfg, plugin, say=print):
    """Trains, or goes on with, the run that `cfg` means. Returns the exit status: 0, or why it stopped early.

    Nothing is created or moved before everything that can be wrong has been looked at. Raises UserError for everything that the
    user can put right.
    """
    began = time.monotonic()
    run = runs.for_training(cfg)
    with contextlib.ExitStack() as stack:
        for folder in filter(runs.Lock.exists, run.written):       # early, so that a second process need not read the data first
            stack.enter_context(runs.Lock(folder))
        run.record()                            # a damaged one is told before the data are read
        start = _start(run, cfg)
        dataset = plugin.open_dataset(cfg)
        runs.check_resume(run, cfg.with_data(dataset, plugins.classes(plugin, cfg, dataset)))
        graph = tf.Graph()
        stack.enter_context(graph.as_default())
        sess = stack.enter_context(session(graph))
        gan = DCGAN.from_config(sess, cfg, plugin, dataset, start_step=start.step if start else 0)
        total_steps = math.ceil(dataset.size * cfg.epoch / cfg.batch_size)
        _announce(gan, run, start, total_steps, say)
        if start and start.step >= total_steps:
            say(f'--epoch {cfg.epoch} is reached: the run is at step {start.step} of {total_steps}; a larger --epoch goes on')
            return 0
        with _memory_in_words(gan.cfg, 'before the first step'):
            sess.run(tf.global_variables_initializer())
            if start:
                checkpoints.restore(sess, tf.global_variables(), start, say)
        _take(run, cfg, start, stack)
        _clear_the_way(run, cfg, start, say)
        _record(run, gan)
        return _Loop(sess, gan, run, start.step if start else 0, total_steps, began).run()


def _start(run, cfg):
    """The checkpoint to go on from, or None for a fresh start."""
    found, folder = run.checkpoints(), run.checkpoint_dir
    if not found and cfg.checkpoint_dir != Config.checkpoint_dir and os.path.exists(cfg.checkpoint_dir):
        found, folder = checkpoints.located(cfg.checkpoint_dir), cfg.checkpoint_dir       # old weights, as a start for ours
    if cfg.resume_step is not None:
        wanted = [checkpoint for checkpoint in found if checkpoint.step == cfg.resume_step]
        if not wanted:
            there = ', '.join(str(checkpoint.step) for checkpoint in found) or 'none'
            raise UserError(f'--resume_step={cfg.resume_step}: no checkpoint of that step in {folder}; there are: {there}. '
                            f'--max_to_keep and --keep_every keep more of them')
        found = wanted
    damaged = []
    start = checkpoints.newest_readable(found, damaged.append)
    if found and start is None:
        raise UserError(f'{damaged[-1].partition(";")[0]}, and {folder} has no other that can be read; move the folder away to start anew')
    for line in damaged:
        print(line)
    return start


def _take(run, cfg, start, stack):
    """Makes the run's folders and locks those that are not locked yet, as those of a new run."""
    unlocked = [folder for folder in run.written if not runs.Lock.exists(folder)]
    runs.create(run)
    for folder in unlocked:
        stack.enter_context(runs.Lock(folder))
    if unlocked and _start(run, cfg) != start:
        raise UserError(f'{run.folder}: another process has trained this run meanwhile; type the same command again to go on from there')


def _clear_the_way(run, cfg, start, say):
    """Puts away what is not of the past of step `start`: later checkpoints, and what a killed process was writing."""
    for folder in (run.folder, run.checkpoint_dir, run.sample_dir):
        remove_leftovers(folder)
    shelf = checkpoints.set_aside(run.checkpoint_dir, start.step if start else 0)
    if shelf:
        say(f'the checkpoints after step {start.step if start else 0} are now in {shelf}')
    if cfg.resume_step is not None:
        later = [path for path in _training_samples(run) if int(path[-12:-4]) > cfg.resume_step]
        if later:
            shelf = checkpoints.new_shelf(run.sample_dir, cfg.resume_step)
            for path in later:
                os.replace(path, os.path.join(shelf, os.path.basename(path)))
            say(f'the samples after step {cfg.resume_step} are now in {shelf}')


def _training_samples(run):
    return sorted(glob.glob(os.path.join(glob.escape(run.sample_dir), 'train_' + 8 * '[0-9]' + '.png')))


@contextlib.contextmanager
def _memory_in_words(cfg, when):
    """Out of memory, with the flags that decide how much is needed."""
    try:
        yield
    except (tf.errors.ResourceExhaustedError, MemoryError) as error:
        raise UserError(f'out of memory {when} with --batch_size {cfg.batch_size}, --gf_dim {cfg.gf_dim}, --df_dim {cfg.df_dim} and '
                        f'{cfg.output_height}x{cfg.output_width} images: make one of them smaller ({told_by(error)[:120]})') from error


def _announce(gan, run, start, total_steps, say):
    cfg, dataset = gan.cfg, gan.dataset
    for note in dataset.notes:
        say(f'data: {note}')
    say(f'plugin: {gan.plugin.name}, {cfg.output_height}x{cfg.output_width}x{cfg.c_dim} images'
        f'{f", {cfg.y_dim} classes" if cfg.y_dim else ""}, loss and schedule: '
        f'{" ".join(update.player.upper() for update in gan.objective.updates)}')
    steps_per_epoch = math.ceil(dataset.size / cfg.batch_size)
    by_epochs = f', every {cfg.ckpt_epochs} epochs' if cfg.ckpt_epochs else ''
    say(f'{steps_per_epoch} steps per epoch, {total_steps} in all; first sample at step 1, then every {cfg.sample_freq}, in '
        f'{run.sample_dir}; checkpoint every {cfg.ckpt_freq}{by_epochs} and at the end, in {run.checkpoint_dir}')
    if dataset.size < cfg.batch_size:
        say(f'note: {dataset.size} images are fewer than --batch_size {cfg.batch_size}: a batch holds some of them more than once')
    if start:
        say(f'resuming from {start.prefix}, step {start.step}')
    operations = [gan.step(index).train_op for index in range(gan.period)]
    needed = max(memory.estimate([operation], tf.global_variables(), cfg.batch_size) for operation in dict.fromkeys(operations))
    if warning := memory.warning(needed, memory.available(), cfg):
        say(warning)


def _record(run, gan):
    runs.write_record(run, gan.cfg, gan.dataset, {
        'tensorflow': tf.__version__, 'numpy': np.__version__, 'scipy': scipy.__version__, 'imageio': imageio.__version__})
    if gan.dataset.skipped:
        write_lines(os.path.join(run.folder, 'skipped.txt'), [f'{path}\t{reason}' for path, reason in gan.dataset.skipped])


class _Loop:
    """The steps from `step` to `total_steps`, and everything that is due on the way."""

    def __init__(self, sess, gan, run, step, total_steps, began):
        self.sess, self.gan, self.cfg, self.run_ = sess, gan, gan.cfg, run
        self.step, self.total_steps = step, total_steps
        self.steps_per_epoch = math.ceil(gan.dataset.size / self.cfg.batch_size)
        self.columns = [name for name in gan.step(0).metrics if not name.startswith('d_accuracy')]
        self.finite = {variable.op.name: tf.reduce_all(tf.math.is_finite(variable)) for variable in tf.global_variables()
                       if variable.dtype.is_floating}
        self.saved_at = step if step else None
        self.began, self.seconds = began, {'step': 0.0, 'save': 0.0}
        self.sample_z, self.sample_y, self.sample_columns = sampling.fixed_sample(self.cfg)
        images, _ = gan.dataset.load(data.order(gan.dataset.size, self.cfg.seed, 0, min(64, gan.dataset.size)))
        self.health = Health(sampling.scaled(images, gan.dataset.value_range or (0, 255), gan.plugin.value_range))

    def run(self):
        with contextlib.ExitStack() as stack:
            self.progress = Progress(self.cfg, self.steps_per_epoch, self.step, self.total_steps)
            stack.callback(self.progress.close)
            self.losses = LossFile(self.run_.losses_csv, self.columns, self.step, self.progress.say)
            stack.callback(self.losses.close)
            self.events = EventFile(self.run_.log_dir, self.step)
            stack.callback(self.events.close)
            self.started = time.monotonic()
            with signals.AfterTheStep() as self.stopping:
                try:
                    while self.step < self.total_steps:
                        self._one_step()
                        if reason := self._reason_to_stop():
                            return self._stop(*reason)
                    self._finish()
                except DiskError as error:
                    self._rescue(error)
        return 0

    def _one_step(self):
        begun = time.monotonic()
        step = self.gan.step(self.step)
        fetches = {'train': step.train_op, 'metrics': step.metrics, 'wait': self.gan.input_wait}
        if self.step == 0 or (self.step + 1) % SUMMARY_EVERY == 0:
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
        if self.step in (1, self.total_steps) or self.step % self.cfg.sample_freq == 0 or self._ends_epochs(self.cfg.sample_epochs):
            self._sample()
        if self.step % self.cfg.ckpt_freq == 0 or self._ends_epochs(self.cfg.ckpt_epochs):
            self._save()
        self.seconds['step'] = time.monotonic() - begun

    def _ends_epochs(self, count):
        """Whether this step was the last of another `count` epochs."""
        images = count * self.gan.dataset.size
        return bool(count) and self.step * self.cfg.batch_size // images > (self.step - 1) * self.cfg.batch_size // images

    def _run(self, fetches, feed=None):
        try:
            with _memory_in_words(self.cfg, f'at step {self.step + 1}'):
                return self.sess.run(fetches, feed)
        except tf.errors.OpError:
            self.gan.dataset.check()         # a data set that became unreadable says so itself
            raise

    def _reason_to_stop(self):
        """(why, exit status) when the loop must end after this step, else None."""
        if self.stopping.received is not None:
            return f'stopped by {signals.name(self.stopping.received)}', self.stopping.status
        if self.progress.gone:
            return f'nobody reads the output any more ({self.progress.gone.strerror})', OUTPUT_GONE
        # Ending in time takes one more step and a save; twice as long as the last ones leaves some room.
        left = 60 * self.cfg.time_limit - (time.monotonic() - self.began)
        if self.cfg.time_limit and left <= 2 * (self.seconds['step'] + self.seconds['save']):
            return f'--time_limit of {self.cfg.time_limit:g} minutes is reached', RESUME_ME
        return None

    def _check_finite(self, values):
        """Raises UserError naming the first of {name: number} that is NaN or infinite."""
        bad = [name for name, value in values.items() if not np.isfinite(value)]
        if bad:
            kept = f'the checkpoint of step {self.saved_at} is kept' if self.saved_at else 'there is no checkpoint yet'
            raise UserError(f'{bad[0]} became {values[bad[0]]} at step {self.step}: nothing of it is saved, {kept}; try a lower '
                            f'--learning_rate, a lower --beta1 or another --seed, and check the images for odd ones')

    def _save(self):
        """A checkpoint of this step, unless there is one, and the logs up to it. A model with NaN or Inf is never saved."""
        if self.saved_at == self.step:
            return
        begun = time.monotonic()
        finite = self._run(self.finite)
        self._check_finite({name: 0.0 if fine else math.nan for name, fine in finite.items()})
        self.losses.flush()
        self.events.flush()                 # what is listed has its rows and events on the disk, even after a power cut
        self._write_checkpoint(self.run_.checkpoint_dir)
        self.saved_at = self.step
        self.seconds['save'] = time.monotonic() - begun

    def _write_checkpoint(self, folder):
        return checkpoints.save(self.sess, self.gan.saver, folder, self.cfg.batch_size, self.step, self.cfg.max_to_keep,
                                self.cfg.keep_every)

    def _rescue(self, error):
        """Ends the training because of a DiskError, with the state in --rescue_dir if there is one. Raises UserError.

        Not in the run's own folder, even if it has room again: a row or a sample of this step may be missing there. From the
        last checkpoint on, a resume writes them all.
        """
        kept = f'the run is intact up to step {self.saved_at or 0} and resumes there'
        folder = self.cfg.rescue_dir
        if not folder:
            raise UserError(f'{error}; {kept}; --rescue_dir names another disk for the state of step {self.step} in such a case') from error
        try:
            rescued = self._write_checkpoint(folder)
            self.losses.copy(folder)
        except (DiskError, OSError) as second:
            raise UserError(f'{error}; {kept}; --rescue_dir too: {second}') from error
        raise UserError(f'{error}; the state of step {self.step} is saved: to go on from it, move {rescued.prefix}.* to '
                        f'{self.run_.checkpoint_dir} and {os.path.join(folder, "losses.csv")} to {self.run_.folder}') from error

    def _sample(self):
        images = self._run(self.gan.sampler, self._sample_feed())
        low, high = self.gan.plugin.value_range
        if images.min() < low - 1e-3 or images.max() > high + 1e-3:
            raise UserError(f'plugin {self.gan.plugin.name}: PLUGIN.generator makes values from {images.min():.3g} to {images.max():.3g}, '
                            f'PLUGIN.value_range says {low:g} to {high:g}')
        grid = image_grid(to_uint8(images, (low, high)), columns=self.sample_columns)
        write_image(os.path.join(self.run_.sample_dir, f'train_{self.step:08d}.png'), grid)
        for line in self.health.check(self.step, images):
            self.progress.say(line)

    def _sample_feed(self):
        return {self.gan.z: self.sample_z} if self.gan.y is None else {self.gan.z: self.sample_z, self.gan.y: self.sample_y}

    def _stop(self, reason, status):
        self._save()
        self.progress.say(f'{reason}: saved at step {self.step} of {self.total_steps} in {self.run_.checkpoint_dir}; '
                          f'the same command resumes there')
        return status

    def _finish(self):
        write_curve(self.run_.losses_csv, os.path.join(self.run_.folder, 'losses.png'))
        frames = _training_samples(self.run_)
        frames = frames[::max(1, math.ceil(len(frames) / GIF_FRAMES))]
        if len(frames) > 1:
            write_gif(os.path.join(self.run_.sample_dir, 'training.gif'), [imageio.v3.imread(path) for path in frames],
                      seconds=max(2.0, len(frames) / 10))
        self._save()                # last: a run that has it is not taken up again, and has its pictures
        self.progress.say(f'finished: {self.total_steps} steps; samples in {self.run_.sample_dir}, curve in '
                          f'{os.path.join(self.run_.folder, "losses.png")}, checkpoint in {self.run_.checkpoint_dir}')
