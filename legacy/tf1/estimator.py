"""tf.estimator: a model_fn trained, evaluated and asked for predictions, each in a graph of its own.

After TensorFlow 1.15's tensorflow_estimator (estimator.py, model_fn.py, run_config.py, training.py), for one
process on one machine. Checkpoints, summaries and the folder of evaluations are where they were.
"""
import collections
import copy
import functools
import inspect
import os
import tempfile
import time

import numpy
import tensorflow.compat.v1 as tf
from tensorflow.python.training import evaluation as _evaluation

from legacy import notes
from legacy.tf1 import estimator_inputs as inputs  # noqa: F401


class ModeKeys:
    """What a model_fn is called for."""
    TRAIN = 'train'
    EVAL = 'eval'
    PREDICT = 'infer'


# ---- what a model_fn returns -------------------------------------------------------------------------------

_SPEC = ('mode', 'predictions', 'loss', 'train_op', 'eval_metric_ops', 'export_outputs',
         'training_chief_hooks', 'training_hooks', 'scaffold', 'evaluation_hooks', 'prediction_hooks')


class EstimatorSpec(collections.namedtuple('EstimatorSpec', _SPEC)):
    """Ops and hooks of one mode. ValueError when what the mode needs is missing or the loss is no scalar."""

    def __new__(cls, mode, predictions=None, loss=None, train_op=None, eval_metric_ops=None,
                export_outputs=None, training_chief_hooks=None, training_hooks=None, scaffold=None,
                evaluation_hooks=None, prediction_hooks=None):
        needed = {ModeKeys.TRAIN: {'train_op': train_op, 'loss': loss}, ModeKeys.EVAL: {'loss': loss},
                  ModeKeys.PREDICT: {'predictions': predictions}}
        if mode not in needed:
            raise ValueError(f'Mode not recognized: {mode}')
        for name, value in needed[mode].items():
            if value is None:
                raise ValueError(f'Missing {name}.')
        if loss is not None:
            loss = tf.convert_to_tensor(loss)
            if loss.shape.num_elements() not in (1, None):
                raise ValueError(f'Loss must be scalar, given: {loss}')
            loss = tf.reshape(loss, []) if loss.shape.ndims else loss
        if isinstance(train_op, tf.Tensor):
            train_op = train_op.op
        for name, value in (eval_metric_ops or {}).items():
            if not (isinstance(value, tuple) and len(value) == 2):
                raise TypeError('Values of eval_metric_ops must be (metric_value, update_op) tuples, given: '
                                f'{value} for key: {name}')
        return super().__new__(
            cls, mode, {} if predictions is None else predictions, loss, train_op,
            dict(eval_metric_ops or {}), export_outputs, tuple(training_chief_hooks or ()),
            tuple(training_hooks or ()), scaffold or tf.train.Scaffold(), tuple(evaluation_hooks or ()),
            tuple(prediction_hooks or ()))


# ---- configuration -----------------------------------------------------------------------------------------

_DEFAULT = object()
_REPLACEABLE = (
    'model_dir', 'tf_random_seed', 'save_summary_steps', 'save_checkpoints_steps', 'save_checkpoints_secs',
    'session_config', 'keep_checkpoint_max', 'keep_checkpoint_every_n_hours', 'log_step_count_steps',
    'train_distribute', 'device_fn', 'protocol', 'eval_distribute', 'experimental_distribute',
    'experimental_max_worker_delay_secs', 'session_creation_timeout_secs',
)


