"""tf.contrib.gan (TFGAN): models, their losses, the ops that train them and the schedule.

After tensorflow/contrib/gan/python/train.py of TensorFlow 1.15. Networks are the caller's functions:
`generator_fn(generator_inputs)` → data, `discriminator_fn(data, generator_inputs)` → logits. Their variables
lie in the scopes `Generator` and `Discriminator`.
"""
import importlib
import sys

import tensorflow.compat.v1 as tf

from legacy.tf1 import gan_losses, gan_tuple_losses
from legacy.tf1.framework import get_trainable_variables
from legacy.tf1.gan_tuples import (  # noqa: F401
    ACGANModel, CycleGANLoss, CycleGANModel, GANLoss, GANModel, GANTrainOps, GANTrainSteps, InfoGANModel,
    StarGANModel,
)
from legacy.tf1.learning import create_train_op, train, train_step

_PARTS = {'losses': 'gan_tuple_losses', 'features': 'gan_features', 'eval': 'gan_eval',
          'estimator': 'gan_estimator'}


def __getattr__(name):
    """The parts of tf.contrib.gan, imported when they are first used."""
    if name not in _PARTS:
        raise AttributeError(f"module 'tensorflow.contrib.gan' has no attribute {name!r}")
    return importlib.import_module('legacy.tf1.' + _PARTS[name])


# ---- models ------------------------------------------------------------------------------------------------

def _tensors(value):
    """Tensors of a tensor-like value, or of a list or dictionary of them."""
    if isinstance(value, (list, tuple)):
        return [tf.convert_to_tensor(item) for item in value]
    if isinstance(value, dict):
        return {key: tf.convert_to_tensor(item) for key, item in value.items()}
    return tf.convert_to_tensor(value)


def _require_same_shape(generated_data, real_data):
    if not generated_data.shape.is_compatible_with(real_data.shape):
        raise ValueError(f'Generator output shape ({generated_data.shape}) must be the same shape as real '
                         f'data ({real_data.shape}).')


def gan_model(generator_fn, discriminator_fn, real_data, generator_inputs, generator_scope='Generator',
              discriminator_scope='Discriminator', check_shapes=True):
    """A GANModel: the generator's data, and the discriminator's logits of it and of `real_data`.

    ValueError when generated and real data differ in shape, unless check_shapes is False.
    """
    with tf.variable_scope(generator_scope, reuse=tf.AUTO_REUSE) as generator_scope:
        generator_inputs = _tensors(generator_inputs)
        generated_data = generator_fn(generator_inputs)
    with tf.variable_scope(discriminator_scope, reuse=tf.AUTO_REUSE) as discriminator_scope:
        gen_outputs = discriminator_fn(generated_data, generator_inputs)
    with tf.variable_scope(discriminator_scope, reuse=True):
        real_data = _tensors(real_data)
        real_outputs = discriminator_fn(real_data, generator_inputs)
    if check_shapes:
        _require_same_shape(generated_data, real_data)
    return GANModel(
        generator_inputs, generated_data, get_trainable_variables(generator_scope), generator_scope,
        generator_fn, real_data, real_outputs, gen_outputs, get_trainable_variables(discriminator_scope),
        discriminator_scope, discriminator_fn)


def infogan_model(generator_fn, discriminator_fn, real_data, unstructured_generator_inputs,
                  structured_generator_inputs, generator_scope='Generator',
                  discriminator_scope='Discriminator'):
    """An InfoGANModel (arXiv 1606.03657). discriminator_fn gives (logits, [distribution of each structured
    input]).
    """
    with tf.variable_scope(generator_scope) as generator_scope:
        structured = _tensors(structured_generator_inputs)
        generator_inputs = _tensors(unstructured_generator_inputs) + structured
        generated_data = generator_fn(generator_inputs)
    with tf.variable_scope(discriminator_scope) as discriminator_scope:
        gen_outputs, distributions = discriminator_fn(generated_data, generator_inputs)
    if not isinstance(distributions, (tuple, list)):
        raise ValueError(f'`predicted_distributions` must be a list. Instead, found {type(distributions)}.')
    if len(distributions) != len(structured):
        raise ValueError(f'Length of `predicted_distributions` {len(distributions)} must be the same as the '
                         f'length of structured noise {len(structured)}.')
    with tf.variable_scope(discriminator_scope, reuse=True):
        real_data = tf.convert_to_tensor(real_data)
        real_outputs, _ = discriminator_fn(real_data, generator_inputs)
    _require_same_shape(generated_data, real_data)
    return InfoGANModel(
        generator_inputs, generated_data, get_trainable_variables(generator_scope), generator_scope,
        generator_fn, real_data, real_outputs, gen_outputs, get_trainable_variables(discriminator_scope),
        discriminator_scope, lambda x, y: discriminator_fn(x, y)[0], structured, distributions,
        discriminator_fn)


