"""tf.contrib.slim's own parts; its layers and variables are those of tf.contrib.layers and
tf.contrib.framework.
"""
import sys
import time
import types

import tensorflow.compat.v1 as tf

from legacy.tf1 import contrib_layers


# ---- slim.model_analyzer -----------------------------------------------------------------------------------

def tensor_description(var):
    """`(float32_ref 5x5x3x64)`."""
    shape = 'x'.join(str(n) for n in var.shape.as_list())
    return f'({var.dtype.name} {shape})'


def analyze_vars(variables, print_info=False):
    """(total size, total bytes) of variables, listed on stdout with `print_info`."""
    if print_info:
        print('---------\nVariables: name (type shape) [size]\n---------')
    total, total_bytes = 0, 0
    for var in variables:
        size = var.get_shape().num_elements() or 0
        total, total_bytes = total + size, total_bytes + size * var.dtype.size
        if print_info:
            print(f'{var.name} {tensor_description(var)} [{size}, bytes: {size * var.dtype.size}]')
    if print_info:
        print(f'Total size of variables: {total}\nTotal bytes of variables: {total_bytes}')
    return total, total_bytes


def analyze_ops(graph, print_info=False):
    """Total size of the outputs of a graph's operations."""
    total = 0
    for op in graph.get_operations():
        sizes = [output.shape.num_elements() or 0 if output.shape.is_fully_defined() else 0
                 for output in op.outputs]
        total += sum(sizes)
        if print_info:
            print(f'{op.name}\t-> [{", ".join(map(str, sizes))}]')
    return total


# ---- slim.losses (tf.contrib.losses): positional (predictions, labels, weights) ----------------------------

def _predictions_first(function):
    def loss(predictions, labels=None, weights=1.0, scope=None, **kwargs):
        return function(labels, predictions, weights=weights, scope=scope, **kwargs)
    loss.__name__ = function.__name__
    return loss