class RunConfig:
    """How often an Estimator saves, summarises and logs. Checkpoints every 600 s unless steps are given.

    What concerns several machines is kept and not used: there is one worker, which is the chief.
    """
    cluster_spec = tf.train.ClusterSpec({})
    master = evaluation_master = ''
    task_type, task_id, is_chief = 'worker', 0, True
    num_worker_replicas, num_ps_replicas, global_id_in_cluster = 1, 0, 0
    service = None

    def __init__(self, model_dir=None, tf_random_seed=None, save_summary_steps=100,
                 save_checkpoints_steps=_DEFAULT, save_checkpoints_secs=_DEFAULT, session_config=None,
                 keep_checkpoint_max=5, keep_checkpoint_every_n_hours=10000, log_step_count_steps=100,
                 train_distribute=None, device_fn=None, protocol=None, eval_distribute=None,
                 experimental_distribute=None, experimental_max_worker_delay_secs=None,
                 session_creation_timeout_secs=7200):
        if save_checkpoints_steps is _DEFAULT and save_checkpoints_secs is _DEFAULT:
            save_checkpoints_steps, save_checkpoints_secs = None, 600
        save_checkpoints_secs = None if save_checkpoints_secs is _DEFAULT else save_checkpoints_secs
        save_checkpoints_steps = None if save_checkpoints_steps is _DEFAULT else save_checkpoints_steps
        if save_checkpoints_steps is not None and save_checkpoints_secs is not None:
            raise ValueError('`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.')
        for name, value in (('train_distribute', train_distribute), ('eval_distribute', eval_distribute)):
            if value is not None:
                notes.say(f'{name} is not restored: the estimator runs on one device')
        given = locals()
        for name in _REPLACEABLE:
            setattr(self, name, given[name])

    def __setattr__(self, name, value):
        """`config._model_dir = 'logs'` sets what `model_dir` gives, as it did."""
        object.__setattr__(self, name[1:] if name[:1] == '_' and name[1:] in _REPLACEABLE else name, value)

    def replace(self, **kwargs):
        """A copy with other values."""
        for name in kwargs:
            if name not in _REPLACEABLE:
                raise ValueError(f'Replacing {name} is not supported. Allowed properties are {_REPLACEABLE}.')
        new = copy.copy(self)
        if {'save_checkpoints_steps', 'save_checkpoints_secs'} <= set(kwargs):
            if None not in (kwargs['save_checkpoints_steps'], kwargs['save_checkpoints_secs']):
                raise ValueError('`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.')
        elif kwargs.get('save_checkpoints_steps') is not None:
            new.save_checkpoints_secs = None
        elif kwargs.get('save_checkpoints_secs') is not None:
            new.save_checkpoints_steps = None
        for name, value in kwargs.items():
            setattr(new, name, value)
        return new


WarmStartSettings = collections.namedtuple('WarmStartSettings', (
    'ckpt_to_initialize_from', 'vars_to_warm_start', 'var_name_to_vocab_info', 'var_name_to_prev_var_name'),
    defaults=('.*', None, None))
VocabInfo = tf.train.VocabInfo


# ---- what an input_fn gives --------------------------------------------------------------------------------

class _Initialise(tf.train.SessionRunHook):
    """Starts the iterator of a data set with the session."""

    def __init__(self, iterator):
        self._initializer = iterator.initializer

    def after_create_session(self, session, coord):
        session.run(self._initializer)


def arguments_of(function):
    """Names of the arguments of a function, a method or a callable object; of a partial, those left."""
    bound = function.keywords if isinstance(function, functools.partial) else ()
    return [name for name in inspect.signature(function).parameters if name not in bound]


def _features_and_labels(value):
    """(features, labels or None, hooks) of a data set, a pair or features alone."""
    hooks = []
    if isinstance(value, (tf.data.Dataset, tf.compat.v2.data.Dataset)):
        iterator = tf.data.make_initializable_iterator(value)
        hooks.append(_Initialise(iterator))
        value = iterator.get_next()
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError('input_fn should return (features, labels) as a len 2 tuple.')
        return value[0], value[1], hooks
    return value, None, hooks


def _ends(features):
    """Whether features come from a data set or a queue, and so may end."""
    tensors = [value for value in tf.nest.flatten(features) if isinstance(value, tf.Tensor)]
    return (any(tensor.op.type == 'IteratorGetNext' for tensor in tensors)
            or bool(tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS)))


