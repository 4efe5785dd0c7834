"""Does our training step do what the original's did? Replays a recorded trajectory and compares.

    python tests/golden.py FILE.npz [FILE.npz ...]

A file holds every tensor of the original before the first step (init/...) and after the last one (final/...), the batches
and z of each step, and its losses. The init/ tensors are loaded into our graph (their shapes give the widths), our own
training step is run on the recorded batches, and what comes out is compared. Exit status 0 = everything agrees.
The system is told from the file's name up to the first '-'.
"""
import dataclasses
import os
import re
import sys
from typing import Callable

if __name__ == '__main__':
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np

import data
import model
import plugins
from config import Config
from errors import UserError
from tf1 import session, tf

LOSS_TOLERANCE = 1e-3        # relative
SAMPLER_TOLERANCE = 1e-4     # absolute, on values of about 1
SMALL = 1e-12


@dataclasses.dataclass(frozen=True)
class System:
    """How one original's recording maps to ours.

    plugin: (tensors) -> name of our plugin.
    settings: (tensors, first images [B,H,W,C]) -> Config arguments, from the shapes of the init tensors.
    tensor: (original name, array) -> (our name, our array), or None for what we have no counterpart of.
    image: recorded images -> ours, [B,H,W,C].
    z: {our placeholder, 'z' or the number of a schedule entry: recorded name}.
    losses: 'after' = recorded in training mode after the step's updates; 'during' = as the step itself computed them.
    dead_biases: regular expression of the biases that feed a batch norm.
    tolerance: of each tensor's update, relative to its L2 norm.
    batch: (recorded images) -> batch size.
    """
    plugin: Callable
    settings: Callable
    dead_biases: str
    tensor: Callable = lambda name, value: (name, value)
    image: Callable = lambda images: images
    z: dict = dataclasses.field(default_factory=lambda: {'z': 'z'})
    losses: str = 'after'
    tolerance: float = 1e-3


def _carpedm20_settings(tensors, images):
    conditional = 'generator/g_h1_lin/Matrix' in tensors
    common = dict(output_height=images.shape[1], output_width=images.shape[2], z_dist='uniform_signed')
    if conditional:
        y_dim = int(tensors['generator/g_h2/w'].shape[3] - tensors['generator/g_h2/w'].shape[2])
        return dict(common, z_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[0]) - y_dim, labels='builtin',
                    gf_dim=int(tensors['generator/g_h2/w'].shape[2]) // 2,
                    df_dim=int(tensors['discriminator/d_h1_conv/w'].shape[3]) - y_dim,
                    gfc_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[1]),
                    dfc_dim=int(tensors['discriminator/d_h2_lin/Matrix'].shape[1]))
    return dict(common, z_dim=int(tensors['generator/g_h0_lin/Matrix'].shape[0]),
                gf_dim=int(tensors['generator/g_h3/w'].shape[2]), df_dim=int(tensors['discriminator/d_h0_conv/w'].shape[3]))


SYSTEMS = {
    'carpedm20': System(
        plugin=lambda tensors: 'mnist' if 'generator/g_h1_lin/Matrix' in tensors else 'dcgan',
        settings=_carpedm20_settings,
        dead_biases=r'generator/(g_h0_lin/bias|g_h1_lin/bias|g_h[123]/biases)|discriminator/(d_h[123]_conv/biases|d_h2_lin/bias)'),
}


def _dead_biases(system, tensors):
    """Biases that feed a batch norm; the last layer of a network feeds none, whatever its number is."""
    last = {'generator/g_h3/biases'} if 'generator/g_h1_lin/Matrix' in tensors else set()
    return {name for name in tensors if re.fullmatch(system.dead_biases, name)} - last


def read(path):
    """FILE.npz -> (system, {group: {name: array}}) with groups init, final, step0, step1, ..., and '' for the rest."""
    name = os.path.basename(path).split('-')[0]
    if name not in SYSTEMS:
        raise UserError(f'{path}: no system is called {name}; there are {", ".join(SYSTEMS)}')
    groups = {}
    try:
        with np.load(path) as archive:
            for key in archive.files:
                group, _, rest = key.rpartition('/') if key.startswith('step') else key.partition('/')
                group, rest = (group, rest) if rest else ('', key)
                groups.setdefault(group, {})[rest] = archive[key].astype(np.float32)
    except (OSError, ValueError) as error:
        raise UserError(f'{path}: not a recorded trajectory (.npz): {error}') from error
    return SYSTEMS[name], groups


