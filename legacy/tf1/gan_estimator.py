"""tf.contrib.gan.estimator: a GAN as a tf.estimator.Estimator.

After tensorflow/contrib/gan/python/estimator/python/{gan,stargan}_estimator_impl.py of TensorFlow 1.15.
"""
import enum
import functools
import inspect

import tensorflow.compat.v1 as tf

from legacy.tf1 import contrib_gan, gan_eval
from legacy.tf1.estimator import Estimator, EstimatorSpec, ModeKeys, arguments_of
from legacy.tf1.gan_tuples import GANLoss


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
_STARGAN_SUMMARIES = {**_SUMMARIES, SummaryType.IMAGES: gan_eval.add_stargan_image_summaries}


def _for_mode(network, mode):
    """A network that takes an argument `mode`, told it."""
    return functools.partial(network, mode=mode) if 'mode' in arguments_of(network) else network


def _loss(loss_fn, model, add_summaries):
    """The loss of a model; losses of the caller's own need not know about summaries."""
    any_keyword = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(loss_fn).parameters.values())
    told = {'add_summaries': add_summaries} if any_keyword or 'add_summaries' in arguments_of(loss_fn) else {}
    return loss_fn(model, **told)


def _made(optimizer):
    return optimizer() if callable(optimizer) else optimizer


def _summarise(wanted, kinds, model):
    with tf.name_scope(None):
        for kind in wanted if isinstance(wanted, (tuple, list)) else [wanted]:
            kinds[kind](model)


def _spec(mode, model, loss, optimizers, get_hooks_fn, get_eval_metric_ops_fn, **options):
    """The EstimatorSpec of a model that trains or is evaluated; its loss is that of both networks."""
    total = loss.generator_loss + loss.discriminator_loss
    if mode == ModeKeys.TRAIN:
        train_ops = contrib_gan.gan_train_ops(model, loss, *map(_made, optimizers), **options)
        hooks = (get_hooks_fn or contrib_gan.get_sequential_train_hooks())(train_ops)
        return EstimatorSpec(mode, loss=total, train_op=train_ops.global_step_inc_op, training_hooks=hooks)
    with tf.name_scope(None, 'metrics'):
        metrics = {'generator_loss': tf.metrics.mean(loss.generator_loss),
                   'discriminator_loss': tf.metrics.mean(loss.discriminator_loss)}
        if get_eval_metric_ops_fn is not None:
            own = get_eval_metric_ops_fn(model)
            if not isinstance(own, dict):
                raise TypeError(f'get_eval_metric_ops_fn must return a dict, received: {own}')
            metrics.update(own)
    return EstimatorSpec(mode, predictions=model.generated_data, loss=total, eval_metric_ops=metrics)


def _require_callables(get_hooks_fn=None, **functions):
    for name, function in functions.items():
        if not callable(function):
            raise ValueError(f'{name} must be callable.')
    if get_hooks_fn is not None and not callable(get_hooks_fn):
        raise TypeError('get_hooks_fn must be callable.')


class GANEstimator(Estimator):
    """An Estimator of a GANModel: features are the generator's inputs, labels the real data.

    `generator_fn(inputs)` and `discriminator_fn(data, inputs)` may take `mode` as well. Optimizers may be
    functions that make them. get_hooks_fn is the schedule: one step of each by default. The losses are as the
    functions give them: what a layer adds to the regularization losses is not in them.
    """

    def __init__(self, model_dir=None, generator_fn=None, discriminator_fn=None, generator_loss_fn=None,
                 discriminator_loss_fn=None, generator_optimizer=None, discriminator_optimizer=None,
                 get_hooks_fn=None, get_eval_metric_ops_fn=None, add_summaries=None, use_loss_summaries=True,
                 config=None, warm_start_from=None, is_chief=True):
        _require_callables(get_hooks_fn, generator_loss_fn=generator_loss_fn,
                           discriminator_loss_fn=discriminator_loss_fn)

        def model_fn(features, labels, mode):
            if mode == ModeKeys.PREDICT:
                with tf.variable_scope('Generator'):
                    data = _for_mode(generator_fn, mode)(contrib_gan._tensors(features))
                return EstimatorSpec(mode, predictions=data)
            model = contrib_gan.gan_model(
                _for_mode(generator_fn, mode), _for_mode(discriminator_fn, mode), labels, features,
                check_shapes=False)
            if add_summaries:
                _summarise(add_summaries, _SUMMARIES, model)
            loss = GANLoss(_loss(generator_loss_fn, model, bool(use_loss_summaries)),
                           _loss(discriminator_loss_fn, model, bool(use_loss_summaries)))
            return _spec(mode, model, loss, (generator_optimizer, discriminator_optimizer), get_hooks_fn,
                         get_eval_metric_ops_fn, is_chief=is_chief)

        super().__init__(model_fn, model_dir, config, warm_start_from=warm_start_from)


class StarGANEstimator(Estimator):
    """An Estimator of a StarGANModel: features are images and labels their domains, one-hot; to predict,
    features are both.
    """

    def __init__(self, model_dir=None, generator_fn=None, discriminator_fn=None, loss_fn=None,
                 generator_optimizer=None, discriminator_optimizer=None, get_hooks_fn=None,
                 get_eval_metric_ops_fn=None, add_summaries=None, use_loss_summaries=True, config=None):
        _require_callables(get_hooks_fn, loss_fn=loss_fn)

        def model_fn(features, labels, mode):
            if mode == ModeKeys.PREDICT:
                images, domains = (contrib_gan._tensors(feature) for feature in features)
                with tf.variable_scope('Generator'):
                    data = _for_mode(generator_fn, mode)(images, domains)
                return EstimatorSpec(mode, predictions=data)
            model = contrib_gan.stargan_model(
                _for_mode(generator_fn, mode), _for_mode(discriminator_fn, mode), features, labels)
            if add_summaries:
                _summarise(add_summaries, _STARGAN_SUMMARIES, model)
            return _spec(mode, model, _loss(loss_fn, model, bool(use_loss_summaries)),
                         (generator_optimizer, discriminator_optimizer), get_hooks_fn, get_eval_metric_ops_fn)

        super().__init__(model_fn, model_dir, config)