# ---- the estimator -----------------------------------------------------------------------------------------

class Estimator:
    """Trains and runs the graph that `model_fn(features, labels, mode, params, config)` builds.

    model_fn may leave out all but features; it gives an EstimatorSpec. Checkpoints and summaries lie in
    model_dir (that of `config`, or a temporary folder, when None).
    """

    def __init__(self, model_fn, model_dir=None, config=None, params=None, warm_start_from=None):
        if model_fn is None:
            raise ValueError('model_fn must be provided to Estimator.')
        arguments = arguments_of(model_fn)
        if 'features' not in arguments:
            raise ValueError(f'model_fn ({model_fn}) must include features argument.')
        if params is not None and 'params' not in arguments:
            raise ValueError(f'model_fn ({model_fn}) does not include params argument, but params '
                             f'({params}) is passed to Estimator.')
        config = RunConfig() if config is None else config
        if model_dir is not None and config.model_dir not in (None, model_dir):
            raise ValueError('`model_dir` are set both in constructor and `RunConfig`, but with different '
                             f"values. In constructor: '{model_dir}', in `RunConfig`: '{config.model_dir}'")
        model_dir = model_dir or config.model_dir
        if model_dir is None:
            model_dir = tempfile.mkdtemp()
            tf.logging.warning('Using temporary folder as model directory: %s', model_dir)
        self._model_fn, self._params = model_fn, copy.deepcopy(params or {})
        self._config = config.replace(model_dir=os.fspath(model_dir))
        if isinstance(warm_start_from, str):
            warm_start_from = WarmStartSettings(warm_start_from)
        self._warm_start = warm_start_from
        tf.logging.info('Using config: %s', {name: getattr(self._config, name) for name in _REPLACEABLE})

    @property
    def model_dir(self):
        return self._config.model_dir

    @property
    def config(self):
        return copy.copy(self._config)

    @property
    def params(self):
        return copy.deepcopy(self._params)

    @property
    def model_fn(self):
        """model_fn with this estimator's params and config."""
        return lambda features, labels, mode, config: self._call_model_fn(features, labels, mode)

    def latest_checkpoint(self):
        """Path of the newest checkpoint, or None."""
        return tf.train.latest_checkpoint(self.model_dir)

    def get_variable_names(self):
        """Names of the variables in the newest checkpoint."""
        return [name for name, _ in tf.train.list_variables(self.model_dir)]

    def get_variable_value(self, name):
        """Value of a variable in the newest checkpoint."""
        return tf.train.load_variable(self.model_dir, name)

    def eval_dir(self, name=None):
        """The folder of the summaries of an evaluation."""
        return os.path.join(self.model_dir, 'eval' if not name else 'eval_' + name)

    # ---- the pieces of a graph ----

    def _call_input_fn(self, input_fn, mode):
        known = {'mode': mode, 'params': self.params, 'config': self.config}
        arguments = arguments_of(input_fn)
        with tf.device('/cpu:0'):
            return input_fn(**{name: value for name, value in known.items() if name in arguments})

    def _call_model_fn(self, features, labels, mode):
        arguments = arguments_of(self._model_fn)
        known = {'labels': labels, 'mode': mode, 'params': self.params, 'config': self.config}
        if 'labels' not in arguments and labels is not None:
            raise ValueError('model_fn does not take labels, but input_fn returns labels.')
        tf.logging.info('Calling model_fn.')
        spec = self._model_fn(
            features=features, **{name: value for name, value in known.items() if name in arguments})
        tf.logging.info('Done calling model_fn.')
        if not isinstance(spec, EstimatorSpec):
            raise ValueError('model_fn should return an EstimatorSpec.')
        return spec

    def _build(self, input_fn, mode):
        """(spec, hooks of the input) of a graph made for one mode; it is the default graph."""
        tf.set_random_seed(self._config.tf_random_seed)
        tf.train.create_global_step()
        features, labels, hooks = _features_and_labels(self._call_input_fn(input_fn, mode))
        if mode == ModeKeys.PREDICT and not _ends(features):
            tf.logging.warning('Input graph does not use tf.data.Dataset or contain a QueueRunner. '
                               'That means predict yields forever. This is probably a mistake.')
        return self._call_model_fn(features, None if mode == ModeKeys.PREDICT else labels, mode), hooks

    def _build_for(self, input_fn, mode, path, purpose):
        """`_build` for the checkpoint at `path`, or for variables as they start when that is None."""
        if path is None:
            tf.logging.info('Could not find trained model in model_dir: %s, running initialization to %s.',
                            self.model_dir, purpose)
        built = self._build(input_fn, mode)
        if path is None:
            self._warm_up()
        return built

    def _warm_up(self):
        if self._warm_start is not None:
            tf.logging.info('Warm-starting with %s', self._warm_start)
            tf.train.warm_start(*self._warm_start)

    # ---- training ----

    def train(self, input_fn, hooks=None, steps=None, max_steps=None, saving_listeners=None):
        """Trains for `steps` more steps, or up to global step `max_steps`, or until the input ends; returns
        self.
        """
        if steps is not None and max_steps is not None:
            raise ValueError('Can not provide both steps and max_steps.')
        for name, value in (('steps', steps), ('max_steps', max_steps)):
            if value is not None and value <= 0:
                raise ValueError(f'Must specify {name} > 0, given: {value}')
        hooks = list(hooks or [])
        if max_steps is not None and self._saved_step() >= max_steps:
            tf.logging.info('Skipping training since max_steps has already saved.')
            return self
        if steps is not None or max_steps is not None:
            hooks.append(tf.train.StopAtStepHook(steps, max_steps))
        with tf.Graph().as_default():
            spec, input_hooks = self._build(input_fn, ModeKeys.TRAIN)
            if self.latest_checkpoint() is None:
                self._warm_up()
            loss = self._run_training(spec, input_hooks + hooks, saving_listeners)
        tf.logging.info('Loss for final step: %s.', loss)
        return self

    def _saved_step(self):
        path = self.latest_checkpoint()
        return int(tf.train.load_variable(path, tf.GraphKeys.GLOBAL_STEP)) if path else 0

    def _run_training(self, spec, hooks, saving_listeners):
        """The loop; the last loss, None when the input gave nothing."""
        config = self._config
        if not any(summary.op.name == 'loss' for summary in tf.get_collection(tf.GraphKeys.SUMMARIES)):
            tf.summary.scalar('loss', spec.loss)
        tf.add_to_collection(tf.GraphKeys.LOSSES, spec.loss)
        hooks.append(tf.train.NanTensorHook(spec.loss))
        if config.log_step_count_steps is not None:
            step = tf.train.get_global_step()
            hooks.append(tf.train.LoggingTensorHook(
                {'loss': spec.loss, 'step': step}, every_n_iter=config.log_step_count_steps))
        hooks += spec.training_hooks
        if not (spec.scaffold.saver or tf.get_collection(tf.GraphKeys.SAVERS)):
            tf.add_to_collection(tf.GraphKeys.SAVERS, tf.train.Saver(
                sharded=True, max_to_keep=config.keep_checkpoint_max, defer_build=True,
                keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
                save_relative_paths=True))
        chief_hooks = list(spec.training_chief_hooks)
        savers = [h for h in hooks + chief_hooks if isinstance(h, tf.train.CheckpointSaverHook)]
        if not savers and (config.save_checkpoints_secs or config.save_checkpoints_steps):
            savers = [tf.train.CheckpointSaverHook(
                config.model_dir, save_secs=config.save_checkpoints_secs,
                save_steps=config.save_checkpoints_steps, scaffold=spec.scaffold)]
            chief_hooks.insert(0, savers[0])
        if saving_listeners:
            if not savers:
                raise ValueError('There should be a CheckpointSaverHook to use saving_listeners. Please set '
                                 'one of the RunConfig.save_checkpoints_steps or '
                                 'RunConfig.save_checkpoints_secs.')
            savers[0]._listeners.extend(saving_listeners)
        loss = None
        with tf.train.MonitoredTrainingSession(
            checkpoint_dir=config.model_dir, scaffold=spec.scaffold, hooks=hooks,
            chief_only_hooks=chief_hooks, save_checkpoint_secs=0,
            save_summaries_steps=config.save_summary_steps, save_summaries_secs=None,
            config=config.session_config, log_step_count_steps=config.log_step_count_steps,
            max_wait_secs=config.session_creation_timeout_secs,
        ) as session:
            while not session.should_stop():
                _, loss = session.run([spec.train_op, spec.loss])
        if loss is None:
            tf.logging.warning(
                'Training with estimator made no steps. Perhaps input is empty or misspecified.')
        return loss

    # ---- evaluation ----

    def evaluate(self, input_fn, steps=None, hooks=None, checkpoint_path=None, name=None):
        """{metric: value} of the newest checkpoint over `steps` batches, or all, with `loss` (mean over
        batches) and `global_step`; written to the folder `eval` as well.
        """
        if steps is not None and steps <= 0:
            raise ValueError(f'Must specify steps > 0, given: {steps}')
        path = checkpoint_path or self.latest_checkpoint()
        with tf.Graph().as_default():
            spec, all_hooks = self._build_for(input_fn, ModeKeys.EVAL, path, 'evaluate')
            metrics = dict(spec.eval_metric_ops)
            for taken in ('loss', tf.GraphKeys.GLOBAL_STEP):
                if taken in metrics:
                    raise ValueError(f'Metric with name "{taken}" is not allowed, because Estimator already '
                                     'defines a default metric with the same name.')
            metrics['loss'] = tf.metrics.mean(spec.loss)
            values = {key: value for key, (value, _) in metrics.items()}
            values[tf.GraphKeys.GLOBAL_STEP] = tf.train.get_global_step()
            all_hooks += [*(hooks or ()), *spec.evaluation_hooks]
            if steps is not None:
                all_hooks.append(_evaluation._StopAfterNEvalsHook(num_evals=steps))
            results = _evaluation._evaluate_once(
                checkpoint_path=path, scaffold=spec.scaffold, hooks=all_hooks,
                eval_ops=tf.group(*(update for _, update in metrics.values())), final_ops=values,
                config=self._config.session_config)
        self._write_results(results, self.eval_dir(name))
        return results

    def _write_results(self, results, folder):
        step = int(results[tf.GraphKeys.GLOBAL_STEP])
        told = ', '.join(f'{key} = {value}' for key, value in sorted(results.items())
                         if not isinstance(value, bytes))
        tf.logging.info('Saving dict for global step %d: %s', step, told)
        summary = tf.Summary()
        for key, value in results.items():
            if isinstance(value, bytes):                                      # a metric that is a summary
                for item in tf.Summary.FromString(value).value:
                    item.tag = f'{key}/{len(summary.value)}'
                    summary.value.append(item)
            elif key != tf.GraphKeys.GLOBAL_STEP and numpy.ndim(value) == 0:
                summary.value.add(tag=key, simple_value=float(value))
            elif key != tf.GraphKeys.GLOBAL_STEP:
                summary.value.add(tag=key, tensor=tf.make_tensor_proto(value))
        writer = tf.summary.FileWriterCache.get(folder)
        writer.add_summary(summary, step)
        writer.flush()

    # ---- predictions ----

    def predict(self, input_fn, predict_keys=None, hooks=None, checkpoint_path=None,
                yield_single_examples=True):
        """Yields the predictions of the newest checkpoint for each example, or for each batch."""
        path = checkpoint_path or self.latest_checkpoint()
        with tf.Graph().as_default():
            spec, all_hooks = self._build_for(input_fn, ModeKeys.PREDICT, path, 'predict')
            predictions = spec.predictions
            if predict_keys:
                if not isinstance(predictions, dict):
                    raise ValueError('predict_keys argument is not valid in case of non-dict predictions.')
                predictions = {key: value for key, value in predictions.items() if key in predict_keys}
                if not predictions:
                    raise ValueError(f'Expected to run at least one output from {list(spec.predictions)}, '
                                     f'provided {predict_keys}.')
            creator = tf.train.ChiefSessionCreator(
                scaffold=spec.scaffold, checkpoint_filename_with_path=path,
                config=self._config.session_config)
            all_hooks += [*(hooks or ()), *spec.prediction_hooks]
            with tf.train.MonitoredSession(creator, all_hooks) as session:
                while not session.should_stop():
                    batch = session.run(predictions)
                    if not yield_single_examples:
                        yield batch
                    elif isinstance(batch, dict):
                        yield from _examples(batch)
                    else:
                        yield from batch

    # ---- export ----

    def export_saved_model(self, export_dir_base, serving_input_receiver_fn, assets_extra=None, as_text=False,
                           checkpoint_path=None, strip_default_attrs=False):
        """Writes a SavedModel of the predictions to a new folder below export_dir_base; its path.

        The signature `serving_default` has the receiver's tensors as inputs and the predictions as outputs.
        """
        path = checkpoint_path or self.latest_checkpoint()
        if path is None:
            raise ValueError(f"Couldn't find trained model at {self.model_dir}.")
        if assets_extra:
            raise ValueError('assets_extra: copy the files into the exported folder instead')
        folder = _new_folder(export_dir_base)
        with tf.Graph().as_default():
            tf.train.create_global_step()
            receiver = serving_input_receiver_fn()
            spec = self._call_model_fn(receiver.features, None, ModeKeys.PREDICT)
            outputs = spec.predictions if isinstance(spec.predictions, dict) else {'output': spec.predictions}
            received = receiver.receiver_tensors
            received = received if isinstance(received, dict) else {'input': received}
            signature = tf.saved_model.predict_signature_def(received, outputs)
            with tf.Session(config=self._config.session_config) as session:
                (spec.scaffold.saver or tf.train.Saver(sharded=True)).restore(session, path)
                session.run(tf.train.Scaffold.default_local_init_op())
                builder = tf.saved_model.Builder(folder)
                builder.add_meta_graph_and_variables(
                    session, [tf.saved_model.SERVING], main_op=tf.train.Scaffold.default_local_init_op(),
                    strip_default_attrs=strip_default_attrs,
                    signature_def_map={tf.saved_model.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature})
                builder.save(as_text)
        return folder.encode()

    export_savedmodel = export_saved_model


