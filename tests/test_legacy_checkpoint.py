"""Old checkpoints, written here the way old scripts wrote them, are listed and come out under today's
names.
"""
import os
import re
import subprocess
import sys

import numpy as np
import pytest

from errors import UserError
from legacy import checkpoint
from tf1 import tf

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
Z, F, C = 8, 4, 3


def variable(name, shape, seed=[0]):
    seed[0] += 1
    return tf.get_variable(
        name, shape, initializer=tf.random_normal_initializer(seed=seed[0]), use_resource=False
    )


def averages_2016(layer, channels):
    """Batch norm as ops.py of DCGAN-tensorflow had it from 2016-05 to 2016-12, with its moving averages of
    moments.
    """
    with tf.variable_scope(layer):
        variable('beta', [channels]), variable('gamma', [channels])
        x = tf.random_normal([2, 3, 3, channels])
        average = tf.train.ExponentialMovingAverage(0.9)
        return average.apply(tf.nn.moments(x, [0, 1, 2], name='moments'))


def dcgan_2016(last_layer='d_h3_lin'):
    """Variables of the unconditional net of 32x32 images before it had scopes, with Adam's for one tensor."""
    updates = []
    for layer, shape in {'g_h0_lin': [Z, 8 * F * 4], last_layer: [8 * F * 4, 1]}.items():
        with tf.variable_scope(layer):
            variable('Matrix', shape), variable('bias', shape[1:])
    widths = [8 * F, 4 * F, 2 * F, F]
    for i, width in enumerate(widths):
        updates.append(averages_2016(f'g_bn{i}', width))
        with tf.variable_scope(f'g_h{i + 1}'):
            out = [*widths, C][i + 1]
            variable('w', [5, 5, out, width]), variable('biases', [out])
        with tf.variable_scope(f'd_h{i}_conv'):
            into, out = [C, F, 2 * F, 4 * F][i], [F, 2 * F, 4 * F, 8 * F][i]
            weights = variable('w', [5, 5, into, out])
            variable('biases', [out])
        if i:
            updates.append(averages_2016(f'd_bn{i}', out))
            updates.append(averages_2016_again(f'd_bn{i}', out))
    updates.append(tf.train.AdamOptimizer(1e-4).minimize(tf.reduce_sum(weights ** 2), var_list=[weights]))
    return updates


def averages_2016_again(layer, channels):
    """The second pass of the discriminator, over generated images, made averages of its own."""
    with tf.variable_scope(layer, reuse=tf.AUTO_REUSE):
        average = tf.train.ExponentialMovingAverage(0.9)
        return average.apply(tf.nn.moments(tf.random_normal([2, 3, 3, channels]), [0, 1, 2], name='moments'))


def save(folder, name, step, version, build=dcgan_2016):
    """Writes a checkpoint of the graph that `build` makes; returns its prefix and {name: value}."""
    os.makedirs(folder, exist_ok=True)
    with tf.Graph().as_default(), tf.Session() as sess:
        updates = build()
        sess.run(tf.global_variables_initializer())
        sess.run(updates)
        values = sess.run({v.op.name: v for v in tf.global_variables()})
        saver = tf.train.Saver(write_version=version)
        return saver.save(sess, os.path.join(folder, name), global_step=step), values


