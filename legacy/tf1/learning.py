"""tf.contrib.slim.learning and tf.contrib.training: ops that train, and the loops that run them.

After tensorflow/contrib/training/python/training/{training,evaluation}.py and
contrib/slim/python/slim/learning.py of TensorFlow 1.15.
"""
import itertools
import time
import types

import tensorflow.compat.v1 as tf
from tensorflow.python.training import checkpoint_utils as _checkpoints
from tensorflow.python.training import evaluation as _evaluation

_DEFAULT = object()


# ---- gradients ---------------------------------------------------------------------------------------------

def _on_values(gradient, change):
    """`change` of a dense gradient, or of the rows that a sparse one has."""
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(change(gradient.values), gradient.indices, gradient.dense_shape)
    return change(gradient)


def clip_gradient_norms(gradients_to_variables, max_norm):
    """[(gradient, variable)] with each gradient's own norm at most `max_norm`."""
    return [(g if g is None else _on_values(g, lambda x: tf.clip_by_norm(x, max_norm)), v)
            for g, v in gradients_to_variables]


def clip_gradient_norms_fn(max_norm):
    """`clip_gradient_norms` as a `transform_grads_fn`."""
    return lambda gradients: clip_gradient_norms(gradients, max_norm)


def multiply_gradients(grads_and_vars, gradient_multipliers):
    """Gradients times a factor by variable, or by the name of its operation."""
    if not gradient_multipliers:
        raise ValueError('`gradient_multipliers` is empty.')
    factors = {key if isinstance(key, str) else key.op.name: factor
               for key, factor in gradient_multipliers.items()}
    result = []
    for gradient, variable in grads_and_vars:
        factor = factors.get(variable.op.name)
        if factor is not None:
            if gradient is None:
                raise ValueError('Requested multiple of `None` gradient.')
            gradient = _on_values(gradient, lambda x: x * tf.cast(factor, x.dtype))
        result.append((gradient, variable))
    return result