def _examples(batch):
    """One dictionary for each example of a dictionary of arrays."""
    sizes = {len(value) for value in batch.values()}
    if len(sizes) > 1:
        raise ValueError(f'Batch length of predictions should be same. {sizes}')
    for n in range(min(sizes)):
        yield {key: value[n] for key, value in batch.items()}


def _new_folder(base):
    """A path below `base` that does not exist, named by the time in seconds."""
    stamp = int(time.time())
    while os.path.exists(os.path.join(base, str(stamp))):
        stamp += 1
    return os.path.join(base, str(stamp))


# ---- train_and_evaluate ------------------------------------------------------------------------------------

TrainSpec = collections.namedtuple('TrainSpec', ('input_fn', 'max_steps', 'hooks', 'saving_listeners'),
                                   defaults=(None, (), None))


class EvalSpec(collections.namedtuple('EvalSpec', (
        'input_fn', 'steps', 'name', 'hooks', 'exporters', 'start_delay_secs', 'throttle_secs'))):
    """How `train_and_evaluate` evaluates: `steps` batches, no more often than every throttle_secs."""

    def __new__(cls, input_fn, steps=100, name=None, hooks=None, exporters=None, start_delay_secs=120,
                throttle_secs=600):
        exporters = exporters if isinstance(exporters, (list, tuple)) else [exporters] if exporters else []
        return super().__new__(cls, input_fn, steps, name, tuple(hooks or ()), tuple(exporters),
                               start_delay_secs, throttle_secs)


