"""The one place that imports TensorFlow: graph mode, resource variables, oneDNN on.

`from tf1 import tf` everywhere else. The environment is set before the import, and only where the user has not set it.
"""
import os

# oneDNN's convolutions are 2.5 times as fast as the default ones on processors without AVX-512, where TensorFlow leaves them off.
os.environ.setdefault('TF_ENABLE_ONEDNN_OPTS', '1')
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')     # errors only: C++ start-up notes would bury our own output

import tensorflow.compat.v1 as tf  # noqa: E402

tf.disable_v2_behavior()
tf.enable_resource_variables()     # the schedule needs reads that are ordered by control dependencies
tf.logging.set_verbosity(tf.logging.ERROR)


def session(graph=None):
    """A session that takes GPU memory as it grows and runs on the CPU what has no GPU kernel; CUDA_VISIBLE_DEVICES is honoured."""
    config = tf.ConfigProto(allow_soft_placement=True)
    config.gpu_options.allow_growth = True
    return tf.Session(graph=graph, config=config)
