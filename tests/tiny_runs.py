"""Tiny training runs in this process, and everything that they leave on the disk, for comparison byte by byte."""
import contextlib
import csv
import glob
import json
import os
import shutil

import numpy as np
from PIL import Image

import checkpoints
import config
import plugins
import runs
import training
from tf1 import tf

IMAGES, SIZE, BATCH = 14, 12, 4         # no multiple: batches run across the ends of epochs
WIDTHS = dict(gf_dim=2, df_dim=2, gfc_dim=4, dfc_dim=4, z_dim=4)


def make_images(folder, count=IMAGES, size=SIZE):
    """`count` PNGs of colour noise in two sub-folders, which serve as classes where a plugin wants labels."""
    noise = np.random.default_rng(5).integers(0, 256, (count, size, size, 3), np.uint8)
    for number, pixels in enumerate(noise):
        os.makedirs(os.path.join(folder, 'ab'[number % 2]), exist_ok=True)
        Image.fromarray(pixels).save(os.path.join(folder, 'ab'[number % 2], f'{number}.png'))
    return str(folder)


def settings(images, out_dir, plugin='mlp', **changes):
    """The Config of a tiny run of any plugin on make_images' folder: 8 steps, checkpoints at 3, 6 and 8."""
    own = dict(plugins.load(plugin).flags)
    if plugins.load(plugin).conditional == 'always':
        own['labels'] = 'folder'
    own.update(WIDTHS, dataset=images, plugin=plugin, train=True, output_height=SIZE, output_width=SIZE, input_height=SIZE, batch_size=BATCH,
               epoch=2, ckpt_freq=3, sample_freq=4, max_to_keep=2, out_dir=str(out_dir), out_name='run', pattern_is_default=True)
    return config.Config(**{**own, **changes}).resolved()


@contextlib.contextmanager
def instead_of(name, make):
    """Within it a method of the training loop is replaced by make(method)."""
    method = getattr(training._Loop, name)
    setattr(training._Loop, name, make(method))
    try:
        yield
    finally:
        setattr(training._Loop, name, method)


def after_step(number, action):
    """Within it `action()` is called when step `number` is done: its row, event, sample and checkpoint are written."""
    def watched(one_step):
        def step(loop):
            one_step(loop)
            if loop.step == number:
                action()
        return step
    return instead_of('_one_step', watched)


def before_saving(action):
    """Within it `action(loop)` is called before each save."""
    return instead_of('_save', lambda save: lambda loop: (action(loop), save(loop))[1])


def train(cfg, say=lambda line: None):
    return training.train(cfg, plugins.load(cfg.plugin), say)


def snapshot(cfg, folder):
    """A copy of the run as it lies on the disk at this moment: what a SIGKILL would leave, the lock of a dead process included."""
    shutil.copytree(runs.for_training(cfg).folder, os.path.join(folder, 'run'))


def tensors(cfg):
    """{name: value} of the newest checkpoint: weights, moving averages, optimisers, step."""
    reader = tf.train.NewCheckpointReader(runs.for_training(cfg).checkpoints()[-1].prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def event_steps(cfg):
    """The steps of all summaries in the TensorBoard log, in the order of the files' names and of the records in them."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(runs.for_training(cfg).log_dir), '*'))):
        found += [event.step for event in map(tf.Event.FromString, tf.io.tf_record_iterator(path)) if event.HasField('summary')]
    return sorted(found)


def files(cfg, pattern):
    folder = runs.for_training(cfg).folder
    found = {}
    for path in filter(os.path.isfile, glob.glob(os.path.join(glob.escape(folder), pattern))):
        with open(path, 'rb') as file:
            found[os.path.relpath(path, folder)] = file.read()
    return found


def assert_same(cfg, reference):
    """Two finished runs hold the same bits: tensors, losses, pictures; and the same steps in the TensorBoard log."""
    ours, theirs = tensors(cfg), tensors(reference)
    assert ours.keys() == theirs.keys()
    differing = [name for name in ours if not np.array_equal(ours[name], theirs[name])]
    assert not differing
    for pattern in ('losses.csv', 'losses.png', 'samples/*'):
        assert files(cfg, pattern) == files(reference, pattern), pattern
    assert event_steps(cfg) == event_steps(reference) and event_steps(cfg)


def assert_whole(folder):
    """Every file under a run opens, whatever moment its process was killed at."""
    run = runs.Run(folder, os.path.join(folder, 'checkpoint'), os.path.join(folder, 'samples'))
    for path in glob.glob(os.path.join(glob.escape(folder), '**', '*.png'), recursive=True):
        with Image.open(path) as picture:
            picture.load()
    for path in glob.glob(os.path.join(glob.escape(folder), '*.json')):
        with open(path, encoding='utf-8') as file:
            json.load(file)
    for checkpoint in run.checkpoints():
        assert checkpoints.verify(checkpoint.prefix) is None, checkpoint.prefix
    steps = logged_steps(run)
    assert steps == list(range(1, len(steps) + 1))


def logged_steps(run):
    """The steps in losses.csv, each of whose lines must be whole."""
    if not os.path.exists(run.losses_csv):
        return []
    with open(run.losses_csv, newline='') as file:
        text = file.read()
    assert text.endswith('\n')
    rows = list(csv.reader(text.splitlines()))
    assert all(len(row) == len(rows[0]) for row in rows)
    return [int(row[0]) for row in rows[1:]]