@pytest.fixture(scope='module', params=['V1', 'V2'])
def old(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp('old') / 'faces_16_32_32'
    version = getattr(tf.train.SaverDef, request.param)
    return save(str(folder), 'DCGAN.model', 1502, version)


def mnist_2016():
    """Variables of the conditional net of digits, 28x28, before it had scopes: classes join every layer."""
    classes, hidden = 10, 12
    for layer, shape in {
        'g_h0_lin': [Z + classes, hidden], 'g_h1_lin': [hidden + classes, 2 * F * 49],
        'd_h2_lin': [49 * (F + classes) + classes, hidden], 'd_h3_lin': [hidden + classes, 1],
    }.items():
        with tf.variable_scope(layer):
            variable('Matrix', shape), variable('bias', shape[1:])
    kernels = {'g_h2': [5, 5, 2 * F, 2 * F + classes], 'g_h3': [5, 5, 1, 2 * F + classes],
               'd_h0_conv': [5, 5, 1 + classes, 1 + classes],
               'd_h1_conv': [5, 5, 1 + 2 * classes, F + classes]}
    for layer, shape in kernels.items():
        with tf.variable_scope(layer):
            variable('w', shape), variable('biases', [shape[2] if layer.startswith('g') else shape[3]])
    widths = {'g_bn0': hidden, 'g_bn1': 2 * F * 49, 'g_bn2': 2 * F, 'd_bn1': F + classes, 'd_bn2': hidden}
    return [averages_2016(layer, width) for layer, width in widths.items()]


def read(prefix):
    reader = tf.train.load_checkpoint(prefix)
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def test_lists_every_tensor_beside_ours(old, capsys):
    prefix, values = old
    assert checkpoint.main([prefix]) == 0
    out = capsys.readouterr().out
    row = {line.split()[0]: line.split() for line in out.splitlines() if '  ' in line}
    assert set(values) <= set(row)
    assert row['g_bn0/beta'][1:] == [str(8 * F), 'float32', 'generator/g_bn0/beta']
    assert row['d_h3_lin/Matrix'][1:] == ['128x1', 'float32', 'discriminator/d_h4_lin/Matrix']
    assert f'plugin dcgan, z_dim {Z}, gf_dim {F}, df_dim {F}, 3 channels, 32x32 images' in out
    assert ' 0 missing, 0 of another shape' in out and 'step 1502' in out


def test_a_written_copy_restores_into_the_plugins_graph(old, tmp_path):
    import dataclasses

    import plugins
    from config import Config
    prefix, values = old
    assert checkpoint.main([prefix, '--to', str(tmp_path / 'new')]) == 0
    written = tf.train.latest_checkpoint(str(tmp_path / 'new'))
    assert os.path.basename(written) == 'model.b16-1502'
    cfg = Config(z_dim=Z, gf_dim=F, df_dim=F, output_height=32).resolved()
    cfg, plugin = dataclasses.replace(cfg, c_dim=C), plugins.load('dcgan')
    with tf.Graph().as_default(), tf.Session() as sess:
        with tf.variable_scope('generator'):
            images = plugin.generator(tf.zeros([2, Z]), None, cfg, False)
        with tf.variable_scope('discriminator'):
            plugin.discriminator(images, None, cfg, False)
        step = tf.train.get_or_create_global_step()
        tf.train.Saver().restore(sess, written)
        got = sess.run({v.op.name: v for v in tf.global_variables()})
        assert sess.run(step) == 1502
    averages = [name for name in values if name.endswith(
        '/ExponentialMovingAverage') and name.startswith('g_bn2/')]
    pairs = {
        'generator/g_bn2/gamma': 'g_bn2/gamma', 'discriminator/d_h4_lin/bias': 'd_h3_lin/bias',
        'discriminator/d_h3_conv/w': 'd_h3_conv/w', 'generator/g_bn2/moving_mean': min(averages, key=len),
        'generator/g_bn2/moving_variance': max(averages, key=len),
    }
    for new, before in pairs.items():
        np.testing.assert_array_equal(got[new], values[before], err_msg=new)
    assert (got['generator/g_bn2/moving_variance'] > 0).all()


def test_the_optimiser_goes_along(old, tmp_path):
    prefix, values = old
    checkpoint.main([prefix, '--to', str(tmp_path)])
    written = read(tf.train.latest_checkpoint(str(tmp_path)))
    np.testing.assert_array_equal(written['discriminator/d_h3_conv/w/Adam_1'], values['d_h3_conv/w/Adam_1'])
    assert written['beta1_power'] == values['beta1_power']
    assert not [name for name in written if 'moments' in name]


def test_nothing_but_the_checkpoint_is_left_in_the_folder(old, tmp_path):
    checkpoint.main([old[0], '--to', str(tmp_path)])
    assert sorted(os.listdir(tmp_path)) == ['checkpoint',
                  'model.b16-1502.data-00000-of-00001', 'model.b16-1502.index']


@pytest.mark.parametrize('version', ['V1', 'V2'])
def test_a_folder_means_its_newest_checkpoint_wherever_it_was_made(version, tmp_path, capsys):
    folder = str(tmp_path / 'run' / 'checkpoint')
    for step in (2, 10):
        save(folder, 'model.b4', step, getattr(tf.train.SaverDef, version), lambda: [variable('a', [3]).op])
    with open(os.path.join(folder, 'checkpoint'), 'w', encoding='utf-8') as file:
        file.write('model_checkpoint_path: "/home/someone/else/model.b4-2"\n')
    checkpoint.main([folder])
    assert 'step 2' in capsys.readouterr().out
    os.remove(os.path.join(folder, 'checkpoint'))
    checkpoint.main([str(tmp_path / 'run')])
    assert 'step 10' in capsys.readouterr().out


@pytest.mark.parametrize('version', ['V1', 'V2'])
def test_the_conditional_net_of_digits_is_known_by_its_shapes(version, tmp_path, capsys):
    prefix, values = save(
        str(tmp_path / 'mnist_16_28'), 'DCGAN.model', 4, getattr(tf.train.SaverDef, version), mnist_2016
    )
    assert checkpoint.main([prefix, '--to', str(tmp_path / 'new')]) == 0
    out = capsys.readouterr().out
    assert (
        f'plugin mnist, z_dim {Z}, gf_dim {F}, df_dim {F}, gfc_dim 12, dfc_dim 12, 1 channels, 10 classes, '
        '28x28 images'
    ) in out
    assert ' 0 missing, 0 of another shape' in out
    written = read(tf.train.latest_checkpoint(str(tmp_path / 'new')))
    assert written['global_step'] == 4
    for new, before in {'generator/g_h1_lin/Matrix': 'g_h1_lin/Matrix', 'generator/g_h3/w': 'g_h3/w',
                        'discriminator/d_h3_lin/bias': 'd_h3_lin/bias', 'generator/g_bn0/beta': 'g_bn0/beta',
                        'discriminator/d_h1_conv/w': 'd_h1_conv/w'}.items():
        np.testing.assert_array_equal(written[new], values[before], err_msg=new)


def save_sharded(folder, version):
    """A checkpoint of two variables on two devices, a file each; returns what Saver.save returned and the
    values.
    """
    os.makedirs(folder)
    two = tf.ConfigProto(device_count={'CPU': 2})
    with tf.Graph().as_default(), tf.Session(config=two) as sess:
        for number in range(2):
            with tf.device(f'/cpu:{number}'):
                variable(f'part{number}', [3, 2])
        sess.run(tf.global_variables_initializer())
        values = sess.run({v.op.name: v for v in tf.global_variables()})
        saver = tf.train.Saver(write_version=version, sharded=True)
        return saver.save(sess, os.path.join(folder, 'DCGAN.model'), global_step=1502), values


@pytest.mark.parametrize('version', ['V1', 'V2'])
@pytest.mark.parametrize('given', ['what Saver.save returned', 'one of its files', 'its folder'])
def test_a_checkpoint_in_several_files_is_one(version, given, tmp_path, capsys):
    folder = str(tmp_path / 'old')
    prefix, values = save_sharded(folder, getattr(tf.train.SaverDef, version))
    shards = sorted(name for name in os.listdir(folder) if '-of-00002' in name)
    assert len(shards) == 2
    path = {'what Saver.save returned': prefix, 'one of its files': os.path.join(folder, shards[1]),
            'its folder': folder}[given]
    assert checkpoint.main([path, '--like', path, '--to', str(tmp_path / 'new')]) == 0
    assert 'step 1502' in capsys.readouterr().out
    written = read(tf.train.latest_checkpoint(str(tmp_path / 'new')))
    assert written['global_step'] == 1502
    for name, value in values.items():
        np.testing.assert_array_equal(written[name], value)


def test_rules_bring_foreign_names_home(tmp_path, capsys):
    ours, values = save(str(tmp_path / 'ours'), 'model', 1, tf.train.SaverDef.V2,
                        lambda: [variable('generator/dense/kernel', [2, 3]).op])
    theirs, values = save(str(tmp_path / 'theirs'), 'model', 7, tf.train.SaverDef.V1,
                          lambda: [variable('G/fc/W', [2, 3]).op, variable('junk', [5]).op])
    rules = tmp_path / 'rules.txt'
    rules.write_text('G/fc/W -> generator/dense/kernel\njunk -> -\n')
    checkpoint.main([theirs, '--like', ours, '--rules', str(rules), '--to', str(tmp_path / 'new')])
    written = read(tf.train.latest_checkpoint(str(tmp_path / 'new')))
    assert set(written) == {'generator/dense/kernel', 'global_step'}
    np.testing.assert_array_equal(written['generator/dense/kernel'], values['G/fc/W'])
    assert written['global_step'] == 7


def test_an_incomplete_copy_is_written_only_when_asked_for(tmp_path):
    ours, _ = save(str(tmp_path / 'ours'), 'model', 1, tf.train.SaverDef.V2,
                   lambda: [variable('a', [2]).op, variable('b', [2]).op])
    theirs, _ = save(str(tmp_path / 'theirs'), 'model', 1,
                     tf.train.SaverDef.V2, lambda: [variable('a', [2]).op])
    with pytest.raises(UserError, match='1 tensors of ours have no value .* first b'):
        checkpoint.main([theirs, '--like', ours, '--to', str(tmp_path / 'new')])
    assert not os.path.exists(tmp_path / 'new')
    checkpoint.main([theirs, '--like', ours, '--to', str(tmp_path / 'new'), '--partial'])
    assert set(read(tf.train.latest_checkpoint(str(tmp_path / 'new')))) == {'a', 'global_step'}


def test_a_folder_with_a_checkpoint_is_not_written_over(tmp_path):
    prefix, _ = save(str(tmp_path / 'a'), 'model', 1, tf.train.SaverDef.V2, lambda: [variable('a', [2]).op])
    before = sorted(os.listdir(tmp_path / 'a'))
    with pytest.raises(UserError, match='there is a checkpoint already'):
        checkpoint.main([prefix, '--like', prefix, '--to', str(tmp_path / 'a')])
    assert sorted(os.listdir(tmp_path / 'a')) == before


@pytest.mark.parametrize('make, said', [
    (lambda path: None, 'no such checkpoint'),
    (lambda path: path.mkdir(), 'no checkpoint in this folder'),
    (lambda path: path.write_bytes(b'not a checkpoint' * 100), 'cannot read it as a checkpoint'),
    (lambda path: (path.parent / 'model-3.index').write_bytes(b'x'), 'no such checkpoint'),
])
def test_what_is_no_checkpoint_is_said_in_one_line(tmp_path, make, said):
    path = tmp_path / 'thing'
    make(path)
    with pytest.raises(UserError, match=said) as caught:
        checkpoint.main([str(path)])
    assert '\n' not in str(caught.value)


def test_a_checkpoint_that_was_cut_short_is_said_in_one_line(tmp_path):
    prefix, _ = save(str(tmp_path), 'model', 3, tf.train.SaverDef.V2, lambda: [variable('a', [2000]).op])
    data = prefix + '.data-00000-of-00001'
    os.truncate(data, 100)
    with pytest.raises(UserError, match='damaged, a tensor cannot be read') as caught:
        checkpoint.main([prefix, '--like', prefix, '--to', str(tmp_path / 'new')])
    assert '\n' not in str(caught.value) and not os.path.exists(tmp_path / 'new')


def test_an_index_without_its_data_names_the_missing_file(tmp_path):
    prefix, _ = save(str(tmp_path), 'model', 3, tf.train.SaverDef.V2, lambda: [variable('a', [2]).op])
    os.remove(prefix + '.data-00000-of-00001')
    with pytest.raises(UserError, match=r'model-3\.data-00000-of-00001 is not'):
        checkpoint.main([prefix + '.index'])


def test_another_networks_tensors_are_listed_without_comparison(tmp_path, capsys):
    prefix, _ = save(str(tmp_path), 'model', 3, tf.train.SaverDef.V2, lambda: [variable('conv1/w', [2]).op])
    assert checkpoint.main([prefix]) == 0
    assert 'not the names of a DCGAN' in capsys.readouterr().out
    with pytest.raises(UserError, match='--like RUN'):
        checkpoint.main([prefix, '--to', str(tmp_path / 'new')])


def test_the_commands_of_the_page_work(tmp_path, monkeypatch, capsys):
    with open(os.path.join(ROOT, 'docs', 'migrating.md'), encoding='utf-8') as file:
        page = file.read()
    lines = re.findall(r'^python -m legacy checkpoint (.+)$', page, re.M)
    listed, copied, ruled = (line.split() for line in lines)
    monkeypatch.chdir(tmp_path)
    save(listed[0], 'DCGAN.model', 5, tf.train.SaverDef.V2)
    assert checkpoint.main(listed) == 0 and ' 0 missing' in capsys.readouterr().out
    assert checkpoint.main(copied) == 0
    names = {'G/fc/W': [Z, 8], 'G/bn0/scale': [8], 'EMA/G/fc/W': [Z, 8]}
    theirs, _ = save('theirs', 'model', None, tf.train.SaverDef.V1,
                     lambda: [variable(name, names[name]).op for name in names])
    os.rename(theirs, ruled[0])
    ours = {'generator/g_h0_lin/Matrix': [Z, 8], 'generator/g_bn0/gamma': [8]}
    save(os.path.join(ruled[ruled.index('--like') + 1], 'checkpoint'), 'model', 1, tf.train.SaverDef.V2,
         lambda: [variable(name, ours[name]).op for name in ours])
    with open('rules.txt', 'w', encoding='utf-8') as file:
        file.write(re.search(r'^# rules.txt\n(.+?)```', page, re.M | re.S).group(1))
    assert checkpoint.main(ruled) == 0
    written = read(tf.train.latest_checkpoint(ruled[ruled.index('--to') + 1]))
    assert set(written) == {*ours, 'global_step'}


def test_the_command_line_ends_without_a_traceback(tmp_path):
    result = subprocess.run([sys.executable, '-m', 'legacy', 'checkpoint', str(tmp_path / 'none')], cwd=ROOT,
                            capture_output=True, text=True)
    assert result.returncode == 1
    # above it are TensorFlow's own start-up notes
    assert 'no such checkpoint' in result.stderr.splitlines()[-1]
    assert 'Traceback' not in result.stderr
