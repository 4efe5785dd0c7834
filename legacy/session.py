"""TensorFlow 2.21 put into the state of a TensorFlow 1 process: graph mode, sessions that count,
dimensions that divide.
"""
import _thread
import atexit
import functools
import gc
import logging
import os
import sys
import threading
import time
import weakref

import numpy as np

from legacy import notes
from legacy.python2 import Quotient, StopRun

COUNT = {'main': 0, 'others': 0, 'limit': None, 'stopped': False, 'raised': 0, 'slept': 0,
         'saving': False}
SLEEPS = 3          # of a script whose calls are used up: one may be a pause, three are a wait for more to do
SESSIONS = weakref.WeakSet()
_DONE = []


def prepare():
    """Switches to graph mode once and puts back what changed below the public names."""
    if _DONE:
        return
    _DONE.append(True)
    import tensorflow as tf

    from legacy.tf1 import assigned_shapes
    tf.get_logger().addFilter(_no_advice)
    tf.compat.v1.disable_v2_behavior()
    # TensorFlow 1 told what it restored and saved
    tf.compat.v1.logging.set_verbosity(tf.compat.v1.logging.INFO)
    _sessions(tf)
    _dimensions(tf)
    _tensors()
    assigned_shapes.install()
    _slots()
    _data_sets()
    _readers()
    _polling()
    _saving()


def _no_advice(record):
    """Everything but advice to upgrade: the script is old on purpose."""
    text = str(record.msg)
    return 'deprecat' not in text and 'Instructions for updating' not in text


def _sessions(tf):
    from tensorflow.python.client import session
    base = session.BaseSession
    plain_run, plain_init = base.run, base.__init__
    on_cpu = not tf.config.list_physical_devices('GPU')

    def init(self, target='', graph=None, config=None):
        config = tf.compat.v1.ConfigProto.FromString(config.SerializeToString()) if config is not None \
            else tf.compat.v1.ConfigProto()
        if on_cpu:
            # /gpu:0 was where everybody's graph was pinned; without one, run it here rather than not at all
            config.allow_soft_placement = True
        rewrites = config.graph_options.rewrite_options
        if not rewrites.constant_folding:
            # since TensorFlow 1.6 it lets the shape of a tensor wait for the tensor's inputs: feeding the
            # tensor itself, `real = image / 127.5 - 1`, then asks for `image` too
            rewrites.constant_folding = rewrites.OFF
        plain_init(self, target=target, graph=graph, config=config)
        SESSIONS.add(self)

    def run(self, fetches, feed_dict=None, options=None, run_metadata=None):
        _before_run()
        if feed_dict:
            _other_batches(tf, feed_dict)
        result = plain_run(self, fetches, feed_dict=feed_dict, options=options, run_metadata=run_metadata)
        _after_run()
        return result

    base.__init__, base.run = init, run


def _other_batches(tf, feed_dict):
    """Lets a computed tensor, `z = tf.random_uniform((tf.shape(x)[0], 64))`, be fed with another batch size.

    Until TensorFlow 1.7 its static batch size was unknown; now it is worked out where that of `x` is fixed.
    What a placeholder or a constant declares holds; sizes that differ elsewhere are the session's to refuse.
    """
    for key, value in feed_dict.items():
        if not isinstance(key, tf.Tensor) or not isinstance(value, (np.ndarray, list)) or not len(value) \
                or key.op.type.startswith('Placeholder') or key.op.type == 'Const':
            continue
        declared, given = key.shape, np.shape(value)
        if declared.rank is None or declared.is_compatible_with(given) \
                or not declared[1:].is_compatible_with(given[1:]):
            continue
        notes.say(f'{key.name} has shape {declared} and is fed with {given}: its batch size is taken as '
                  'unknown, as TensorFlow before 1.8 did')
        key.__dict__['_shape_val'] = tf.TensorShape([None]).concatenate(declared[1:])


def _before_run():
    """Stops the main thread at its call after the last one allowed, so that the script can use what that one
    gave.

    Later calls stop it again; TensorFlow's own threads may still close their queues.
    """
    if COUNT['limit'] is None or COUNT['saving'] \
            or threading.current_thread() is not threading.main_thread():
        return
    if COUNT['main'] >= COUNT['limit'] and not COUNT['stopped']:
        _stop()
    if not COUNT['stopped']:
        return
    COUNT['raised'] += 1
    if COUNT['raised'] > 1000:                  # a script that swallows everything, for ever
        finish()
        os._exit(0)
    raise StopRun()


def _polling():
    """Ends a script whose calls are used up and which waits in a loop for more to run, say for a newer
    checkpoint.
    """
    plain = time.sleep

    def sleep(seconds):
        if COUNT['limit'] is not None and COUNT['main'] >= COUNT['limit'] \
                and '__legacy__' in sys._getframe(1).f_builtins:
            COUNT['slept'] += 1
            if COUNT['slept'] >= SLEEPS:
                _before_run()
        plain(seconds)

    time.sleep = sleep


def _saving():
    """What is trained may still be saved when the calls are used up: scripts that are ended by Ctrl-C do it
    in `finally: saver.save(…)`.
    """
    from tensorflow.python.training import saver
    plain = saver.Saver.save

    @functools.wraps(plain)
    def save(self, *args, **kwargs):
        before, COUNT['saving'] = COUNT['saving'], True
        try:
            return plain(self, *args, **kwargs)
        finally:
            COUNT['saving'] = before

    saver.Saver.save = save


def _after_run():
    if COUNT['limit'] is None or COUNT['stopped']:
        return
    main = threading.current_thread() is threading.main_thread()
    COUNT['main' if main else 'others'] += 1
    if not COUNT['main'] and COUNT['others'] >= COUNT['limit']:       # a script that trains in another thread
        _stop()
        _thread.interrupt_main()