def _logits_first(function):
    def loss(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
        return function(onehot_labels, logits, weights=weights, label_smoothing=label_smoothing, scope=scope)
    loss.__name__ = function.__name__
    return loss


def _module(name, **members):
    module = types.ModuleType('tensorflow.contrib.slim.' + name)
    module.__dict__.update(members)
    return module


losses = _module('losses', absolute_difference=_predictions_first(tf.losses.absolute_difference),
                 hinge_loss=lambda logits, labels=None, scope=None: tf.losses.hinge_loss(labels, logits,
                                                                                         scope=scope),
                 log_loss=_predictions_first(tf.losses.log_loss),
                 mean_squared_error=_predictions_first(tf.losses.mean_squared_error),
                 mean_pairwise_squared_error=_predictions_first(tf.losses.mean_pairwise_squared_error),
                 sigmoid_cross_entropy=_logits_first(tf.losses.sigmoid_cross_entropy),
                 softmax_cross_entropy=_logits_first(tf.losses.softmax_cross_entropy),
                 sparse_softmax_cross_entropy=lambda logits, labels, weights=1.0,
                 scope=None: tf.losses.sparse_softmax_cross_entropy(labels, logits, weights, scope),
                 compute_weighted_loss=tf.losses.compute_weighted_loss, add_loss=tf.losses.add_loss,
                 get_losses=tf.losses.get_losses,
                 get_regularization_losses=tf.losses.get_regularization_losses,
                 get_total_loss=tf.losses.get_total_loss)


# ---- slim.learning -----------------------------------------------------------------------------------------

def clip_gradient_norms(gradients_to_variables, max_norm):
    return [(None if g is None else tf.clip_by_norm(g, max_norm), v) for g, v in gradients_to_variables]


def multiply_gradients(grads_and_vars, gradient_multipliers):
    factors = {getattr(key, 'op', key) if isinstance(key, str) else key.op.name: f for key,
               f in gradient_multipliers.items()}
    return [(g * factors[v.op.name] if g is not None and v.op.name in factors else g, v) for g,
            v in grads_and_vars]


_STEP = object()


def create_train_op(total_loss, optimizer, global_step=_STEP, update_ops=None, variables_to_train=None,
                    clip_gradient_norm=0, summarize_gradients=False,
                    gate_gradients=tf.train.Optimizer.GATE_OP, aggregation_method=None,
                    colocate_gradients_with_ops=False, gradient_multipliers=None, check_numerics=True,
                    transform_grads_fn=None):
    """An op that applies the gradients after UPDATE_OPS and returns the loss."""
    global_step = tf.train.get_or_create_global_step() if global_step is _STEP else global_step
    update_ops = list(tf.get_collection(tf.GraphKeys.UPDATE_OPS) if update_ops is None else update_ops)
    if update_ops:
        with tf.control_dependencies(update_ops):
            total_loss = tf.identity(total_loss)
    gradients = optimizer.compute_gradients(total_loss, variables_to_train or tf.trainable_variables(),
                                            gate_gradients=gate_gradients,
                                            aggregation_method=aggregation_method,
                                            colocate_gradients_with_ops=colocate_gradients_with_ops)
    if gradient_multipliers:
        gradients = multiply_gradients(gradients, gradient_multipliers)
    if transform_grads_fn is not None:
        gradients = transform_grads_fn(gradients)
    if clip_gradient_norm > 0:
        gradients = clip_gradient_norms(gradients, clip_gradient_norm)
    if summarize_gradients:
        for gradient, variable in gradients:
            if gradient is not None:
                tf.summary.histogram('gradients/' + variable.op.name, gradient)
    apply = optimizer.apply_gradients(gradients, global_step=global_step)
    if check_numerics:
        total_loss = tf.check_numerics(total_loss, 'LossTensor is inf or nan')
    with tf.control_dependencies([apply]):
        train = tf.identity(total_loss, name='train_op')
    tf.add_to_collection(tf.GraphKeys.TRAIN_OP, train)
    return train


def train_step(sess, train_op, global_step, train_step_kwargs):
    """(loss, should stop) of one step."""
    loss, step = sess.run([train_op, global_step])
    every = train_step_kwargs.get('log_every_n_steps', 1)
    if step % every == 0:
        tf.logging.info('global step %d: loss = %.4f', step, loss)
    return loss, step >= train_step_kwargs.get('number_of_steps', float('inf'))


def train(train_op, logdir, train_step_fn=train_step, train_step_kwargs=None, log_every_n_steps=1, graph=None,
          master='', is_chief=True, global_step=None, number_of_steps=None, init_op=None, init_feed_dict=None,
          local_init_op=None, init_fn=None, ready_op=None, summary_op=True, save_summaries_secs=600,
          summary_writer=True, startup_delay_steps=0, saver=None, save_interval_secs=600, sync_optimizer=None,
          session_config=None, session_wrapper=None, trace_every_n_steps=None, ignore_live_threads=False):
    """The training loop on a Supervisor; returns the last loss."""
    global_step = global_step if global_step is not None else tf.train.get_or_create_global_step()
    kwargs = dict(number_of_steps=number_of_steps or float('inf'), log_every_n_steps=log_every_n_steps,
                  **(train_step_kwargs or {}))
    options = {key: value for key, value in dict(init_op=init_op, local_init_op=local_init_op,
                                                 ready_op=ready_op).items() if value is not None}
    if summary_op is not True:
        options['summary_op'] = summary_op
    supervisor = tf.train.Supervisor(logdir=logdir, is_chief=is_chief, init_feed_dict=init_feed_dict,
                                     init_fn=init_fn, saver=saver or tf.train.Saver(),
                                     global_step=global_step, save_model_secs=save_interval_secs,
                                     save_summaries_secs=save_summaries_secs, **options)
    loss = None
    with supervisor.managed_session(master, start_standard_services=True, config=session_config) as sess:
        sess = session_wrapper(sess) if session_wrapper is not None else sess
        while not supervisor.should_stop():
            loss, stop = train_step_fn(sess, train_op, global_step, kwargs)
            if stop:
                if logdir:
                    supervisor.saver.save(sess, supervisor.save_path, global_step=supervisor.global_step)
                break
    return loss


# ---- slim.evaluation ---------------------------------------------------------------------------------------

def evaluate_once(master, checkpoint_path, logdir=None, num_evals=1, initial_op=None, eval_op=None,
                  eval_op_feed_dict=None, final_op=None, final_op_feed_dict=None, variables_to_restore=None,
                  session_config=None, **kwargs):
    saver = tf.train.Saver(variables_to_restore)
    with tf.Session(master, config=session_config) as sess:
        sess.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        saver.restore(sess, checkpoint_path)
        coordinator = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess, coordinator)
        for _ in range(num_evals):
            if eval_op is not None:
                sess.run(eval_op, eval_op_feed_dict)
        result = sess.run(final_op, final_op_feed_dict) if final_op is not None else None
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=10, ignore_live_threads=True)
        return result


def evaluation_loop(master, checkpoint_dir, logdir, eval_interval_secs=60, max_number_of_evaluations=None,
                    **kwargs):
    done, result = 0, None
    while max_number_of_evaluations is None or done < max_number_of_evaluations:
        path = tf.train.latest_checkpoint(checkpoint_dir)
        if path:
            result = evaluate_once(master, path, logdir, **kwargs)
            done += 1
        else:
            time.sleep(eval_interval_secs)
    return result


model_analyzer = _module('model_analyzer', analyze_vars=analyze_vars, analyze_ops=analyze_ops,
                         tensor_description=tensor_description)
learning = _module('learning', create_train_op=create_train_op, train=train, train_step=train_step,
                   clip_gradient_norms=clip_gradient_norms, multiply_gradients=multiply_gradients)
evaluation = _module('evaluation', evaluate_once=evaluate_once, evaluation_loop=evaluation_loop)
regularizers = _module('regularizers', **{name: getattr(contrib_layers, name) for name in (
    'l1_regularizer', 'l2_regularizer', 'l1_l2_regularizer', 'sum_regularizer')})
summaries = _module('summaries', add_histogram_summaries=lambda tensors,
                    prefix=None: [tf.summary.histogram(t.op.name, t) for t in tensors],
                    add_scalar_summary=lambda tensor, name=None, prefix=None,
                    print_summary=False: tf.summary.scalar(name or tensor.op.name, tensor),
                    add_image_summary=lambda tensor, name=None, prefix=None,
                    print_summary=False: tf.summary.image(name or tensor.op.name, tensor))
MODULE = sys.modules[__name__]
