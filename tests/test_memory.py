"""The memory that training takes, told from shapes: against closed forms and a process that was measured; and how much there is."""
import os

import pytest

import memory
import memory_table
import tiny_runs
from config import Config
from errors import UserError
from tf1 import tf

MB = 2 ** 20


def test_outputs_live_until_their_last_reader():
    with tf.Graph().as_default():
        x = tf.zeros([1024, 256])                       # 1 MB
        a = tf.exp(x)                                   # 1 MB; x is not read any more
        b = tf.tile(a, [4, 1])                          # 4 MB beside a
        c = tf.reduce_sum(b)
        assert memory.most_alive([c.op], 1) == pytest.approx(5 * MB, rel=1e-3)
        kept = c + tf.reduce_sum(x)                     # x lives on to here
        assert memory.most_alive([kept.op], 1) == pytest.approx(6 * MB, rel=1e-3)


def test_unknown_dimensions_are_the_batch_and_views_cost_nothing():
    with tf.Graph().as_default():
        z = tf.placeholder(tf.float32, [None, 1024])
        doubled = tf.identity(tf.reshape(z * 2.0, [-1, 32, 32]))
        total = tf.reduce_sum(doubled)
        assert memory.most_alive([total.op], 256) == pytest.approx(2 * MB, rel=1e-3)     # z and z * 2


@pytest.mark.parametrize('layers', [4, 12])
def test_the_backward_pass_keeps_the_output_of_each_layer(layers):
    batch, width = 4096, 64
    with tf.Graph().as_default():
        h = tf.placeholder(tf.float32, [None, width])
        for number in range(layers):
            h = tf.tanh(tf.matmul(h, tf.get_variable(f'w{number}', [width, width])))
        step = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_mean(h))
        one = batch * width * 4
        # the input and all outputs of tanh, and on the way back the gradient before and after a layer
        assert memory.most_alive([step], batch) == pytest.approx((1 + layers + 2) * one, abs=1.1 * one)