def add_gradients_summaries(grads_and_vars):
    """A histogram of each gradient and its norm; returns the summaries."""
    summaries = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            tf.logging.info('Var %s has no gradient', variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient
        summaries.append(tf.summary.histogram(variable.op.name + '_gradient', values))
        summaries.append(tf.summary.scalar(variable.op.name + '_gradient_norm', tf.global_norm([values])))
    return summaries


# ---- train ops ---------------------------------------------------------------------------------------------

def _after(dependencies, tensor):
    with tf.control_dependencies(dependencies):
        return tf.identity(tensor)


def create_train_op(total_loss, optimizer, global_step=_DEFAULT, update_ops=None, variables_to_train=None,
                    transform_grads_fn=None, summarize_gradients=False,
                    gate_gradients=tf.train.Optimizer.GATE_OP, aggregation_method=None,
                    colocate_gradients_with_ops=False, check_numerics=True):
    """tf.contrib.training.create_train_op: a tensor that runs the updates, applies the gradients and is the
    loss.

    `global_step` left out is the graph's; None counts no step. `update_ops` None is UPDATE_OPS.
    """
    if global_step is _DEFAULT:
        global_step = tf.train.get_or_create_global_step()
    all_updates = tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    update_ops = list(dict.fromkeys(all_updates if update_ops is None else update_ops))
    if not set(all_updates) <= set(update_ops):
        tf.logging.warning(
            'update_ops in create_train_op does not contain all the update_ops in GraphKeys.UPDATE_OPS')
    if update_ops:
        with tf.control_dependencies(update_ops):
            barrier = tf.no_op(name='update_barrier')
        total_loss = _after([barrier], total_loss)
    if variables_to_train is None:
        variables_to_train = tf.trainable_variables()
    if not variables_to_train:
        raise ValueError('create_train_op: there is no variable to train')
    gradients = optimizer.compute_gradients(
        total_loss, variables_to_train, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )
    if transform_grads_fn is not None:
        gradients = transform_grads_fn(gradients)
    if summarize_gradients:
        with tf.name_scope('summarize_grads'):
            add_gradients_summaries(gradients)
    apply = optimizer.apply_gradients(gradients, global_step=global_step)
    with tf.name_scope('train_op'):
        if check_numerics:
            total_loss = tf.check_numerics(total_loss, 'LossTensor is inf or nan')
        train_op = _after([apply], total_loss)
    tf.add_to_collection(tf.GraphKeys.TRAIN_OP, train_op)
    return train_op


def slim_create_train_op(total_loss, optimizer, global_step=_DEFAULT, update_ops=None,
                         variables_to_train=None, clip_gradient_norm=0, summarize_gradients=False,
                         gate_gradients=tf.train.Optimizer.GATE_OP, aggregation_method=None,
                         colocate_gradients_with_ops=False, gradient_multipliers=None, check_numerics=True):
    """slim.learning.create_train_op: factors, then a norm for each gradient, in the place of
    `transform_grads_fn`.
    """
    def transform(gradients):
        if gradient_multipliers:
            gradients = multiply_gradients(gradients, gradient_multipliers)
        return clip_gradient_norms(gradients, clip_gradient_norm) if clip_gradient_norm > 0 else gradients

    return create_train_op(
        total_loss, optimizer, global_step, update_ops, variables_to_train, transform, summarize_gradients,
        gate_gradients, aggregation_method, colocate_gradients_with_ops, check_numerics,
    )


# ---- loops -------------------------------------------------------------------------------------------------

def train(train_op, logdir, master='', is_chief=True, scaffold=None, hooks=None, chief_only_hooks=None,
          save_checkpoint_secs=600, save_summaries_steps=100, config=None, max_wait_secs=7200,
          run_metadata=None):
    """tf.contrib.training.train: runs `train_op` in a monitored session until a hook stops it; the last
    value.
    """
    if logdir is None and is_chief and (save_summaries_steps or save_checkpoint_secs):
        raise ValueError(
            'logdir cannot be None when save_checkpoint_secs or save_summaries_steps is not None')
    with tf.train.MonitoredTrainingSession(
        master=master, is_chief=is_chief, checkpoint_dir=logdir, scaffold=scaffold, hooks=hooks,
        chief_only_hooks=chief_only_hooks, save_checkpoint_secs=save_checkpoint_secs,
        save_summaries_steps=save_summaries_steps, save_summaries_secs=None, config=config,
        max_wait_secs=max_wait_secs,
    ) as session:
        value = None
        while not session.should_stop():
            value = session.run(train_op, run_metadata=run_metadata)
    return value


def train_step(sess, train_op, global_step, train_step_kwargs):
    """slim.learning.train_step: (loss, should stop) of one step; the ops `should_log`, `should_stop` and
    `should_trace` of train_step_kwargs decide.
    """
    start, options, metadata = time.time(), None, None
    if 'should_trace' in train_step_kwargs:
        if 'logdir' not in train_step_kwargs:
            raise ValueError('logdir must be present in train_step_kwargs when should_trace is present')
        if sess.run(train_step_kwargs['should_trace']):
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            metadata = tf.RunMetadata()
    loss, step = sess.run([train_op, global_step], options=options, run_metadata=metadata)
    if metadata is not None and 'summary_writer' in train_step_kwargs:
        train_step_kwargs['summary_writer'].add_run_metadata(metadata, f'run_metadata-{step}')
    if 'should_log' in train_step_kwargs and sess.run(train_step_kwargs['should_log']):
        tf.logging.info('global step %d: loss = %.4f (%.3f sec/step)', step, loss, time.time() - start)
    stop = sess.run(train_step_kwargs['should_stop']) if 'should_stop' in train_step_kwargs else False
    return loss, stop


def _step_ops(global_step, number_of_steps, log_every_n_steps, trace_every_n_steps, logdir):
    """The ops that `train_step` asks, under the names it knows."""
    with tf.name_scope('train_step'):
        stop = tf.greater_equal(global_step, number_of_steps) if number_of_steps else tf.constant(False)
        ops = {'should_stop': stop, 'should_log': tf.equal(tf.mod(global_step, log_every_n_steps), 0)}
        if trace_every_n_steps is not None:
            ops['should_trace'] = tf.equal(tf.mod(global_step, trace_every_n_steps), 0)
            ops['logdir'] = logdir
    return ops


def slim_train(train_op, logdir, train_step_fn=train_step, train_step_kwargs=_DEFAULT, log_every_n_steps=1,
               graph=None, master='', is_chief=True, global_step=None, number_of_steps=None,
               init_op=_DEFAULT, init_feed_dict=None, local_init_op=_DEFAULT, init_fn=None,
               ready_op=_DEFAULT, summary_op=_DEFAULT, save_summaries_secs=600, summary_writer=_DEFAULT,
               startup_delay_steps=0, saver=None, save_interval_secs=600, sync_optimizer=None,
               session_config=None, session_wrapper=None, trace_every_n_steps=None,
               ignore_live_threads=False):
    """slim.learning.train: the training loop on a Supervisor; returns the last loss.

    `train_step_fn(session, train_op, global_step, train_step_kwargs)` gives (loss, should stop). Replicas
    that work in step (`sync_optimizer`) are those of one process here: none waits.
    """
    if train_op is None:
        raise ValueError('train_op cannot be None.')
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError('`number_of_steps` must be either None or a positive number.')
    given = {key: value for key, value in dict(
        init_op=init_op, local_init_op=local_init_op, ready_op=ready_op, summary_op=summary_op,
        summary_writer=summary_writer,
    ).items() if value is not _DEFAULT}
    graph = graph or tf.get_default_graph()
    with graph.as_default():
        if global_step is None:
            global_step = tf.train.get_or_create_global_step()
        if train_step_kwargs is _DEFAULT:
            train_step_kwargs = _step_ops(
                global_step, number_of_steps, log_every_n_steps, trace_every_n_steps, logdir)
        supervisor = tf.train.Supervisor(
            graph=graph, is_chief=is_chief, logdir=logdir, init_feed_dict=init_feed_dict, init_fn=init_fn,
            saver=saver or tf.train.Saver(), global_step=global_step, save_model_secs=save_interval_secs,
            save_summaries_secs=save_summaries_secs, **given,
        )
    if summary_writer is not None:
        train_step_kwargs['summary_writer'] = supervisor.summary_writer
    loss = None
    with supervisor.managed_session(master, start_standard_services=False, config=session_config) as session:
        session = session_wrapper(session) if session_wrapper is not None else session
        if is_chief and logdir:
            supervisor.start_standard_services(session)
        threads = supervisor.start_queue_runners(session)
        try:
            while not supervisor.should_stop():
                loss, stop = train_step_fn(session, train_op, global_step, train_step_kwargs)
                if stop:
                    tf.logging.info('Stopping Training.')
                    supervisor.request_stop()
        except tf.errors.OutOfRangeError as error:
            tf.logging.info('Caught OutOfRangeError. Stopping Training. %s', error.message)
        if logdir and supervisor.is_chief:
            tf.logging.info('Finished training! Saving model to disk.')
            supervisor.saver.save(session, supervisor.save_path, global_step=supervisor.global_step)
            supervisor.stop(threads, close_summary_writer=False, ignore_live_threads=ignore_live_threads)
    return loss


# ---- tf.contrib.training's evaluation ----------------------------------------------------------------------

evaluate_once = _evaluation._evaluate_once
StopAfterNEvalsHook = _evaluation._StopAfterNEvalsHook
get_or_create_eval_step = _evaluation._get_or_create_eval_step
checkpoints_iterator = tf.train.checkpoints_iterator
wait_for_new_checkpoint = _checkpoints.wait_for_new_checkpoint


class SummaryAtEndHook(tf.train.SessionRunHook):
    """Writes the summaries once, when the session ends."""

    def __init__(self, log_dir=None, summary_writer=None, summary_op=None, feed_dict=None):
        if not log_dir and not summary_writer:
            raise ValueError('One of log_dir or summary_writer should be used.')
        self._log_dir, self._writer = log_dir, summary_writer
        self._summary_op, self._feed_dict = summary_op, feed_dict

    def begin(self):
        if self._writer is None:
            self._writer = tf.summary.FileWriterCache.get(self._log_dir)
        self._global_step = tf.train.get_or_create_global_step()
        if self._summary_op is None:
            self._summary_op = tf.summary.merge_all()

    def end(self, session):
        step = tf.train.global_step(session, self._global_step)
        if self._summary_op is not None:
            self._writer.add_summary(session.run(self._summary_op, self._feed_dict), step)
        self._writer.flush()


def evaluate_repeatedly(checkpoint_dir, master='', scaffold=None, eval_ops=None, feed_dict=None,
                        final_ops=None, final_ops_feed_dict=None, eval_interval_secs=60, hooks=None,
                        config=None, max_number_of_evaluations=None, timeout=None, timeout_fn=None):
    """Evaluates each new checkpoint of a folder; the last values of `final_ops`."""
    result = None
    for path in _new_checkpoints(
            checkpoint_dir, eval_interval_secs, timeout, timeout_fn, max_number_of_evaluations):
        result = evaluate_once(
            checkpoint_path=path, master=master, scaffold=scaffold, eval_ops=eval_ops, feed_dict=feed_dict,
            final_ops=final_ops, final_ops_feed_dict=final_ops_feed_dict, hooks=hooks, config=config,
        )
    return result


def _new_checkpoints(checkpoint_dir, interval_secs, timeout, timeout_fn, most):
    """The first `most` new checkpoints of a folder, all for None; the last is not waited past."""
    paths = tf.train.checkpoints_iterator(
        checkpoint_dir, min_interval_secs=interval_secs, timeout=timeout, timeout_fn=timeout_fn)
    return paths if most is None else itertools.islice(paths, max(most, 1))


# ---- slim.evaluation ---------------------------------------------------------------------------------------

def slim_evaluate_once(master, checkpoint_path, logdir=None, num_evals=1, initial_op=None,
                       initial_op_feed_dict=None, eval_op=None, eval_op_feed_dict=None, final_op=None,
                       final_op_feed_dict=None, summary_op=_DEFAULT, summary_op_feed_dict=None,
                       variables_to_restore=None, session_config=None, hooks=None):
    """slim.evaluation.evaluate_once: `eval_op` num_evals times on a checkpoint; the values of `final_op`."""
    hooks = [StopAfterNEvalsHook(num_evals)] + list(hooks or [])
    if logdir and summary_op is not None:
        summary_op = tf.summary.merge_all() if summary_op is _DEFAULT else summary_op
        hooks.append(SummaryAtEndHook(logdir, summary_op=summary_op, feed_dict=summary_op_feed_dict))
    saver = tf.train.Saver(variables_to_restore) if variables_to_restore is not None else None
    scaffold = tf.train.Scaffold(init_op=initial_op, init_feed_dict=initial_op_feed_dict, saver=saver)
    return evaluate_once(
        checkpoint_path, master=master, scaffold=scaffold, eval_ops=eval_op, feed_dict=eval_op_feed_dict,
        final_ops=final_op, final_ops_feed_dict=final_op_feed_dict, hooks=hooks, config=session_config,
    )


def evaluation_loop(master, checkpoint_dir, logdir, num_evals=1, initial_op=None, initial_op_feed_dict=None,
                    init_fn=None, eval_op=None, eval_op_feed_dict=None, final_op=None,
                    final_op_feed_dict=None, summary_op=_DEFAULT, summary_op_feed_dict=None,
                    variables_to_restore=None, eval_interval_secs=60, max_number_of_evaluations=None,
                    session_config=None, timeout=None, timeout_fn=None, hooks=None):
    """slim.evaluation.evaluation_loop: `evaluate_once` for each new checkpoint of a folder."""
    result = None
    for path in _new_checkpoints(
            checkpoint_dir, eval_interval_secs, timeout, timeout_fn, max_number_of_evaluations):
        result = slim_evaluate_once(
            master, path, logdir, num_evals, initial_op, initial_op_feed_dict, eval_op, eval_op_feed_dict,
            final_op, final_op_feed_dict, summary_op, summary_op_feed_dict, variables_to_restore,
            session_config, hooks,
        )
    return result


def _module(name, **members):
    module = types.ModuleType('tensorflow.contrib.slim.' + name)
    module.__dict__.update(members)
    return module


slim_learning = _module('learning', create_train_op=slim_create_train_op, train=slim_train,
                        train_step=train_step, clip_gradient_norms=clip_gradient_norms,
                        multiply_gradients=multiply_gradients,
                        add_gradients_summaries=add_gradients_summaries)
slim_evaluation = _module('evaluation', evaluate_once=slim_evaluate_once, evaluation_loop=evaluation_loop,
                          wait_for_new_checkpoint=wait_for_new_checkpoint,
                          checkpoints_iterator=checkpoints_iterator)
