"""What converted scripts import: the few things of the TensorFlow 1 world that have no modern name.

`python -m legacy convert` writes `from legacy import helpers` where a script needs one of these, and nothing
else:

    helpers.layers            tf.layers: conv2d, dense, batch_normalization, … with their variable names
    helpers.contrib_layers    tf.contrib.layers: batch_norm, layer_norm, fully_connected, conv2d,
                              xavier_initializer, …
    helpers.slim              tf.contrib.slim, with arg_scope
    helpers.framework         tf.contrib.framework: arg_scope, get_variables, …
    helpers.contrib_data      tf.contrib.data
    helpers.distributions     tf.contrib.distributions
    helpers.rnn               tf.contrib.rnn cells
    helpers.opt, .image       tf.contrib.opt, tf.contrib.image
    helpers.nn                tf.nn.conv2d and its kind with data_format='NCHW' on a CPU; conv2d_transpose
                              that keeps the static shape it is given
    helpers.renamed           tf.flatten
    helpers.layers_utils      tf.contrib.layers.utils
    helpers.contrib_summary   tf.contrib.summary
    helpers.contrib_gan       tf.contrib.gan; its parts are helpers.gan_losses (losses on tensors),
                              .gan_tuple_losses, .gan_features, .gan_eval and .gan_estimator
    helpers.estimator         tf.estimator; tf.estimator.inputs and .export are helpers.estimator_inputs
    helpers.slim_data         slim.dataset, slim.tfexample_decoder, slim.dataset_data_provider, …
    helpers.keras_layers      tf.keras layers and models called on tensors of a graph
    helpers.input_data        tensorflow.examples.tutorials.mnist.input_data, from local files
    helpers.keras_datasets    keras.datasets, from local files
    helpers.scipy_misc        scipy.misc: imread, imsave, imresize, toimage, with their contrast stretching
    helpers.numpy1            NumPy functions that are gone
    helpers.div               / as Python 2 had it, where the text does not tell numbers from sizes
    helpers.flag_values       FLAGS.__flags
    helpers.parse_flags       FLAGS._parse_flags()
    helpers.ExponentialMovingAverage    tf.train.ExponentialMovingAverage that works in a reused variable
                                        scope
    helpers.minimize, .apply_gradients  the methods of an optimizer, working in a reused variable scope
    helpers.library           a library that was not installed when the script was converted
    helpers.imageio2          imageio.imwrite, mimsave, get_writer: floats to bytes, fps and seconds

They are the very functions that `python -m legacy run` puts in place, so converted and unconverted scripts
compute the same. A module is imported when it is first used. Run a converted script with this project on
PYTHONPATH.
"""
import contextlib
import importlib
import importlib.util
import sys

import tensorflow.compat.v1 as tf

from legacy import symbols
from legacy.python2 import div2 as div

MODULES = {
    **{
        name: f'legacy.tf1.{name}'
        for name in (
            'layers', 'contrib_layers', 'framework', 'contrib_data', 'distributions', 'rnn', 'opt', 'image',
            'nn', 'renamed', 'training', 'layers_utils', 'contrib_summary', 'keras_layers', 'contrib_gan',
            'gan_losses', 'gan_tuple_losses', 'gan_features', 'gan_eval', 'gan_estimator', 'estimator',
            'estimator_inputs', 'slim_data',
        )
    },
    **{
        name: f'legacy.{name}'
        for name in ('input_data', 'keras_datasets', 'scipy_misc', 'numpy1', 'imageio2')
    },
}

__all__ = [*MODULES, 'slim', 'ExponentialMovingAverage', 'apply_gradients', 'div', 'flag_values', 'library',
           'minimize', 'parse_flags']


def __getattr__(name):
    if name not in MODULES:
        raise AttributeError(f'legacy.helpers has no {name!r}; it has {", ".join(sorted(__all__))}')
    return importlib.import_module(MODULES[name])


class _Slim:
    """tf.contrib.slim: its own names and those of tf.contrib.layers and tf.contrib.framework, by
    symbols.py.
    """

    def __getattr__(self, name):
        row = symbols.lookup(f'tf.contrib.slim.{name}')
        if row is None or ':' not in row.restore:
            raise AttributeError(f'legacy.helpers.slim has no {name!r}')
        module, _, attribute = row.restore.partition(':')
        return getattr(importlib.import_module(f'legacy.{module}'), attribute)


slim = _Slim()


def flag_values(flags):
    """{name: value} of the flags the program defined: FLAGS.__flags of TensorFlow < 1.5. flags:
    tf.flags.FLAGS.
    """
    parse_flags(flags)
    own = {flag.name for module, defined in flags.flags_by_module_dict().items()
           if not module.startswith(('absl.', 'tensorflow.')) for flag in defined}
    return {name: flags[name].value for name in flags if name in own}


def parse_flags(flags):
    """Reads the command line into tf.flags.FLAGS unless that is done; flags nobody defined are left alone."""
    if not flags.is_parsed():
        flags(sys.argv, known_only=True)


@contextlib.contextmanager
def _making_variables():
    """Within it, variables that do not exist are made although the scope is being reused.

    TensorFlow <= 0.11 made slots and averages outside the variable store; today they are looked up in it.
    """
    scope = tf.get_variable_scope()
    if scope.reuse is not True:
        yield
        return
    with tf.variable_scope(scope, reuse=tf.AUTO_REUSE, auxiliary_name_scope=False):
        yield


class ExponentialMovingAverage(tf.train.ExponentialMovingAverage):
    """tf.train.ExponentialMovingAverage whose `apply` also works inside a variable scope that is being
    reused.
    """

    def apply(self, var_list=None):
        with _making_variables():
            return super().apply(var_list)


def minimize(optimizer, *args, **kwargs):
    """`optimizer.minimize(…)` that also works after `tf.get_variable_scope().reuse_variables()`."""
    with _making_variables():
        return optimizer.minimize(*args, **kwargs)


def apply_gradients(optimizer, *args, **kwargs):
    """`optimizer.apply_gradients(…)` that also works after `tf.get_variable_scope().reuse_variables()`."""
    with _making_variables():
        return optimizer.apply_gradients(*args, **kwargs)


def library(name):
    """The module `name` if it is installed; else this project's stand-in for the part of it that scripts use.

    A stand-in without the part that is asked for raises ModuleNotFoundError when that is used, not before.
    """
    top, *parts = name.split('.')
    if importlib.util.find_spec(top) is not None:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            return getattr(library(name.rpartition('.')[0]), parts[-1])
    if importlib.util.find_spec(f'legacy.absent.{top}') is None:
        from legacy.absent import stub
        return stub.module(name)
    value = importlib.import_module(f'legacy.absent.{top}')
    for part in parts:
        value = getattr(value, part)
    return value