def test_variables_count_with_all_of_the_optimisers():
    with tf.Graph().as_default():
        v = tf.get_variable('v', [MB // 4])
        tf.train.AdamOptimizer().minimize(tf.reduce_sum(v * v))
        assert memory.estimate([], tf.global_variables(), 1) - memory.PROGRAM == pytest.approx(3 * MB * memory.SLACK, rel=1e-3)


def test_the_variables_of_a_gan_are_its_weights_three_times():
    """Two fully connected networks of one hidden layer each, by hand: weights, biases, and two moments of Adam for each."""
    z, hidden, pixels = 64, 1024, 32 * 32
    networks = (z * hidden + hidden + hidden * pixels + pixels) + (pixels * hidden + hidden + hidden + 1)
    with tf.Graph().as_default():
        for scope, sizes in (('generator', (z, hidden, pixels)), ('discriminator', (pixels, hidden, 1))):
            with tf.variable_scope(scope):
                h = tf.placeholder(tf.float32, [None, sizes[0]])
                for number, (before, after) in enumerate(zip(sizes, sizes[1:])):
                    h = tf.nn.relu(tf.matmul(h, tf.get_variable(f'w{number}', [before, after])) + tf.get_variable(f'b{number}', [after]))
                tf.train.AdamOptimizer().minimize(tf.reduce_mean(h))
        known = memory.estimate([], tf.global_variables(), 64) - memory.PROGRAM
        assert known == pytest.approx(3 * 4 * networks * memory.SLACK, rel=1e-4)


def test_the_estimate_fits_what_a_process_was_seen_to_take():
    """One row of the table in memory.py. It grows by what is estimated only if weights, activations and program all count."""
    estimate, measured = memory_table.measure('dcgan 32 32 gf_dim=96 df_dim=96')
    assert measured > 700 and estimate == pytest.approx(measured, rel=0.25)


# ---------------------------------------------------------------- how much there is

def system(root, meminfo='MemTotal: 9000 kB\nMemAvailable:    4000 kB\n', cgroup='', resident_pages=0, **files):
    """A folder with the files that the kernel would show, {path: text}."""
    files.update({'proc/meminfo': meminfo, 'proc/self/cgroup': cgroup, 'proc/self/statm': f'99 {resident_pages} 3 4'})
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def group(limit, used, inactive=0, version=2):
    names = ('memory.max', 'memory.current', 'inactive_file') if version == 2 else \
        ('memory.limit_in_bytes', 'memory.usage_in_bytes', 'total_inactive_file')
    return dict(zip(names[:2], (f'{limit}\n', f'{used}\n')), **{'memory.stat': f'anon 5\nfile 7\n{names[2]} {inactive}\n'})


def below(folder, files):
    return {f'{folder}/{name}': text for name, text in files.items()}


def test_this_machine_has_more_than_nothing_and_less_than_everything():
    assert 2 ** 26 < memory.available() < 2 ** 50


def test_what_the_process_holds_is_among_what_it_may_take(tmp_path):
    page = os.sysconf('SC_PAGE_SIZE')
    assert memory.available(system(tmp_path)) == 4000 * 1024
    assert memory.available(system(tmp_path, resident_pages=10)) == 4000 * 1024 + 10 * page


@pytest.mark.parametrize('path', ['/', '/job', '/job/step'])
def test_the_smallest_limit_of_the_groups_around_the_process_counts(tmp_path, path):
    system(tmp_path, cgroup=f'0::{path}\n', **below('sys/fs/cgroup', group(900_000, 200_000)),
           **below('sys/fs/cgroup/job', group('max', 100_000)), **below('sys/fs/cgroup/job/step', group(500_000, 100_000, inactive=50_000)))
    assert memory.available(tmp_path) == (450_000 if path == '/job/step' else 700_000)


def test_groups_of_the_first_version(tmp_path):
    system(tmp_path, cgroup='9:name=systemd:/\n4:cpu,memory:/job\n3:cpuset:/\n0::/\n',
           **below('sys/fs/cgroup/memory', group(2 ** 63 - 4096, 10, version=1)),
           **below('sys/fs/cgroup/memory/job', group(800_000, 300_000, inactive=7, version=1)))
    assert memory.available(tmp_path) == 500_007


def test_a_container_sees_its_own_group_at_the_top(tmp_path):
    system(tmp_path, cgroup='0::/docker/0123456789\n', **below('sys/fs/cgroup', group(600_000, 100_000)))
    assert memory.available(tmp_path) == 500_000


@pytest.mark.parametrize('cgroup', ['', '0::/\n', '0::/gone\n'])
def test_no_limit_leaves_the_machine(tmp_path, cgroup):
    assert memory.available(system(tmp_path, cgroup=cgroup)) == 4000 * 1024


def test_systems_that_tell_nothing(tmp_path):
    assert memory.available(tmp_path) == memory._physical() > 2 ** 26


# ---------------------------------------------------------------- the warning

def test_the_warning_names_what_to_make_smaller():
    cfg = Config(batch_size=64, gf_dim=63, df_dim=62, output_height=96, output_width=95)
    assert memory.warning(2 ** 30, 2 ** 30, cfg) is None and memory.warning(2 ** 40, None, cfg) is None
    line = memory.warning(3 * 2 ** 30, 2 ** 29, cfg)
    assert 'about 3.0 GB' in line and '0.5 GB are free' in line
    assert all(part in line for part in ('--batch_size (64)', '(96x95)', '--gf_dim (63)', '--df_dim (62)')) and '\n' not in line


@pytest.mark.parametrize('there, warned', [(memory.PROGRAM // 2, True), (2 * memory.PROGRAM, False), (None, False)])
def test_training_warns_before_anything_is_made_and_only_when_it_must(there, warned, tmp_path, monkeypatch):
    images, said = tiny_runs.make_images(tmp_path / 'images'), []
    monkeypatch.setattr(memory, 'available', lambda: there)

    def stop(run):
        raise UserError('far enough')
    monkeypatch.setattr(tiny_runs.runs, 'create', stop)
    with pytest.raises(UserError, match='far enough'):
        tiny_runs.train(tiny_runs.settings(images, tmp_path / 'out'), said.append)
    assert [line for line in said if line.startswith('warning: ')] == [line for line in said if '--gf_dim' in line]
    assert any(line.startswith('warning: a step takes about 0.6 GB') for line in said) == warned
