"""Does our training step do what the original's did? Replays a recorded trajectory and compares.

    python tests/golden.py FILE.npz [FILE.npz ...]

A file holds every tensor of the original before the first step (init/...) and after the last one (final/...), the
batches and z of each step, and its losses. The init/ tensors are loaded into our graph (their shapes give the widths),
our own training step is run on the recorded batches, and what comes out is compared. Exit status 0 = everything agrees.
The system is told from the file's name up to the first '-'.

A trajectory may pass so close to the kink of a (leaky) ReLU that rounding alone decides the side, and with it several
thousandths of an update. So a replay that differs is repeated with the init/ tensors moved by about one unit in the
last place; one that agrees then is agreement, which no wrong order, rate or mode could buy. It says so.
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
ULP = 6e-8                   # of float32, relative
ROUNDINGS = 4                # replays, the first from the recorded tensors as they are
INPUTS = {'images', 'labels', 'z', 'z_d', 'z_g'}     # of a step; the losses are what else is recorded there


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
    for group, tensors in groups.items():
        if group.startswith('step') and 'images' not in tensors:
            raise UserError(f'{path}: not a recorded trajectory: it has no {group}/images')
    return SYSTEMS[name], groups


def replay(path):
    """Compares; prints a line per tensor and loss; returns True when everything agrees."""
    system, groups = read(path)
    steps = {int(group[4:]): tensors for group, tensors in groups.items() if group.startswith('step')}
    plugin = plugins.load(system.plugin(groups['init']))

    with tf.Graph().as_default(), session() as sess:
        gan = _graph(sess, system, plugin, groups['init'], steps[0])
        variables = {variable.op.name: variable for variable in tf.global_variables()}
        init, final = (_ours(system, groups[group], variables) for group in ('init', 'final'))
        trained = {variable.op.name for variable in gan.d_vars + gan.g_vars}
        if trained - set(init):
            raise UserError(f'{path}: it has no init/ tensor for {", ".join(sorted(trained - set(init)))}')
        initialize, dead = tf.global_variables_initializer(), _dead_biases(system, groups['init'])

        for rounding in range(ROUNDINGS):
            start = _rounded_anew(init, rounding)
            sess.run(initialize)
            _load(sess, variables, start)
            verdicts = [_replay_step(sess, gan, system, number, steps[number]) for number in sorted(steps)]
            verdicts.append(_compare_updates(sess, system, variables, start, init, final, trained, dead))
            agrees = all(verdicts)
            if agrees or rounding == ROUNDINGS - 1:
                break
            print(f'  again, from init/ tensors rounded otherwise ({rounding + 1})')
        _load(sess, variables, final)
        agrees &= _compare_outputs(sess, gan, system, groups.get('', {}), steps[0])
    print(f'{"AGREES" if agrees else "DIFFERS"}: {os.path.basename(path)}, plugin {plugin.name}, {len(steps)} steps'
          + (f', rounding {rounding}' if rounding else ''))
    return agrees


def _graph(sess, system, plugin, tensors, first_step):
    images, labels = system.image(first_step['images']), first_step.get('labels')
    settings = {**plugin.flags, **system.settings(tensors, images), 'batch_size': len(images), 'plugin': plugin.name}
    classes = None if labels is None else np.argmax(labels, 1)
    dataset = data.from_arrays(images, classes, num_classes=0 if labels is None else labels.shape[1],
                               value_range=plugin.value_range)
    return model.DCGAN.from_config(sess, Config(**settings).resolved(), plugin, dataset)


def _ours(system, tensors, variables):
    """Recorded tensors under our names; complains when one has no place in our graph."""
    converted = system.tensors(tensors)
    for name, value in converted.items():
        if name not in variables:
            raise UserError(f'recorded tensor {name} has no counterpart in the graph')
        shape = tuple(variables[name].shape.as_list())
        if shape != value.shape:
            raise UserError(f'recorded tensor {name} is {value.shape}, in the graph it is {shape}')
    return converted


def _dead_biases(system, tensors):
    """Our names of the biases that feed a batch norm; the last layer of a network feeds none, whatever its number is."""
    last = {'generator/g_h3/biases'} if 'generator/g_h1_lin/Matrix' in tensors else set()
    dead = {name: value for name, value in tensors.items() if re.fullmatch(system.dead_biases, name)}
    return set(system.tensors(dead)) - last


def _rounded_anew(tensors, rounding):
    if not rounding:
        return tensors
    random = np.random.RandomState(rounding)
    return {name: (value * (1 + ULP * random.standard_normal(value.shape))).astype(np.float32)
            for name, value in tensors.items()}


def _load(sess, variables, values):
    for name, value in values.items():
        variables[name].load(value, sess)


def _replay_step(sess, gan, system, number, recorded):
    feed = {gan.inputs: system.image(recorded['images'])}
    for place, name in system.z.items():
        if name in recorded:
            feed[gan.z if place == 'z' else gan.fresh_z[place]] = recorded[name]
    if 'labels' in recorded:
        feed[gan.y] = recorded['labels']
    step = gan.step(number)
    _, metrics = sess.run([step.train_op, step.metrics], feed)
    if system.losses == 'after':
        names = ['d_loss_real', 'd_loss_fake', 'd_loss', 'g_loss']
        losses = sess.run([gan.d_loss_real, gan.d_loss_fake, gan.d_loss, gan.g_loss], feed)
        metrics = {'after_' + name: value for name, value in zip(names, losses)}
    agrees = True
    for name in sorted(set(recorded) - INPUTS):
        if name in metrics:
            expected = float(recorded[name])
            difference = abs(metrics[name] - expected) / max(abs(expected), SMALL)
            text, right = f'{difference:9.2e} of {expected:.6g}', difference <= LOSS_TOLERANCE
        else:
            text, right = 'not computed by our step', 'loss' not in name     # a loss: that update was not due here
        print(f'  step {number} {name:<40} {text}{"" if right else "   DIFFERS"}')
        agrees &= bool(right)
    return agrees


def _compare_updates(sess, system, variables, start, init, final, trained, dead):
    agrees = True
    for name, value in sess.run({name: variables[name] for name in sorted(trained)}).items():
        ours, golden = value - start[name], final[name] - init[name]
        difference = np.linalg.norm(ours - golden) / max(np.linalg.norm(golden), SMALL)
        right = name in dead or difference <= system.tolerance
        note = '   ignored: a bias that feeds a batch norm' if name in dead else '' if right else '   DIFFERS'
        print(f'  {name:<47} {difference:9.2e} of the update '
              f'(largest difference {np.abs(ours - golden).max():.1e}){note}')
        agrees &= bool(right)
    return agrees


def _compare_outputs(sess, gan, system, recorded, first_step):
    """What the original's networks made of sample_z (and the first step's labels), with its final tensors loaded."""
    feed = {gan.z: recorded['sample_z']} if 'sample_z' in recorded else {}
    if gan.cfg.y_dim:
        feed[gan.y] = recorded.get('sample_labels', first_step['labels'])[:len(recorded['sample_z'])]
    scores = tf.sigmoid(model.logits(gan.plugin, gan.cfg, gan.sampler, gan.y, training=False))
    outputs = {'final_sampler': gan.sampler, 'final_sampler_with_final_moving_stats': gan.sampler,
               'final_sampler_scores': scores, 'final_G_train_mode': gan.G}     # the last one moves the moving averages
    if 'final_sampler_with_final_moving_stats' in recorded:
        del outputs['final_sampler']     # made with the moving averages of then, which count the original's extra passes
    agrees = True
    for name, output in outputs.items():
        if name in recorded:
            expected = recorded[name] if name.endswith('scores') else system.image(recorded[name])
            actual = sess.run(output, feed)
            difference = np.abs(actual - expected.reshape(actual.shape)).max()
            print(f'  {name:<47} {difference:9.2e}{"" if difference <= SAMPLER_TOLERANCE else "   DIFFERS"}')
            agrees &= bool(difference <= SAMPLER_TOLERANCE)
    return agrees


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
