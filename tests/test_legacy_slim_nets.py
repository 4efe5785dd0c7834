"""slim's classifiers under `python -m legacy run`: names, shapes, end points and values."""
import json

import numpy as np
import pytest

from legacy_running import legacy

SCRIPT = """
import json
import numpy as np
import tensorflow as tf
from tensorflow.contrib import slim
from tensorflow.contrib.slim.nets import vgg
from tensorflow.contrib.slim.python.slim.nets.alexnet import alexnet_v2, alexnet_v2_arg_scope

image = tf.constant(np.random.RandomState(0).rand(1, 224, 224, 3), tf.float32)
with slim.arg_scope(vgg.vgg_arg_scope(weight_decay=0.5)):
    logits, ends = vgg.vgg_19(image, num_classes=5, is_training=False)
    grid, _ = slim.nets.vgg.vgg_a(tf.zeros([2, 256, 256, 3]), 7, spatial_squeeze=False)
with slim.arg_scope(alexnet_v2_arg_scope()):
    alex, alex_ends = alexnet_v2(image, 6)
with tf.Session() as sess:
    first = [v for v in tf.global_variables() if v.name.startswith('vgg_19/conv1/')]
    sess.run(tf.variables_initializer(first))
    weights, biases, inner, outer, pooled = sess.run(
        [*first[:2], ends['vgg_19/conv1/conv1_1'], ends['vgg_19/conv1/conv1_2'], ends['vgg_19/pool1']])
    decay = sess.run(tf.losses.get_regularization_losses('vgg_19/conv1/conv1_1'))
np.savez('values.npz', weights=weights, biases=biases, inner=inner, outer=outer, pooled=pooled, decay=decay)
json.dump({'shapes': {v.name: v.shape.as_list() for v in tf.global_variables()}, 'ends': sorted(ends),
           'alex_ends': sorted(alex_ends), 'size': vgg.vgg_16.default_image_size,
           'logits': [t.shape.as_list() for t in (logits, grid, alex)], 'same': vgg.vgg_e is vgg.vgg_19},
          open('names.json', 'w'))
"""


@pytest.fixture(scope='module')
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp('nets')
    (folder / 'nets.py').write_text(SCRIPT)
    done = legacy('run', 'nets.py', cwd=folder)
    assert done.returncode == 0, done.stderr
    with np.load(folder / 'values.npz') as data:
        return json.loads((folder / 'names.json').read_text()), {key: data[key] for key in data.files}


def test_variables_have_the_names_and_shapes_of_published_checkpoints(result):
    shapes = result[0]['shapes']
    convolutions = [(3, 64), (64, 64), (64, 128), (128, 128), (128, 256)]
    names = ['conv1/conv1_1', 'conv1/conv1_2', 'conv2/conv2_1', 'conv2/conv2_2', 'conv3/conv3_1']
    for name, (before, after) in zip(names, convolutions):
        assert shapes[f'vgg_19/{name}/weights:0'] == [3, 3, before, after]
        assert shapes[f'vgg_19/{name}/biases:0'] == [after]
    assert shapes['vgg_19/fc6/weights:0'] == [7, 7, 512, 4096]
    assert shapes['vgg_19/fc8/weights:0'] == [1, 1, 4096, 5]
    assert shapes['alexnet_v2/conv1/weights:0'] == [11, 11, 3, 64]
    assert shapes['alexnet_v2/fc6/weights:0'] == [5, 5, 256, 4096]
    for net, count in (('vgg_a', 22), ('vgg_19', 38), ('alexnet_v2', 16)):
        assert sum(name.startswith(net + '/') for name in shapes) == count


def test_end_points_are_named_by_scope(result):
    names = result[0]
    convolutions = [(b, n) for b, last in enumerate((2, 2, 4, 4, 4), 1) for n in range(1, last + 1)]
    assert names['ends'] == sorted(
        [f'vgg_19/conv{b}/conv{b}_{n}' for b, n in convolutions]
        + [f'vgg_19/pool{b}' for b in range(1, 6)] + ['vgg_19/fc6', 'vgg_19/fc7', 'vgg_19/fc8'])
    assert names['alex_ends'] == [f'alexnet_v2/{name}' for name in (
        'conv1', 'conv2', 'conv3', 'conv4', 'conv5', 'fc6', 'fc7', 'fc8', 'pool1', 'pool2', 'pool5')]
    assert names['logits'] == [[1, 5], [2, 2, 2, 7], [1, 6]]
    assert names['size'] == 224 and names['same']


def test_the_first_block_under_its_arg_scope(result):
    values = result[1]
    image = np.pad(np.random.RandomState(0).rand(1, 224, 224, 3), [(0, 0), (1, 1), (1, 1), (0, 0)])
    patch = image[0, 10:13, 20:23]
    expected = np.maximum(np.einsum('ijc,ijco->o', patch, values['weights']), 0)
    np.testing.assert_allclose(values['inner'][0, 10, 20], expected, rtol=1e-4, atol=1e-5)
    assert (values['biases'] == 0).all() and (values['outer'] >= 0).all()
    windows = values['outer'].reshape(1, 112, 2, 112, 2, 64)
    np.testing.assert_array_equal(values['pooled'], windows.max((2, 4)))
    np.testing.assert_allclose(values['decay'], [0.5 * (values['weights'] ** 2).sum() / 2], rtol=1e-4)
