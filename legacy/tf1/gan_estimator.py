"""tf.contrib.gan.estimator: a GAN as a tf.estimator.Estimator.

After tensorflow/contrib/gan/python/estimator/python/{gan,stargan}_estimator_impl.py of TensorFlow 1.15. Features
are the generator's inputs and labels the real data; the loss shown is the discriminator's.
"""
import enum
import functools
import inspect

import tensorflow.compat.v1 as tf

from legacy.tf1 import contrib_gan, gan_eval
from legacy.tf1.estimator import Estimator, EstimatorSpec, ModeKeys
from legacy.tf1.framework import get_trainable_variables
from legacy.tf1.gan_tuples import GANModel


class SummaryType(enum.IntEnum):
    """What a GANEstimator summarises besides the losses."""
    NONE = 0
    VARIABLES = 1
    IMAGES = 2
    IMAGE_COMPARISON = 3


_SUMMARIES = {
    SummaryType.NONE: lambda model: None,
    SummaryType.VARIABLES: gan_eval.add_gan_model_summaries,
    SummaryType.IMAGES: gan_eval.add_gan_model_image_summaries,
    SummaryType.IMAGE_COMPARISON: gan_eval.add_image_comparison_summaries,
}


def _for_mode(network, mode):
    """A network that takes an argument `mode`, told it."""
    return functools.partial(network, mode=mode) if 'mode' in inspect.signature(network).parameters else network


def _made(optimizer):
    return optimizer() if callable(optimizer) else optimizer


def _summarise(add_summaries, model):
    chosen = add_summaries if isinstance(add_summaries, (tuple, list)) else [add_summaries]
    with tf.name_scope(None):
        for kind in chosen:
            _SUMMARIES[kind](model)


def _generator_alone(generator_fn, inputs):
    """A GANModel that can only generate."""
    with tf.variable_scope('Generator') as scope:
        inputs = contrib_gan._tensors(inputs)
        data = _for_mode(generator_fn, ModeKeys.PREDICT)(inputs)
    return GANModel(inputs, data, get_trainable_variables(scope), scope, generator_fn, *[None] * 6)


def _spec(mode, generated_data, loss, train_ops_of, get_hooks_fn, get_eval_metric_ops_fn, model):
    """The EstimatorSpec of a model that trains or is evaluated."""
    if mode == ModeKeys.TRAIN:
        train_ops = train_ops_of()
        hooks = (get_hooks_fn or contrib_gan.get_sequential_train_hooks())(train_ops)
        return EstimatorSpec(mode, loss=loss.discriminator_loss, train_op=train_ops.global_step_inc_op,
                             training_hooks=hooks)
    with tf.name_scope('metrics'):
        metrics = {'generator_loss': tf.metrics.mean(loss.generator_loss),
                   'discriminator_loss': tf.metrics.mean(loss.discriminator_loss)}
        if get_eval_metric_ops_fn is not None:
            own = get_eval_metric_ops_fn(model)
            if not isinstance(own, dict):
                raise TypeError(f'get_eval_metric_ops_fn must return a dict, received: {own}')
            metrics.update(own)
    return EstimatorSpec(mode, predictions=generated_data, loss=loss.discriminator_loss,
                         eval_metric_ops=metrics)


def _require_callables(**functions):
    for name, function in functions.items():
        if not callable(function):
            raise ValueError(f'{name} must be callable.')


class GANEstimator(Estimator):
    """An Estimator of a GANModel: `generator_fn(inputs)`, `discriminator_fn(data, inputs)`, either with `mode`.

    Optimizers may be functions that make them. get_hooks_fn is the schedule (one step of each by default);
    `params` may hold the penalties of gan_loss by their names.
    """

    def __init__(self, model_dir=None, generator_fn=None, discriminator_fn=None, generator_loss_fn=None,
                 discriminator_loss_fn=None, generator_optimizer=None, discriminator_optimizer=None,
                 get_hooks_fn=None, get_eval_metric_ops_fn=None, add_summaries=None, use_loss_summaries=True,
                 config=None, warm_start_from=None, is_chief=True, params=None):
        _require_callables(generator_fn=generator_fn, discriminator_fn=discriminator_fn,
                           generator_loss_fn=generator_loss_fn, discriminator_loss_fn=discriminator_loss_fn)

        def model_fn(features, labels, mode, params):
            if mode == ModeKeys.PREDICT:
                model = _generator_alone(generator_fn, features)
                return EstimatorSpec(mode, predictions=model.generated_data)
            model = contrib_gan.gan_model(
                _for_mode(generator_fn, mode), _for_mode(discriminator_fn, mode), labels, features,
                check_shapes=False)
            if add_summaries:
                _summarise(add_summaries, model)
            loss = contrib_gan.gan_loss(
                model, generator_loss_fn, discriminator_loss_fn, add_summaries=bool(use_loss_summaries),
                **(params or {}))
            return _spec(
                mode, model.generated_data, loss,
                lambda: contrib_gan.gan_train_ops(model, loss, _made(generator_optimizer),
                                                  _made(discriminator_optimizer), is_chief=is_chief),
                get_hooks_fn, get_eval_metric_ops_fn, model)

        super().__init__(model_fn, model_dir, config, params, warm_start_from)


class StarGANEstimator(Estimator):
    """An Estimator of a StarGANModel: features are (images, labels of domains), predictions the images moved
    to each domain asked for.
    """

    def __init__(self, model_dir=None, generator_fn=None, discriminator_fn=None, loss_fn=None,
                 generator_optimizer=None, discriminator_optimizer=None, get_hooks_fn=None,
                 get_eval_metric_ops_fn=None, add_summaries=None, use_loss_summaries=True, config=None):
        _require_callables(generator_fn=generator_fn, discriminator_fn=discriminator_fn)
        loss_fn = loss_fn or contrib_gan.stargan_loss

        def model_fn(features, labels, mode):
            if labels is not None:
                raise ValueError('Labels must be None. Instead, was: %s' % labels)
            images, domains = features
            if mode == ModeKeys.PREDICT:
                with tf.variable_scope('Generator'):
                    data = _for_mode(generator_fn, mode)(images, domains)
                return EstimatorSpec(mode, predictions=data)
            model = contrib_gan.stargan_model(
                _for_mode(generator_fn, mode), _for_mode(discriminator_fn, mode), images, domains)
            if add_summaries:
                add_summaries(model) if callable(add_summaries) else _summarise(add_summaries, model)
            loss = loss_fn(model, add_summaries=bool(use_loss_summaries))
            return _spec(
                mode, model.generated_data, loss,
                lambda: contrib_gan.gan_train_ops(model, loss, _made(generator_optimizer),
                                                  _made(discriminator_optimizer)),
                get_hooks_fn, get_eval_metric_ops_fn, model)

        super().__init__(model_fn, model_dir, config)