def _stop():
    COUNT['stopped'] = True
    threading.excepthook = lambda args: None  # threads that the end takes by surprise have nothing to report


def finish():
    """Writes out pending summaries and closes the sessions, so that threads blocked on their queues end."""
    if 'tensorflow' not in sys.modules or not _DONE:
        return
    for thread in _workers():                           # Python waits for them too; --stop_after does not
        while thread.is_alive() and not COUNT['stopped']:
            thread.join(0.2)
    threading.excepthook = lambda args: None  # queue threads end with their session, as at any exit,
    sys.unraisablehook = lambda args: None              # and so do the destructors that wait for them
    logging.getLogger('tensorflow').setLevel(logging.CRITICAL)
    from tensorflow.python.summary.writer.event_file_writer import EventFileWriter
    for thing in gc.get_objects():
        if isinstance(thing, EventFileWriter):
            try:
                thing.flush()
            # a writer half closed by the script must not hide the script's own end
            except Exception as error:
                print(f'legacy: a summary writer could not be flushed: {error}', file=sys.stderr)
    for session in list(SESSIONS):
        session.close()
    for thread in _workers():
        thread.join(2)


def _workers():
    """Threads that keep a Python process alive."""
    main = threading.current_thread()
    return [t for t in threading.enumerate() if t is not main and not t.daemon and t.is_alive()]


def exit_now(status):
    """Ends the process with `status` even when threads of the script still wait for something."""
    alive = _workers()
    if COUNT['limit'] is not None and 'multiprocessing' in sys.modules:
        import multiprocessing
        for process in multiprocessing.active_children():        # Python waits for them, and they loop for ever
            process.terminate()
    sys.stdout.flush()
    sys.stderr.flush()
    if alive:
        atexit._run_exitfuncs()
        os._exit(status)
    return status


def _dimensions(tf):
    """`Dimension(50.0)`, `dim / 2`, `np.sqrt(dim)`: TensorFlow 1 took and gave whole numbers."""
    import numpy
    dimension = tf.compat.v1.Dimension
    plain_init = dimension.__init__

    def init(self, value):
        if isinstance(value, (float, numpy.floating)) and float(value).is_integer():
            if not isinstance(value, Quotient):
                notes.say(f'a size of {value!r} is taken as {int(value)}', 'float dimension')
            value = int(value)
        plain_init(self, value)

    def truediv(self, other):
        return self // other

    dimension.__init__ = init
    dimension.__truediv__ = dimension.__div__ = truediv
    dimension.__rtruediv__ = lambda self, other: other // self
    dimension.__float__ = lambda self: float(self.value)
    dimension.__array__ = lambda self, dtype=None, copy=None: numpy.array(self.value, dtype)
    dimension.sqrt = lambda self: numpy.sqrt(self.value)


def _tensors():
    """`np.abs(tensor)` gave a tensor: NumPy's functions fall back to the operators of an object."""
    import numpy
    from tensorflow.python.framework import tensor

    plain = tensor.Tensor.__array__

    def as_object(self, dtype=None, copy=None):
        if dtype is not None and numpy.dtype(dtype) != object:
            return plain(self, dtype)
        result = numpy.empty((), object)
        result[()] = self
        return result

    tensor.Tensor.__array__ = as_object


def _data_sets():
    """Dataset.map and its kind call a function as it is: AutoGraph would read its source anew, as Python 3.

    A prefetch of NumPy's whole numbers is one again.
    """
    from tensorflow.python.autograph.impl import api
    from tensorflow.python.data.ops import dataset_ops
    api.tf_convert = lambda f, ctx, convert_by_default=True, user_requested=False: f
    plain = dataset_ops.DatasetV2.prefetch

    def prefetch(self, buffer_size, name=None):
        return plain(self, int(buffer_size) if isinstance(buffer_size, np.integer) else buffer_size, name)

    dataset_ops.DatasetV2.prefetch = prefetch


def _readers():
    """Readers live on the CPU, where their queues are, also below tf.device('/gpu:0'): today's placer does not
    join them.
    """
    from tensorflow.python.framework import ops
    from tensorflow.python.ops import io_ops
    for reader in io_ops.ReaderBase.__subclasses__():
        def init(self, *args, plain=reader.__init__, **kwargs):
            with ops.device('CPU'):
                plain(self, *args, **kwargs)
        reader.__init__ = functools.wraps(reader.__init__)(init)


def _slots():
    """Optimiser slots and moving averages made inside a reused scope: TensorFlow 0.x did not look them up
    there.

    A second optimiser of the same variables has slots of its own, Adam_2 and Adam_3, also when the variables'
    scope was entered again in between, which makes TensorFlow 1 count from Adam anew.
    """
    from tensorflow.python.ops import variable_scope
    from tensorflow.python.training import slot_creator
    plain = slot_creator._create_slot_var
    store = variable_scope._VariableScopeStore
    close = store.close_variable_subscopes

    def close_all_but_slots(self, scope_name):
        close(self, scope_name)
        for name in self.__dict__.get('slots', ()):
            self.variable_scopes_count[name] = 1

    store.close_variable_subscopes = close_all_but_slots

    def create(*args, **kwargs):
        scope = variable_scope.get_variable_scope()
        if not scope.reuse:
            variable_scope.get_variable_scope_store().__dict__.setdefault('slots', set()).add(scope.name)
        if scope.reuse is not True:
            return plain(*args, **kwargs)
        with variable_scope.variable_scope(scope, reuse=variable_scope.AUTO_REUSE,
                                           auxiliary_name_scope=False):
            return plain(*args, **kwargs)

    slot_creator._create_slot_var = create