def _logits_and_classes(outputs):
    try:
        logits, classes = outputs
    except (TypeError, ValueError):
        raise TypeError('A discriminator function for ACGAN must output a tuple consisting of '
                        '(discrimination logits, classification logits).') from None
    return logits, classes


def acgan_model(generator_fn, discriminator_fn, real_data, generator_inputs, one_hot_labels,
                generator_scope='Generator', discriminator_scope='Discriminator', check_shapes=True):
    """An ACGANModel (arXiv 1610.09585). discriminator_fn gives (logits, logits of the classes)."""
    with tf.variable_scope(generator_scope) as generator_scope:
        generator_inputs = _tensors(generator_inputs)
        generated_data = generator_fn(generator_inputs)
    with tf.variable_scope(discriminator_scope) as discriminator_scope:
        with tf.name_scope(discriminator_scope.name + '/generated/'):
            gen_outputs, gen_classes = _logits_and_classes(discriminator_fn(generated_data, generator_inputs))
    with tf.variable_scope(discriminator_scope, reuse=True):
        with tf.name_scope(discriminator_scope.name + '/real/'):
            real_data = tf.convert_to_tensor(real_data)
            real_outputs, real_classes = _logits_and_classes(discriminator_fn(real_data, generator_inputs))
    if check_shapes:
        _require_same_shape(generated_data, real_data)
    return ACGANModel(
        generator_inputs, generated_data, get_trainable_variables(generator_scope), generator_scope,
        generator_fn, real_data, real_outputs, gen_outputs, get_trainable_variables(discriminator_scope),
        discriminator_scope, discriminator_fn, one_hot_labels, real_classes, gen_classes)


def cyclegan_model(generator_fn, discriminator_fn, data_x, data_y, generator_scope='Generator',
                   discriminator_scope='Discriminator', model_x2y_scope='ModelX2Y',
                   model_y2x_scope='ModelY2X', check_shapes=True):
    """A CycleGANModel: a GANModel each way, and both kinds of data there and back (arXiv 1703.10593)."""
    def one_way(source, target):
        return gan_model(generator_fn, discriminator_fn, target, source, generator_scope, discriminator_scope,
                         check_shapes)

    with tf.variable_scope(model_x2y_scope):
        model_x2y = one_way(data_x, data_y)
    with tf.variable_scope(model_y2x_scope):
        model_y2x = one_way(data_y, data_x)
    with tf.variable_scope(model_y2x.generator_scope, reuse=True):
        reconstructed_x = model_y2x.generator_fn(model_x2y.generated_data)
    with tf.variable_scope(model_x2y.generator_scope, reuse=True):
        reconstructed_y = model_x2y.generator_fn(model_y2x.generated_data)
    return CycleGANModel(model_x2y, model_y2x, reconstructed_x, reconstructed_y)


def _joined(value):
    value = _tensors(value)
    return tf.concat(value, 0) if isinstance(value, list) else value