class _EvaluateNewCheckpoints(tf.train.CheckpointSaverListener):
    """Evaluates what was saved: after throttle_secs, and at the end; not the first checkpoint."""

    def __init__(self, estimator, train_spec, eval_spec):
        self._estimator, self._train, self._eval = estimator, train_spec, eval_spec
        self.results = self.exported = None

    def begin(self):
        self._timer = tf.train.SecondOrStepTimer(every_secs=self._eval.throttle_secs)
        self._first = True

    def after_save(self, session, global_step_value):
        if self._first:
            self._first = False
        elif self._timer.should_trigger_for_step(global_step_value):
            self._evaluate(global_step_value)
        else:
            tf.logging.info('Skip the current checkpoint eval due to throttle secs (%s secs).',
                            self._eval.throttle_secs)

    def end(self, session, global_step_value):
        if global_step_value != self._timer.last_triggered_step():
            self._evaluate(global_step_value)

    def _evaluate(self, step):
        self._timer.update_last_triggered_step(step)
        path = self._estimator.latest_checkpoint()
        self.results = self._estimator.evaluate(
            self._eval.input_fn, self._eval.steps, self._eval.hooks, path, self._eval.name)
        last = bool(self._train.max_steps) and self.results[tf.GraphKeys.GLOBAL_STEP] >= self._train.max_steps
        self.exported = [
            exporter.export(
                estimator=self._estimator, checkpoint_path=path, eval_result=self.results,
                export_path=os.path.join(self._estimator.model_dir, 'export', exporter.name),
                is_the_final_export=last)
            for exporter in self._eval.exporters
        ]