def replay(path):
    """Compares; prints a line per tensor and loss; returns True when everything agrees."""
    system, groups = read(path)
    steps = sorted((group for group in groups if group.startswith('step')), key=lambda group: int(group[4:]))
    images = [system.image(groups[step]['images']) for step in steps]
    plugin = plugins.load(system.plugin(groups['init']))
    labels = groups[steps[0]].get('labels')
    settings = {**plugin.flags, **system.settings(groups['init'], images[0])}
    cfg = Config(batch_size=len(images[0]), plugin=plugin.name, **settings).resolved()
    dataset = data.from_arrays(images[0], np.zeros(len(images[0]), np.int32) if labels is not None else None,
                               num_classes=0 if labels is None else labels.shape[1], value_range=plugin.value_range)

    with tf.Graph().as_default(), session() as sess:
        gan = model.DCGAN.from_config(sess, cfg, plugin, dataset)
        sess.run(tf.global_variables_initializer())
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        init = _ours(system, groups['init'], variables)
        final = _ours(system, groups['final'], variables)
        for name, value in init.items():
            variables[name].load(value, sess)

        verdicts = []
        for index, (step, batch) in enumerate(zip(steps, images)):
            verdicts += _replay_step(sess, gan, system, index, groups[step], batch)
        trained = {variable.op.name for variable in gan.d_vars + gan.g_vars}
        if trained - set(init):
            raise UserError(f'{path}: it has no init/ tensor for {", ".join(sorted(trained - set(init)))}')
        verdicts += _compare_updates(sess, system, variables, init, final, trained)
        verdicts += _compare_sampler(sess, gan, system, variables, final, groups[''], labels, groups[steps[-1]])
    print(f'{"AGREES" if all(verdicts) else "DIFFERS"}: {os.path.basename(path)}, plugin {plugin.name}, {len(steps)} steps')
    return all(verdicts)


def _ours(system, tensors, variables):
    """Recorded tensors under our names; complains when one has no place in our graph."""
    converted = dict(filter(None, (system.tensor(name, value) for name, value in tensors.items())))
    for name, value in converted.items():
        if name not in variables:
            raise UserError(f'recorded tensor {name} has no counterpart in the graph')
        if tuple(variables[name].shape) != value.shape:
            raise UserError(f'recorded tensor {name} is {value.shape}, in the graph it is {tuple(variables[name].shape)}')
    return converted


def _replay_step(sess, gan, system, index, recorded, images):
    feed = {gan.inputs: images}
    for place, name in system.z.items():
        if name in recorded:
            feed[gan.z if place == 'z' else gan.fresh_z[place]] = recorded[name]
    if 'labels' in recorded:
        feed[gan.y] = recorded['labels']
    step = gan.step(index)
    _, metrics = sess.run([step.train_op, step.metrics], feed)
    if system.losses == 'after':
        names = ['d_loss_real', 'd_loss_fake', 'd_loss', 'g_loss']
        metrics = dict(zip(names, sess.run([gan.d_loss_real, gan.d_loss_fake, gan.d_loss, gan.g_loss], feed)))
    verdicts = []
    for name, value in metrics.items():
        key = 'after_' + name if system.losses == 'after' else name
        if key in recorded:
            expected = float(recorded[key])
            difference = abs(value - expected) / max(abs(expected), SMALL)
            verdicts.append(difference <= LOSS_TOLERANCE)
            print(f'  step {index} {key:<40} {difference:9.2e} of {expected:.6g}{"" if verdicts[-1] else "   DIFFERS"}')
    return verdicts


def _compare_updates(sess, system, variables, init, final, trained):
    verdicts, dead = [], _dead_biases(system, init)
    values = sess.run({name: variables[name] for name in sorted(trained)})
    for name, value in values.items():
        ours, golden = value - init[name], final[name] - init[name]
        difference = np.linalg.norm(ours - golden) / max(np.linalg.norm(golden), SMALL)
        largest = np.abs(ours - golden).max()
        if name in dead:
            note = '   ignored: a bias that feeds a batch norm'
        else:
            verdicts.append(difference <= system.tolerance)
            note = '' if verdicts[-1] else '   DIFFERS'
        print(f'  {name:<47} {difference:9.2e} of the update (largest difference {largest:.1e}){note}')
    return verdicts


def _compare_sampler(sess, gan, system, variables, final, recorded, labels, last_step):
    """The sampler on the recorded z, with the final tensors of the original loaded."""
    name = next((key for key in ('final_sampler_with_final_moving_stats', 'final_sampler') if key in recorded), None)
    if name is None:
        return []
    for key, value in final.items():
        variables[key].load(value, sess)
    feed = {gan.z: recorded['sample_z']}
    if labels is not None:
        feed[gan.y] = recorded.get('sample_labels', last_step['labels'])
    difference = np.abs(sess.run(gan.sampler, feed) - system.image(recorded[name])).max()
    print(f'  {name:<47} {difference:9.2e}{"" if difference <= SAMPLER_TOLERANCE else "   DIFFERS"}')
    return [difference <= SAMPLER_TOLERANCE]


def main(arguments):
    if not arguments:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    try:
        return 0 if all([replay(path) for path in arguments]) else 1
    except UserError as error:
        print(error, file=sys.stderr)
        return error.status


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