def stargan_model(generator_fn, discriminator_fn, input_data, input_data_domain_label,
                  generator_scope='Generator', discriminator_scope='Discriminator'):
    """A StarGANModel (arXiv 1711.09020): data moved to random domains and back.

    input_data [B,H,W,C]; input_data_domain_label [B,domains], one-hot. generator_fn(data, domains) → data,
    discriminator_fn(data, number of domains) → (logits, logits of the domains).
    """
    data, labels = _joined(input_data), _joined(input_data_domain_label)
    labels.shape.assert_has_rank(2)
    labels.shape.assert_is_fully_defined()
    batch, domains = labels.shape.as_list()
    with tf.variable_scope(generator_scope) as generator_scope:
        target = tf.one_hot(tf.random_uniform([batch], 0, domains, tf.int32), domains)
        generated = generator_fn(data, target)
    with tf.variable_scope(generator_scope, reuse=True):
        reconstructed = generator_fn(generated, labels)
    with tf.variable_scope(discriminator_scope) as discriminator_scope:
        generated_source, generated_domain = discriminator_fn(generated, domains)
    with tf.variable_scope(discriminator_scope, reuse=True):
        input_source, input_domain = discriminator_fn(data, domains)
    return StarGANModel(
        data, labels, generated, target, reconstructed, input_source, generated_source, input_domain,
        generated_domain, get_trainable_variables(generator_scope), generator_scope, generator_fn,
        get_trainable_variables(discriminator_scope), discriminator_scope, discriminator_fn)


# ---- losses ------------------------------------------------------------------------------------------------

def _weight(value, name):
    """A weight that is known, or will be checked in the graph, not to be negative."""
    if isinstance(value, tf.Tensor):
        value.shape.assert_is_compatible_with([])
        with tf.control_dependencies([tf.assert_greater_equal(value, 0.0)]):
            return tf.identity(value)
    if value is not None and value < 0:
        raise ValueError(f'`{name}` must be greater than 0. Instead, was {value}')
    return value


def _used(weight):
    return weight is not None and (isinstance(weight, tf.Tensor) or weight > 0)


def _pooled(model, tensor_pool_fn):
    """The model whose generated data come out of a pool of earlier ones."""
    fields = ('generator_inputs', 'generated_data')
    if isinstance(model, InfoGANModel):
        fields += ('structured_generator_inputs',)
    elif not isinstance(model, (GANModel, ACGANModel)):
        raise ValueError(f'Tensor pool does not support `model`: {type(model)}.')
    values = dict(zip(fields, tensor_pool_fn(tuple(getattr(model, field) for field in fields))))
    arguments = values['generated_data'], values['generator_inputs']
    with tf.variable_scope(model.discriminator_scope, reuse=True):
        if isinstance(model, InfoGANModel):
            outputs, values['predicted_distributions'] = model.discriminator_and_aux_fn(*arguments)
        elif isinstance(model, ACGANModel):
            outputs, values['discriminator_gen_classification_logits'] = model.discriminator_fn(*arguments)
        else:
            outputs = model.discriminator_fn(*arguments)
    return model._replace(discriminator_gen_outputs=outputs, **values)