class FinalExporter:
    """An exporter of EvalSpec: a SavedModel when training ends."""

    def __init__(self, name, serving_input_receiver_fn, assets_extra=None, as_text=False):
        self.name, self._arguments = name, (serving_input_receiver_fn, assets_extra, as_text)

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        if not is_the_final_export:
            return None
        return estimator.export_saved_model(export_path, *self._arguments, checkpoint_path=checkpoint_path)


class LatestExporter(FinalExporter):
    """An exporter of EvalSpec: a SavedModel after every evaluation, the newest `exports_to_keep` kept."""

    def __init__(self, name, serving_input_receiver_fn, assets_extra=None, as_text=False, exports_to_keep=5):
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        self._keep = exports_to_keep

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        made = super().export(estimator, export_path, checkpoint_path, eval_result, True)
        if self._keep is not None:
            for old in sorted(os.listdir(export_path), key=int)[:-self._keep]:
                tf.gfile.DeleteRecursively(os.path.join(export_path, old))
        return made


def train_and_evaluate(estimator, train_spec, eval_spec):
    """Trains to train_spec.max_steps and evaluates on the way; (last metrics, last exports)."""
    if not isinstance(estimator, Estimator):
        raise TypeError(f'`estimator` must have type `tf.estimator.Estimator`, given {type(estimator)}')
    tf.logging.info('Running training and evaluation locally (non-distributed).')
    listener = _EvaluateNewCheckpoints(estimator, train_spec, eval_spec)
    estimator.train(
        train_spec.input_fn, hooks=train_spec.hooks, max_steps=train_spec.max_steps,
        saving_listeners=[listener, *(train_spec.saving_listeners or ())])
    return listener.results, listener.exported


def __getattr__(name):
    """tf.estimator had the hooks of tf.train as well, and what a served model receives in `export`."""
    if name == 'export':
        return inputs
    if name.startswith('__') or not hasattr(tf.train, name):
        raise AttributeError(f'tf.estimator.{name} is not restored')
    return getattr(tf.train, name)
