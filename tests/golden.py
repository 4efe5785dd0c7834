"""Does our training step do what the original's did? Replays a recorded trajectory and compares.

    python tests/golden.py FILE.npz [FILE.npz ...]

A file holds every tensor of the original before the first step (init/...) and after the last one (final/...), the batches
and z of each step, and its losses. The init/ tensors are loaded into our graph (their shapes give the widths), our own
training step is run on the recorded batches, and what comes out is compared. Exit status 0 = everything agrees.
The system is told from the file's name up to the first '-'.
"""
import os
import re
import sys

if __name__ == '__main__':
    sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import numpy as np

import data
import model
import plugins
from config import Config
from errors import UserError
from golden_layouts import SYSTEMS
from tf1 import session, tf

LOSS_TOLERANCE = 1e-3        # relative
SAMPLER_TOLERANCE = 1e-4     # absolute, on values of about 1
SMALL = 1e-12
INPUTS = {'images', 'labels', 'z', 'z_d', 'z_g'}     # of a step; the losses are what else is recorded there


def _dead_biases(system, tensors):
    """Our names of the biases that feed a batch norm; the last layer of a network feeds none, whatever its number is."""
    last = {'generator/g_h3/biases'} if 'generator/g_h1_lin/Matrix' in tensors else set()
    dead = {name: value for name, value in tensors.items() if re.fullmatch(system.dead_biases, name)}
    return set(system.tensors(dead)) - last


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
    for group in ('init', 'final', 'step0'):
        if group not in groups:
            raise UserError(f'{path}: not a recorded trajectory: it has no {group}/...')
    return SYSTEMS[name], groups


def replay(path):
    """Compares; prints a line per tensor and loss; returns True when everything agrees."""
    system, groups = read(path)
    steps = sorted((group for group in groups if group.startswith('step')), key=lambda group: int(group[4:]))
    images = [system.image(groups[step]['images']) for step in steps]
    plugin = plugins.load(system.plugin(groups['init']))
    labels = groups[steps[0]].get('labels')
    settings = {**plugin.flags, **system.settings(groups['init'], images[0]), 'batch_size': len(images[0])}
    cfg = Config(plugin=plugin.name, **settings).resolved()
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
        for step, batch in zip(steps, images):
            verdicts += _replay_step(sess, gan, system, int(step[4:]), groups[step], batch)
        trained = {variable.op.name for variable in gan.d_vars + gan.g_vars}
        if trained - set(init):
            raise UserError(f'{path}: it has no init/ tensor for {", ".join(sorted(trained - set(init)))}')
        verdicts += _compare_updates(sess, system, variables, init, final, trained, _dead_biases(system, groups['init']))
        for name, value in final.items():
            variables[name].load(value, sess)
        verdicts += _compare_outputs(sess, gan, system, groups[''], groups[steps[0]])
    print(f'{"AGREES" if all(verdicts) else "DIFFERS"}: {os.path.basename(path)}, plugin {plugin.name}, {len(steps)} steps')
    return all(verdicts)


def _ours(system, tensors, variables):
    """Recorded tensors under our names; complains when one has no place in our graph."""
    converted = system.tensors(tensors)
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
        metrics = {'after_' + name: value for name, value in metrics.items()}
    verdicts = []
    for name in sorted(set(recorded) - INPUTS):
        if name not in metrics:
            verdicts += [False] if 'loss' in name else []       # a loss that was not due in our step
            print(f'  step {index} {name:<40} not computed by our step{"   DIFFERS" if "loss" in name else ""}')
            continue
        expected = float(recorded[name])
        difference = abs(metrics[name] - expected) / max(abs(expected), SMALL)
        verdicts.append(difference <= LOSS_TOLERANCE)
        print(f'  step {index} {name:<40} {difference:9.2e} of {expected:.6g}{"" if verdicts[-1] else "   DIFFERS"}')
    return verdicts


def _compare_updates(sess, system, variables, init, final, trained, dead):
    verdicts = []
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


def _compare_outputs(sess, gan, system, recorded, first_step):
    """What the original's networks made of sample_z (and the first step's labels), with its final tensors loaded."""
    feed = {gan.z: recorded['sample_z']} if 'sample_z' in recorded else {}
    if gan.cfg.y_dim:
        feed[gan.y] = recorded.get('sample_labels', first_step['labels'])
    outputs = {'final_sampler': gan.sampler, 'final_sampler_with_final_moving_stats': gan.sampler, 'final_G_train_mode': gan.G,
               'final_sampler_scores': tf.sigmoid(model.logits(gan.plugin, gan.cfg, gan.sampler, gan.y, training=False))}
    if 'final_sampler_with_final_moving_stats' in recorded:
        del outputs['final_sampler']     # made with the moving averages of then, which count the original's extra passes
    verdicts = []
    for name, output in outputs.items():
        if name in recorded:
            expected = recorded[name] if name.endswith('scores') else system.image(recorded[name])
            actual = sess.run(output, feed)
            difference = np.abs(actual - expected.reshape(actual.shape)).max()
            verdicts.append(difference <= SAMPLER_TOLERANCE)
            print(f'  {name:<47} {difference:9.2e}{"" if verdicts[-1] else "   DIFFERS"}')
    return verdicts


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