def gan_loss(model, generator_loss_fn=gan_tuple_losses.wasserstein_generator_loss,
             discriminator_loss_fn=gan_tuple_losses.wasserstein_discriminator_loss,
             gradient_penalty_weight=None, gradient_penalty_epsilon=1e-10, gradient_penalty_target=1.0,
             gradient_penalty_one_sided=False, mutual_information_penalty_weight=None,
             aux_cond_generator_weight=None, aux_cond_discriminator_weight=None, tensor_pool_fn=None,
             add_summaries=True):
    """The GANLoss of a model: both losses, the penalties asked for, and the regularization of each scope.

    tensor_pool_fn((generator_inputs, generated_data)) gives what the discriminator sees instead. ValueError
    for a negative weight, or one that needs another kind of model.
    """
    penalty = _weight(gradient_penalty_weight, 'gradient_penalty_weight')
    information = _weight(mutual_information_penalty_weight, 'infogan_weight')
    generator_classes = _weight(aux_cond_generator_weight, 'aux_cond_generator_weight')
    discriminator_classes = _weight(aux_cond_discriminator_weight, 'aux_cond_discriminator_weight')
    if _used(information) and not isinstance(model, InfoGANModel):
        raise ValueError('When `mutual_information_penalty_weight` is provided, `model` must be an '
                         f'`InfoGANModel`. Instead, was {type(model)}.')
    if (_used(generator_classes) or _used(discriminator_classes)) and not isinstance(model, ACGANModel):
        raise ValueError('When `aux_cond_generator_weight` or `aux_cond_discriminator_weight` is provided, '
                         f'`model` must be an `ACGANModel`. Instead, was {type(model)}.')
    pooled = _pooled(model, tensor_pool_fn) if tensor_pool_fn is not None else model
    generator_loss = generator_loss_fn(model, add_summaries=add_summaries)
    discriminator_loss = discriminator_loss_fn(pooled, add_summaries=add_summaries)
    if _used(penalty):
        discriminator_loss += penalty * gan_tuple_losses.wasserstein_gradient_penalty(
            pooled, epsilon=gradient_penalty_epsilon, target=gradient_penalty_target,
            one_sided=gradient_penalty_one_sided, add_summaries=add_summaries)
    if _used(information):
        lost = gan_tuple_losses.mutual_information_penalty(model, add_summaries=add_summaries)
        lost_by_pooled = lost if pooled is model else gan_tuple_losses.mutual_information_penalty(
            pooled, add_summaries=add_summaries)
        generator_loss += information * lost
        discriminator_loss += information * lost_by_pooled
    if _used(generator_classes):
        generator_loss += generator_classes * gan_tuple_losses.acgan_generator_loss(
            model, add_summaries=add_summaries)
    if _used(discriminator_classes):
        discriminator_loss += discriminator_classes * gan_tuple_losses.acgan_discriminator_loss(
            pooled, add_summaries=add_summaries)
    return GANLoss(generator_loss + _regularization(model.generator_scope),
                   discriminator_loss + _regularization(model.discriminator_scope))


def _regularization(scope):
    return tf.losses.get_regularization_loss(scope.name) if scope else 0


def cyclegan_loss(model, generator_loss_fn=gan_tuple_losses.least_squares_generator_loss,
                  discriminator_loss_fn=gan_tuple_losses.least_squares_discriminator_loss,
                  cycle_consistency_loss_fn=gan_tuple_losses.cycle_consistency_loss,
                  cycle_consistency_loss_weight=10.0, **kwargs):
    """The CycleGANLoss: `gan_loss` each way (kwargs are its), each generator's with the cycle's loss."""
    if not isinstance(model, CycleGANModel):
        raise ValueError(f'`model` must be a `CycleGANModel`. Instead, was {type(model)}.')
    consistency = cycle_consistency_loss_fn(model, add_summaries=kwargs.get('add_summaries', True))
    consistency = _weight(cycle_consistency_loss_weight, 'cycle_consistency_loss_weight') * consistency

    def one_way(partial_model):
        loss = gan_loss(partial_model, generator_loss_fn, discriminator_loss_fn, **kwargs)
        return loss._replace(generator_loss=loss.generator_loss + consistency)

    with tf.name_scope('cyclegan_loss_x2y'):
        loss_x2y = one_way(model.model_x2y)
    with tf.name_scope('cyclegan_loss_y2x'):
        loss_y2x = one_way(model.model_y2x)
    return CycleGANLoss(loss_x2y, loss_y2x)


