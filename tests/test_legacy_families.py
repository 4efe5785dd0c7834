"""Each restored family by names, defaults, variables and values, against NumPy.

One run of legacy_families.py under `python -m legacy run` provides all numbers.
"""
import json

import numpy as np
import pytest

from legacy_running import ROOT, legacy


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp('families')
    done = legacy('run', ROOT / 'tests' / 'legacy_families.py', 'result.npz', cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / 'result.npz') as data:
        arrays = {key: data[key] for key in data.files}
    names = json.loads((folder / 'result.npz.json').read_text())
    return arrays, names, done.stderr


@pytest.fixture(scope='module')
def arrays(result):
    return result[0]


@pytest.fixture(scope='module')
def names(result):
    return result[1]


def patches(x, size, stride, padding):
    """[B,h,w,size,size,C] windows of x [B,H,W,C], padded as TensorFlow pads."""
    if padding == 'SAME':
        total = max((-(-x.shape[1] // stride) - 1) * stride + size - x.shape[1], 0)
        x = np.pad(x, [(0, 0), (total // 2, total - total // 2), (total // 2, total - total // 2), (0, 0)])
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3)


def conv2d(x, kernel, stride, padding='SAME'):
    return np.einsum('bhwijc,ijco->bhwo', patches(x, kernel.shape[0], stride, padding), kernel)


def conv2d_transpose(x, kernel, stride):
    """SAME: the gradient of conv2d with respect to its input; kernel [k,k,out,in]."""
    k, size = kernel.shape[0], x.shape[1] * stride
    full = np.zeros((x.shape[0], size + k, size + k, kernel.shape[2]))
    before = max((x.shape[1] - 1) * stride + k - size, 0) // 2
    for i in range(x.shape[1]):
        for j in range(x.shape[2]):
            full[:, i * stride:i * stride + k, j * stride:j * stride + k] += np.einsum('bc,ijoc->bijo', x[:,
                                                                                                          i,
                                                                                                          j],
                                                                                       kernel)
    return full[:, before:before + size, before:before + size]


def normalised(x, axes, epsilon):
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


def close(actual, expected, tolerance=1e-4):
    np.testing.assert_allclose(actual, expected, atol=tolerance, rtol=tolerance)


# ---- tf.layers ---------------------------------------------------------------------------------------------

def test_layers_have_the_variables_of_tensorflow_1_in_its_order(names):
    assert [n for n in names['variables'] if n.startswith('layers/')] == [f'layers/{n}:0' for n in (
            'conv2d/kernel', 'conv2d/bias', 'up/kernel', 'up/bias', 'batch_normalization/gamma',
            'batch_normalization/beta', 'batch_normalization/moving_mean',
            'batch_normalization/moving_variance', 'dense/kernel', 'dense/bias', 'first/kernel', 'first/bias',
            'separable/depthwise_kernel', 'separable/pointwise_kernel', 'separable/bias')]


def test_layers_conv2d_and_its_reuse(arrays):
    expected = np.maximum(conv2d(arrays['images'], arrays['before/layers/conv2d/kernel:0'], 2), 0)
    close(arrays['out/layers.conv'], expected)
    close(arrays['out/layers.again'], expected)


def test_layers_conv2d_kernel_is_glorot_uniform(arrays):
    kernel = arrays['before/layers/conv2d/kernel:0']
    limit = np.sqrt(6 / (3 * 3 * 3 + 3 * 3 * 4))
    assert 0.7 * limit < np.abs(kernel).max() <= limit


def test_layers_conv2d_transpose_value_and_static_shape(arrays, names):
    close(arrays['out/layers.up'], conv2d_transpose(arrays['out/layers.conv'],
                                                    arrays['before/layers/up/kernel:0'], 2))
    assert names['shapes']['layers.up'] == [None, 8, 8, 2]


def test_layers_batch_normalization_defaults(arrays):
    x = arrays['out/layers.conv']
    close(arrays['out/layers.bn'], normalised(x, (0, 1, 2), 1e-3))
    n = x[..., 0].size
    close(arrays['after/layers/batch_normalization/moving_mean:0'], 0.01 * x.mean((0, 1, 2)))
    close(arrays['after/layers/batch_normalization/moving_variance:0'], 0.99 + 0.01 * x.var((0, 1, 2))
          * n / (n - 1))


def test_layers_dense_flattens_in_row_order(arrays):
    x = arrays['out/layers.conv'].reshape(4, -1)
    close(arrays['out/layers.dense'], x @ arrays['before/layers/dense/kernel:0'])
    assert 0.015 < arrays['before/layers/dense/kernel:0'].std() < 0.025


def test_layers_pools(arrays):
    windows = patches(arrays['images'], 2, 2, 'VALID')
    close(arrays['out/layers.pool'], windows.max((3, 4)))
    close(arrays['out/layers.mean'], windows.mean((3, 4)))


def test_layers_channels_first_runs_on_a_cpu(arrays):
    expected = conv2d(arrays['images'], arrays['before/layers/first/kernel:0'], 1, 'VALID')
    close(arrays['out/layers.first'].transpose(0, 2, 3, 1), expected)


@pytest.mark.parametrize('name, keep', [('layers.drop', 0.75), ('contrib.kept', 0.8)])
def test_dropout_scales_what_it_keeps(arrays, name, keep):
    values = arrays['out/' + name]
    assert set(np.round(values, 4)) == {0.0, np.round(np.float32(1 / keep), 4)}
    assert abs((values > 0).mean() - keep) < 0.06


# ---- tf.contrib.layers -------------------------------------------------------------------------------------

def test_contrib_layers_have_the_variables_of_tensorflow_1(names):
    assert [n for n in names['variables'] if n.startswith('contrib/')] == [f'contrib/{n}:0' for n in (
            'bn4/beta', 'bn4/moving_mean', 'bn4/moving_variance', 'bn2/beta', 'bn2/gamma', 'bn2/moving_mean',
            'bn2/moving_variance', 'unfused/beta', 'unfused/moving_mean', 'unfused/moving_variance',
            'both/beta', 'both/moving_mean', 'both/moving_variance', 'ln/beta', 'ln/gamma', 'in/beta',
            'in/gamma', 'gn/beta', 'gn/gamma', 'Conv/weights', 'Conv/BatchNorm/beta',
            'Conv/BatchNorm/moving_mean', 'Conv/BatchNorm/moving_variance', 'Conv2d_transpose/weights',
            'Conv2d_transpose/biases', 'fully_connected/weights', 'fully_connected/biases', 'linear/weights',
            'linear/biases', 'xavier', 'he')]


def test_moving_averages_are_not_trained(names):
    assert not [n for n in names['trainable'] if 'moving' in n]
    assert 'contrib/bn2/gamma:0' in names['trainable']


def test_contrib_batch_norm_defaults(arrays):
    x, n = arrays['images'], 4 * 8 * 8
    close(arrays['out/contrib.bn4'], normalised(x, (0, 1, 2), 1e-3))
    close(arrays['after/contrib/bn4/moving_mean:0'], 0.001 * x.mean((0, 1, 2)), 1e-6)
    close(arrays['after/contrib/bn4/moving_variance:0'], 0.999 + 0.001 * x.var((0, 1, 2)) * n / (n - 1), 1e-6)


def test_contrib_batch_norm_of_rows_updates_with_its_output(arrays):
    x = arrays['rows']
    close(arrays['out/contrib.bn2'], normalised(x, 0, 1e-5))
    # moved once, by the run of the output
    close(arrays['after/contrib/bn2/moving_mean:0'], 0.1 * x.mean(0))
    close(arrays['after/contrib/bn2/moving_variance:0'], 0.9 + 0.1 * x.var(0) * 6 / 5)


def test_contrib_batch_norm_unfused_has_no_bessel_correction(arrays):
    close(arrays['after/contrib/unfused/moving_variance:0'], 0.5 + 0.5 * arrays['images'].var((0, 1, 2)))


def test_contrib_batch_norm_switches_on_a_tensor(arrays):
    x = arrays['images']
    close(arrays['out/contrib.both'], normalised(x, (0, 1, 2), 1e-3))
    mean, variance = arrays['after/contrib/both/moving_mean:0'], arrays[
        'after/contrib/both/moving_variance:0']
    close(mean, 0.1 * x.mean((0, 1, 2)))
    close(arrays['out/infer.both'], (x - mean) / np.sqrt(variance + 1e-3))


def test_only_batch_norms_with_a_collection_are_in_update_ops(names):
    assert {n.rsplit('/', 1)[0] for n in names['updates']} == {'layers/batch_normalization', 'contrib/bn4',
                                                               'contrib/Conv/BatchNorm'}


def test_layer_instance_and_group_norm(arrays):
    x = arrays['images']
    close(arrays['out/contrib.ln'], normalised(x, (1, 2, 3), 1e-12))
    close(arrays['out/contrib.instance'], normalised(x, (1, 2), 1e-6))
    close(arrays['out/contrib.gn'], np.concatenate([normalised(x, (1, 2, 3), 1e-6)] * 2, 3))


def test_contrib_conv2d_under_a_normaliser_has_no_bias(arrays):
    x = conv2d(arrays['images'], arrays['before/contrib/Conv/weights:0'], 2)
    close(arrays['out/contrib.conv'], normalised(x, (0, 1, 2), 1e-3), 1e-3)


def test_contrib_conv2d_transpose_value_and_static_shape(arrays, names):
    expected = conv2d_transpose(arrays['out/contrib.conv'],
                                arrays['before/contrib/Conv2d_transpose/weights:0'], 2)
    close(arrays['out/contrib.deconv'], np.tanh(expected), 1e-3)
    assert names['shapes']['contrib.deconv'] == [None, 8, 8, 2]


def test_fully_connected_and_its_regulariser(arrays, names):
    close(arrays['out/contrib.fc'], arrays['rows'] @ arrays['before/contrib/fully_connected/weights:0'])
    assert names['regularization'] == 1


def test_initialisers(arrays):
    xavier, he = arrays['out/contrib.xavier'], arrays['out/contrib.he']
    limit = np.sqrt(6 / 800)
    assert 0.99 * limit < np.abs(xavier).max() <= limit
    assert abs(he.std() / np.sqrt(2 / 450) - 1.0) < 0.02          # truncation narrows by what the 1.3 widens
    assert np.abs(he).max() <= 2 * np.sqrt(1.3 * 2 / 450) + 1e-6


def test_regularisers(arrays):
    close(arrays['out/contrib.l2'], 0.05 * (arrays['out/contrib.xavier'] ** 2).sum())
    close(arrays['out/contrib.l1'], 0.1 * np.abs(arrays['out/contrib.xavier']).sum())


# ---- slim --------------------------------------------------------------------------------------------------

def test_arg_scope_sets_defaults_and_explicit_arguments_win(arrays, names):
    sums = patches(arrays['images'], 3, 1, 'VALID').sum((3, 4, 5))
    close(arrays['out/slim.s1'], np.stack([sums, sums], -1))
    assert names['scope_key_ops'] == 2


def test_repeat_and_stack_number_their_scopes(arrays, names):
    assert names['model_variables'] == ['s2/s2_1/weights:0', 's2/s2_1/biases:0', 's2/s2_2/weights:0',
                                        's2/s2_2/biases:0']
    close(arrays['out/slim.s2'], np.repeat(3 * arrays['images'].sum(3, keepdims=True), 3, 3))
    close(arrays['out/slim.s3'], np.repeat(4 * arrays['rows'].sum(1, keepdims=True), 2, 1))


# ---- TensorFlow 0.x ----------------------------------------------------------------------------------------

def test_argument_orders_of_tensorflow_0(arrays):
    x = arrays['rows']
    close(arrays['out/old.concat'], np.concatenate([x, x], 1))
    close(arrays['out/old.new_order'], np.concatenate([x, x], 1))
    close(arrays['out/old.split'], x[:, 2:3])
    assert arrays['out/old.resized'].shape == (4, 4, 4, 3)


def test_names_of_tensorflow_0(arrays):
    x = arrays['rows']
    close(arrays['out/old.pack'], np.stack([x, x]))
    close(arrays['out/old.unpack'], x[1])
    close(arrays['out/old.mul'], x * x)
    close(arrays['out/old.sub'], x - 1)
    close(arrays['out/old.neg'], -x)
    close(arrays['out/old.select'], np.abs(x))
    close(arrays['out/old.reduced'], x.sum(1, keepdims=True))
    close(arrays['out/old.matmul'], np.full((2, 3, 5), 4.0))


def test_positional_cross_entropies_are_logits_then_labels(arrays, result):
    close(arrays['out/old.xent'], np.log1p(np.exp(-3.0)))
    close(arrays['out/old.named'], np.log1p(np.exp(-3.0)))
    close(arrays['out/old.softmax'], -np.log(np.exp(3) / np.exp([1, 2, 3]).sum()))
    assert result[2].count('sigmoid_cross_entropy_with_logits called by position') == 1


def test_scalar_summary_has_its_tag(names):
    assert names['summary'] == ['loss']


def test_the_version_begins_with_one(names):
    assert names['version'].startswith('1.')


# ---- formats, shapes, sizes --------------------------------------------------------------------------------

def test_nchw_convolution_and_its_gradient_on_a_cpu(arrays):
    close(arrays['out/format.nchw'].transpose(0, 2, 3, 1), arrays['out/format.nhwc'])
    close(arrays['out/format.grad_nchw'], arrays['out/format.grad_nhwc'])


def test_transposed_convolution_keeps_the_static_batch(names):
    assert names['shapes']['format.fixed'] == [2, 8, 8, 6]


def test_divisions_are_sizes(arrays, names):
    assert arrays['out/format.halves'].shape == (4, 3)
    assert names['dimension'] == [4, 3, 28, 192]


@pytest.mark.parametrize('kind', ['lines', 'boxes', 'pools', 'separate'])
def test_channels_first_in_one_and_three_dimensions(arrays, kind):
    last = arrays[f'out/format.{kind}_last']
    assert last.std() > 0
    close(arrays[f'out/format.{kind}_first'], last)


def test_numpy_functions_of_tensors_are_tensors(arrays):
    close(arrays['out/format.absolute'], np.abs(arrays['rows'] - 1))


# ---- recurrent cells ---------------------------------------------------------------------------------------

def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_lstm(arrays):
    kernel, bias = arrays['before/rnn/basic_lstm_cell/kernel:0'], arrays['before/rnn/basic_lstm_cell/bias:0']
    c, h, expected = np.zeros(3), np.zeros(3), []
    for x in arrays['rows']:
        i, j, f, o = np.split(np.concatenate([x, h]) @ kernel + bias, 4)
        c = c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j)
        h = np.tanh(c) * sigmoid(o)
        expected.append(h)
    close(arrays['out/rnn.lstm'][0], expected)


def test_gru(arrays):
    value = {n: arrays[f'before/gru/rnn/gru_cell/{n}:0'] for n in ('gates/kernel', 'gates/bias',
                                                                   'candidate/kernel', 'candidate/bias')}
    assert (value['gates/bias'] == 1).all()
    h, expected = np.zeros(2), []
    for x in arrays['rows']:
        r, u = np.split(sigmoid(np.concatenate([x, h]) @ value['gates/kernel'] + value['gates/bias']), 2)
        c = np.tanh(np.concatenate([x, r * h]) @ value['candidate/kernel'] + value['candidate/bias'])
        h = u * h + (1 - u) * c
        expected.append(h)
    close(arrays['out/rnn.gru'][0], expected)


def test_layer_normalised_lstm(arrays):
    def norm(x, name):
        assert (arrays[f'before/{base}{name}/gamma:0'] ==
                1).all() and (arrays[f'before/{base}{name}/beta:0'] == 0).all()
        return (x - x.mean()) / np.sqrt(x.var() + 1e-12)
    base = 'normalised/rnn/layer_norm_basic_lstm_cell/'
    c, h, expected = np.zeros(3), np.zeros(3), []
    for x in arrays['rows']:
        parts = np.split(np.concatenate([x, h]) @ arrays[f'before/{base}kernel:0'], 4)
        i, j, f, o = [norm(v, name) for v, name in zip(parts, ('input', 'transform', 'forget', 'output'))]
        c = norm(c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j), 'state')
        h = np.tanh(c) * sigmoid(o)
        expected.append(h)
    close(arrays['out/rnn.normalised'][0], expected, 1e-4)


def test_projection_and_linear(arrays):
    assert arrays['out/rnn.projected'].shape == (1, 6, 4)
    assert arrays['before/projected/rnn/output_projection_wrapper/kernel:0'].shape == (2, 4)
    both = np.concatenate([arrays['rows'], arrays['rows']], 1)
    close(arrays['out/rnn.linear'], both @ arrays['before/projected/kernel:0'])


# ---- names that moved --------------------------------------------------------------------------------------

def test_names_that_moved_inside_tensorflow(arrays, names):
    assert arrays['out/moved.loop'].tolist() == [6, 4]
    assert arrays['out/moved.signal'].tolist() == [[0, 1, 2, 3], [2, 3, 4, 5]]
    assert names['moved'] == [True, True, ['end'], [3, 3], 3]


def test_separable_convolution_in_one_dimension_and_pools_in_three(arrays):
    x = np.pad(arrays['rows'], [(1, 1), (0, 0)])
    depthwise, pointwise = arrays['before/thin/depthwise_kernel:0'], arrays['before/thin/pointwise_kernel:0']
    assert depthwise.shape == (3, 5, 1) and pointwise.shape == (1, 5, 2)
    middle = sum(x[k:k + 6] * depthwise[k, :, 0] for k in range(3))
    close(arrays['out/layers.thin'][0], middle @ pointwise[0])
    cells = arrays['images'].reshape(2, 1, 2, 4, 2, 4, 2, 3)
    close(arrays['out/layers.deep'], cells.max((2, 4, 6)))


# ---- Keras layers ------------------------------------------------------------------------------------------

def test_keras_layers_are_named_and_trained_as_in_tensorflow_1(arrays, names):
    assert names['keras'] == [4, 4, 4, ['keras/batch_normalization/' + part + ':0' for part in (
        'gamma', 'beta', 'moving_mean', 'moving_variance')]]
    assert not any('keras' in update for update in names['updates'])
    kernel = arrays['before/keras/conv2d/kernel:0']
    assert np.abs(kernel).max() <= np.sqrt(
        6 / (27 + 36))                                     # Glorot, uniform
    h = np.maximum(conv2d(arrays['images'], kernel, 2), 0)
    mean, var = h.mean((0, 1, 2)), h.var((0, 1, 2))
    close(arrays['out/keras.train'], (h - mean) / np.sqrt(var + 1e-3), 1e-4)
    close(arrays['out/keras.infer'], h / np.sqrt(1 + 1e-3), 1e-4)
    assert arrays['out/keras.out'].shape == (4, 2)
    assert arrays['before/keras/p_re_lu/alpha:0'].shape == (1, 1, 4)


def test_keras_models_share_their_layers(arrays):
    rows, value = arrays['rows'], {n: arrays[f'before/dense_{n}/kernel:0'] for n in (1, 2, 3, 4)}
    close(arrays['out/keras.stacked'], np.tanh(rows @ value[1]) @ value[2])
    close(arrays['out/keras.again'], arrays['out/keras.stacked'])
    close(arrays['out/keras.functional'], rows @ value[4] @ value[3])


# ---- training ----------------------------------------------------------------------------------------------

def test_optimize_loss_clips_steps_and_counts(arrays):
    close(arrays['out/train.loss'], 12.5)
    close(arrays['out/train.w'], np.array([3.0, 4.0]) - 0.1 * np.array([0.6, 0.8]))
    assert arrays['after/train/global_step:0'] == 1
    close(arrays['after/train/OptimizeLoss/learning_rate:0'], 0.1)


def test_slots_and_averages_in_a_reused_scope(arrays):
    # Adam's first step is the learning rate
    close(arrays['out/train.v'], [0.9], 1e-3)
    close(arrays['out/train.ema'], [0.95], 1e-3)


def test_a_second_optimiser_after_the_scope_was_entered_again_has_its_own_slots(names):
    assert [n for n in names['variables'] if n.startswith('entered/')] == [
        f'entered/w{slot}:0' for slot in ('', '/Adam', '/Adam_1', '/Adam_2', '/Adam_3')]


def test_an_assigned_static_shape_is_the_shape(arrays, names):
    assert names['shapes']['loosened.kept'] == [None, 3]
    np.testing.assert_array_equal(arrays['out/loosened.product'], np.full((5, 2), 3.0))


def test_a_computed_tensor_is_fed_with_another_batch_size_but_no_other_shape(arrays, names):
    assert arrays['out/batch.as_built'].shape == (4, 3)
    np.testing.assert_array_equal(arrays['out/batch.fed'], np.full((6, 3), 2.0))
    assert 'Cannot feed value of shape (6, 2)' in names['batch']


def test_optimizers_around_others(arrays, names):
    start = np.array([[3.0, 4.0], [0.3, 0.4]])
    close(arrays['out/opt.average'], 0.9 * start + 0.1 * (start - 0.5))
    close(arrays['out/opt.clipped'], [[0.6, 0.8], [0.3, 0.4]])
    assert names['swapped']


def test_distributions_with_their_old_arguments(arrays):
    close(arrays['out/distributions.normal'], -0.125 - np.log(2) - 0.5 * np.log(2 * np.pi))
    close(arrays['out/distributions.diagonal'], -0.5 - np.log(2) - np.log(2 * np.pi))


def normal_log(x, mean, covariance):
    away = np.subtract(x, mean)
    return -0.5 * (away @ np.linalg.solve(covariance, away) + np.log(np.linalg.det(covariance))
                   + len(away) * np.log(2 * np.pi))


def test_distributions_that_only_contrib_had(arrays):
    got = {key.partition('.')[2]: value for key, value in arrays.items() if key.startswith('out/distrib')}
    assert got['mixture'].shape == (500, 2)
    shares = np.bincount(got['mixture'][:, 0].round().astype(int), minlength=3) / 500
    close(shares, [0.2, 0.3, 0.5], 0.1)
    assert got['mixture'][:, 1].std() < 0.03
    close(got['mixture_log'], np.log(0.3) + normal_log([0, 0.01], [0, 0], np.diag([1e-4, 4e-4])))
    close(got['mixture_mean'], [1.3, 0.0])
    covariance = np.array([[1.0, 0.5], [0.5, 4.25]])
    close(got['triangular'], [normal_log(p, [1, 2], covariance) for p in ([0, 0], [1, 1])])
    close(got['covariance'], normal_log([0, 0], [1, 2], covariance))
    close(got['relaxed'].sum(1), np.ones(20))
    assert got['relaxed'][:, 1].mean() > 0.6
    p, x, t = np.array([0.2, 0.8]), np.array([0.3, 0.7]), 0.5
    close(got['relaxed_log'], np.log(t) + np.log(p / x ** (t + 1)).sum() - 2 * np.log((p / x ** t).sum()))
    assert (got['one_hot'].sum(1) == 1).all() and got['one_hot'].shape == (20, 2)
    close(got['kl'], 0.5 * (4 - 1 - np.log(4)) + 0.5)
    close([got['bernoulli'], got['uniform'], got['sigma'], got['mean']], [0.25, 0.25, 2.0, 9.0])
    close(got['noise'], [6.0], 0.03)


def test_sequence_loss_counts_the_weighted_steps(arrays):
    scores = arrays['out/sequence.scores']
    log = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    first, second, third = -log[0, 0, 0], -log[0, 1, 1], -log[1, 0, 3]
    close(arrays['out/sequence.loss'], (first + second + third) / 3)
    close(arrays['out/sequence.rows'], [(first + second) / 2, third])


def test_graphs_made_again_on_other_tensors(arrays, names):
    curve, start = np.array([1.0, 0.25]), np.array([1.0, 2.0])
    shrink = (1 - 0.2 * curve) ** 3
    close(arrays['out/graph_editor.unrolled'], (curve * (shrink * start) ** 2).sum())
    close(arrays['out/graph_editor.through'], 2 * curve * shrink ** 2 * start)
    close(arrays['out/graph_editor.valley'], (curve * start ** 2).sum())
    close(arrays['out/graph_editor.copied'], 7.0)
    assert names['copied_variables'] == 0 and 'not connected' in names['unconnected']


def test_updates_of_keras_optimizers(arrays, names):
    assert [kind for kind, _ in names['keras_step']] == ['AssignAdd', 'Assign', 'Assign', 'Assign']
    assert names['keras_step'][-1][1] == 'slope:0'
    close(arrays['out/keras.step'], [0.9, 1.9], 1e-3)                  # Adam's first step is the rate


def test_batch_renormalisation(arrays, names):
    rows, again = arrays['rows'], 3 * arrays['rows'] + 1
    close(arrays['out/renorm.first'], normalised(rows, (0,), 1e-3))      # the first batch is the average
    mean, deviation = rows.mean(0), np.sqrt(rows.var(0) + 1e-3)
    mean2, deviation2 = again.mean(0), np.sqrt(again.var(0) + 1e-3)
    mixed, mixed_deviation = 0.1 * mean + 0.9 * mean2, 0.1 * deviation + 0.9 * deviation2
    r, d = np.clip(deviation2 / mixed_deviation, 0.5, 2), np.clip((mean2 - mixed) / mixed_deviation, -3, 3)
    close(arrays['out/renorm.second'], (again - mean2) / deviation2 * r + d)
    weight = 1 - 0.9 ** 2
    close(arrays['after/renorm/renorm_mean_weight:0'], weight)
    close(arrays['after/renorm/renorm_mean:0'], 0.09 * mean + 0.1 * mean2)
    unbiased = (0.09 * deviation + 0.1 * deviation2) / weight
    close(arrays['after/renorm/moving_variance:0'],
          0.99 * (0.99 + 0.01 * (deviation ** 2 - 1e-3)) + 0.01 * (unbiased ** 2 - 1e-3))
    assert [n for n in names['variables'] if n.startswith('slim_renorm')] == [
        f'slim_renorm/BatchNorm/{n}:0' for n in (
            'beta', 'moving_mean', 'moving_variance', 'renorm_mean', 'renorm_mean_weight', 'renorm_stddev',
            'renorm_stddev_weight')]


def test_contrib_data(arrays):
    assert arrays['out/data'].tolist() == [0, 1, 2, 3]
