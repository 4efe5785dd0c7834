"""The memory that a graph takes, told from its shapes; and how much there is."""
import pytest

import memory
from config import Config
from tf1 import tf

MB = 2 ** 20


def test_outputs_live_until_their_last_reader():
    with tf.Graph().as_default():
        x = tf.zeros([1024, 256])                       # 1 MB
        a = tf.exp(x)                                   # 1 MB; x is not read any more
        b = tf.tile(a, [4, 1])                          # 4 MB beside a
        c = tf.reduce_sum(b)
        assert memory.estimate([c.op], [], 1) - memory.PROGRAM == pytest.approx(5 * MB, rel=1e-3)
        kept = c + tf.reduce_sum(x)                     # x lives on to here
        assert memory.estimate([kept.op], [], 1) - memory.PROGRAM == pytest.approx(6 * MB, rel=1e-3)


def test_unknown_dimensions_are_the_batch_and_views_cost_nothing():
    with tf.Graph().as_default():
        z = tf.placeholder(tf.float32, [None, 1024])
        doubled = tf.identity(tf.reshape(z * 2.0, [-1, 32, 32]))
        total = tf.reduce_sum(doubled)
        assert memory.estimate([total.op], [], 256) - memory.PROGRAM == pytest.approx(2 * MB, rel=1e-3)     # z and z * 2


def test_variables_count_with_all_of_the_optimisers():
    with tf.Graph().as_default():
        v = tf.get_variable('v', [MB // 4])
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(v * v))
        assert memory.estimate([], tf.global_variables(), 1) - memory.PROGRAM == pytest.approx(3 * MB, rel=1e-3)


def test_available_is_less_than_the_machine_has_and_more_than_nothing():
    assert 2 ** 20 < memory.available() < 2 ** 50


def test_the_limit_of_a_container_counts(tmp_path):
    limit, used = tmp_path / 'max', tmp_path / 'current'
    limit.write_text('1000000\n')
    used.write_text('400000\n')
    assert memory._cgroup(limit, used) == 600000
    limit.write_text('max\n')
    assert memory._cgroup(limit, used) is None and memory._cgroup(tmp_path / 'none', used) is None


def test_the_warning_names_what_to_make_smaller():
    cfg = Config(batch_size=64, gf_dim=63, df_dim=62, output_height=96, output_width=95)
    assert memory.warning(2 ** 30, 2 ** 30, cfg) is None and memory.warning(2 ** 40, None, cfg) is None
    line = memory.warning(3 * 2 ** 30, 2 ** 29, cfg)
    assert 'about 3.0 GB' in line and '0.5 GB are free' in line
    assert all(part in line for part in ('--batch_size (64)', '(96x95)', '--gf_dim (63)', '--df_dim (62)')) and '\n' not in line
