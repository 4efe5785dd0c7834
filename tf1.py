"""The one place that imports TensorFlow: graph mode, resource variables, oneDNN on, its start-up chatter off.

`from tf1 import tf` everywhere else. The environment is set before the import, and only where the user has not set it.
"""
import os
import re
import sys
import tempfile

# oneDNN's convolutions are 2.5 times as fast as the default ones on processors without AVX-512, where TensorFlow leaves them off.
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')     # errors that matter arrive as Python exceptions


def _import_quietly():
    """Imports TensorFlow without the notes that its C++ side prints before it reads TF_CPP_MIN_LOG_LEVEL."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as chatter:
        os.dup2(chatter.fileno(), 2)
        try:
            import tensorflow.compat.v1 as tf
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            chatter.seek(0)
            rest = re.sub(rb'(?m)^(WARNING: All log messages before absl|[IWE]\d{4} |To enable the following).*\n', b'', chatter.read())
            os.write(2, rest)
    return tf


tf = _import_quietly()
tf.logging.set_verbosity(tf.logging.ERROR)
tf.disable_v2_behavior()
tf.enable_resource_variables()     # the schedule needs reads that control dependencies order


def make_deterministic():
    """From now on the same graph gives the same bits: a resumed run repeats the unbroken one.

    Only a GPU needs the switch. The CPU kernels in use repeat themselves (tests/test_resume.py compares bits), and with it they
    are 4 % slower.
    """
    if has_gpu():
        import tensorflow       # compat.v1 does not show this function
        tensorflow.config.experimental.enable_op_determinism()


def has_gpu():
    return bool(tf.config.list_physical_devices('GPU'))


def session(graph=None):
    """A session that takes GPU memory as it grows and runs on the CPU what has no GPU kernel; CUDA_VISIBLE_DEVICES is honoured.

    On a CPU one operation runs at a time, on all the cores that this process may use: two at once only fight over them.
    """
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    if not has_gpu():
        config.intra_op_parallelism_threads = len(os.sched_getaffinity(0))
        config.inter_op_parallelism_threads = 1
    return tf.Session(graph=graph, config=config)


def told_by(error):
    """What an exception says in one line; a session's errors hide theirs behind the story of where the graph was built."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    if lines[0].startswith('Graph execution error'):
        after = [number + 1 for number, line in enumerate(lines) if line.startswith('Node: ')]
        lines = lines[after[-1]:] if after and after[-1] < len(lines) else lines
    return lines[0][:300]