def stargan_loss(
    model,
    generator_loss_fn=gan_tuple_losses.stargan_generator_loss_wrapper(gan_losses.wasserstein_generator_loss),
    discriminator_loss_fn=gan_tuple_losses.stargan_discriminator_loss_wrapper(
        gan_losses.wasserstein_discriminator_loss),
    gradient_penalty_weight=10.0, gradient_penalty_epsilon=1e-10, gradient_penalty_target=1.0,
    gradient_penalty_one_sided=False, reconstruction_loss_fn=tf.losses.absolute_difference,
    reconstruction_loss_weight=10.0, classification_loss_fn=tf.losses.softmax_cross_entropy,
    classification_loss_weight=1.0, classification_one_hot=True, add_summaries=True,
):
    """The GANLoss of a StarGANModel: adversarial, reconstruction and classification of domains."""
    def classification(labels, logits, name):
        with tf.name_scope(name, values=(labels, logits)):
            loss = classification_loss_fn(onehot_labels=labels, logits=logits)
            if not classification_one_hot:
                loss = tf.reduce_sum(loss, axis=1)
            loss = tf.reduce_mean(loss)
            if add_summaries:
                tf.summary.scalar(name, loss)
            return loss * classification_loss_weight

    generator_loss = generator_loss_fn(model, add_summaries=add_summaries)
    discriminator_loss = discriminator_loss_fn(model, add_summaries=add_summaries)
    if _used(_weight(gradient_penalty_weight, 'gradient_penalty_weight')):
        penalty = gan_tuple_losses.stargan_gradient_penalty_wrapper(gan_losses.wasserstein_gradient_penalty)
        discriminator_loss += gradient_penalty_weight * penalty(
            model, epsilon=gradient_penalty_epsilon, target=gradient_penalty_target,
            one_sided=gradient_penalty_one_sided, add_summaries=add_summaries)
    reconstruction = reconstruction_loss_fn(model.input_data, model.reconstructed_data)
    if add_summaries:
        tf.summary.scalar('reconstruction_loss', reconstruction)
    generator_loss += reconstruction * reconstruction_loss_weight
    generator_loss += classification(
        model.generated_data_domain_target, model.discriminator_generated_data_domain_predication,
        'generator_classification_loss')
    discriminator_loss += classification(
        model.input_data_domain_label, model.discriminator_input_data_domain_predication,
        'discriminator_classification_loss')
    return GANLoss(generator_loss, discriminator_loss)


# ---- train ops ---------------------------------------------------------------------------------------------

def _updates(kwargs, generator_scope, discriminator_scope, check_for_unused_ops):
    """[the generator's updates], [the discriminator's]: those of UPDATE_OPS, or of `update_ops`, by scope."""
    every = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    wanted = set(kwargs.pop('update_ops', every))
    found = [[op for op in dict.fromkeys(tf.get_collection(tf.GraphKeys.UPDATE_OPS, scope)) if op in wanted]
             for scope in (generator_scope, discriminator_scope)]
    unused = wanted.difference(*found)
    if check_for_unused_ops and unused:
        raise ValueError(f'There are unused update ops: {unused}')
    return found


def _synchronised(optimizer, name, global_step, updates, hooks, is_chief):
    """The step that an optimizer of replicas counts by, with its hook; None for any other optimizer."""
    if not isinstance(optimizer, tf.train.SyncReplicasOptimizer):
        return None
    step = tf.get_variable(
        'dummy_global_step_' + name, shape=[], dtype=global_step.dtype.base_dtype,
        initializer=tf.zeros_initializer(), trainable=False, collections=[tf.GraphKeys.GLOBAL_VARIABLES])
    updates.append(step.assign(global_step))
    hooks.append(optimizer.make_session_run_hook(is_chief))
    return step


def gan_train_ops(model, loss, generator_optimizer, discriminator_optimizer, check_for_unused_update_ops=True,
                  is_chief=True, **kwargs):
    """The GANTrainOps of a model and its loss. kwargs go to `tf.contrib.training.create_train_op`.

    Each train op runs the updates (UPDATE_OPS) of its own network; ValueError when some belong to neither,
    unless check_for_unused_update_ops is False. None of them counts a step: `global_step_inc_op` does.
    """
    if isinstance(model, CycleGANModel):
        with tf.name_scope('cyclegan_x2y_train'):
            x2y = gan_train_ops(model.model_x2y, loss.loss_x2y, generator_optimizer, discriminator_optimizer,
                                check_for_unused_update_ops, is_chief, **kwargs)
        with tf.name_scope('cyclegan_y2x_train'):
            y2x = gan_train_ops(model.model_y2x, loss.loss_y2x, generator_optimizer, discriminator_optimizer,
                                check_for_unused_update_ops, is_chief, **kwargs)
        return GANTrainOps(
            (x2y.generator_train_op, y2x.generator_train_op),
            (x2y.discriminator_train_op, y2x.discriminator_train_op),
            tf.train.get_or_create_global_step().assign_add(1))
    global_step = tf.train.get_or_create_global_step()
    increment = global_step.assign_add(1)
    generator_updates, discriminator_updates = _updates(
        kwargs, model.generator_scope.name, model.discriminator_scope.name, check_for_unused_update_ops)
    hooks = []
    step = _synchronised(generator_optimizer, 'generator', global_step, generator_updates, hooks, is_chief)
    with tf.name_scope('generator_train'):
        generator_train_op = create_train_op(
            loss.generator_loss, generator_optimizer, variables_to_train=model.generator_variables,
            global_step=step, update_ops=generator_updates, **kwargs)
    step = _synchronised(
        discriminator_optimizer, 'discriminator', global_step, discriminator_updates, hooks, is_chief)
    with tf.name_scope('discriminator_train'):
        discriminator_train_op = create_train_op(
            loss.discriminator_loss, discriminator_optimizer,
            variables_to_train=model.discriminator_variables, global_step=step,
            update_ops=discriminator_updates, **kwargs)
    return GANTrainOps(generator_train_op, discriminator_train_op, increment, hooks)


# ---- the schedule ------------------------------------------------------------------------------------------

class RunTrainOpsHook(tf.train.SessionRunHook):
    """Runs train ops a number of times before each step of the session."""

    def __init__(self, train_ops, train_steps):
        self._train_ops = train_ops if isinstance(train_ops, (list, tuple)) else [train_ops]
        self._train_steps = train_steps

    def before_run(self, run_context):
        for _ in range(self._train_steps):
            run_context.session.run(self._train_ops)


def get_sequential_train_hooks(train_steps=GANTrainSteps(1, 1)):
    """`get_hooks_fn` of gan_train: in each global step the generator's steps, then the discriminator's."""
    def get_hooks(train_ops):
        return [RunTrainOpsHook(train_ops.generator_train_op, train_steps.generator_train_steps),
                RunTrainOpsHook(train_ops.discriminator_train_op, train_steps.discriminator_train_steps),
                *train_ops.train_hooks]
    return get_hooks


def get_joint_train_hooks(train_steps=GANTrainSteps(1, 1)):
    """`get_hooks_fn` of gan_train: as many steps of both at once as both have, then the rest of each."""
    both = min(train_steps)

    def get_hooks(train_ops):
        generator, discriminator = train_ops.generator_train_op, train_ops.discriminator_train_op
        return [RunTrainOpsHook([generator, discriminator], both),
                RunTrainOpsHook(generator, train_steps.generator_train_steps - both),
                RunTrainOpsHook(discriminator, train_steps.discriminator_train_steps - both),
                *train_ops.train_hooks]
    return get_hooks


def gan_train(train_ops, logdir, get_hooks_fn=get_sequential_train_hooks(), master='', is_chief=True,
              scaffold=None, hooks=None, chief_only_hooks=None, save_checkpoint_secs=600,
              save_summaries_steps=100, config=None):
    """Trains until a hook (`tf.train.StopAtStepHook`) stops; the last global step."""
    return train(
        train_ops.global_step_inc_op, logdir, master=master, is_chief=is_chief, scaffold=scaffold,
        hooks=[*(hooks or ()), *get_hooks_fn(train_ops)], chief_only_hooks=chief_only_hooks,
        save_checkpoint_secs=save_checkpoint_secs, save_summaries_steps=save_summaries_steps, config=config)


def get_sequential_train_steps(train_steps=GANTrainSteps(1, 1)):
    """`train_step_fn` of slim.learning.train, whose train_op is then the GANTrainOps."""
    def sequential_train_steps(sess, train_ops, global_step, train_step_kwargs):
        # a step of a network must not end the training: only the whole one may
        kwargs = {key: value for key, value in train_step_kwargs.items() if key != 'should_stop'}
        total = 0
        for train_op, steps in ((train_ops.generator_train_op, train_steps.generator_train_steps),
                                (train_ops.discriminator_train_op, train_steps.discriminator_train_steps)):
            for _ in range(steps):
                total += train_step(sess, train_op, global_step, kwargs)[0]
        sess.run(train_ops.global_step_inc_op)
        stop = sess.run(train_step_kwargs['should_stop']) if 'should_stop' in train_step_kwargs else False
        return total, stop
    return sequential_train_steps


MODULE = sys.modules[__name__]
