"""A module's names as a dictionary, TensorFlow Probability where it is absent, tf.contrib.image name by name."""
import numpy as np

from legacy_running import legacy


def test_names_of_a_module_as_a_dictionary_and_distributions_of_tfp(tmp_path):
    (tmp_path / 'script.py').write_text('''
import tensorflow as tf
import tensorflow_probability as tfp
print(tf.logging.__dict__['INFO'] / 10, vars(tf.logging)['WARN'])
print('pack' in tf.__dict__, 'nosuch' in tf.__dict__)
tf.__dict__['mine'] = 3
print(tf.mine, tf.__dict__.get('nosuch', 4))
normal = tfp.distributions.MultivariateNormalDiag([0., 0.], [1., 2.])
with tf.Session() as sess:
    print('%.5f' % sess.run(normal.log_prob([1., 2.])))
''')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    expected = -1 - np.log(2) - np.log(2 * np.pi)
    assert done.stdout.split() == ['2.0', '30', 'True', 'False', '3', '4', f'{expected:.5f}']


def test_images_are_warped_by_a_flow_and_moved(tmp_path):
    (tmp_path / 'script.py').write_text('''
import numpy as np
import tensorflow as tf
from tensorflow.contrib.image import dense_image_warp
from tensorflow.python.keras import layers
image = np.arange(2 * 4 * 5 * 3, dtype='f').reshape(2, 4, 5, 3)
flow = np.zeros([2, 4, 5, 2], 'f')
flow[0, :, :, 0], flow[0, :, :, 1] = 0.25, -0.5
fed = tf.placeholder(tf.float32, [None, 4, 5, 3])
same = layers.Activation(None)(fed)
ops = [dense_image_warp(fed, flow), tf.contrib.image.translate(image, [1, 2]), same,
       tf.contrib.image.interpolate_bilinear(image, [[[1.5, 2.0]], [[9.0, -3.0]]], indexing='xy')]
assert ops[0].shape.as_list()[1:] == [4, 5, 3]
with tf.Session() as sess:
    np.savez('out.npz', *sess.run(ops, {fed: image}), image)
''')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / 'out.npz') as data:
        warped, moved, same, points, image = (data[f'arr_{n}'] for n in range(5))
    np.testing.assert_array_equal(warped[1], image[1])
    y, x = np.clip(np.arange(4) - 0.25, 0, 3), np.clip(np.arange(5) + 0.5, 0, 4)
    np.testing.assert_allclose(warped[0], (15 * y[:, None] + 3 * x)[:, :, None] + np.arange(3), rtol=1e-5)
    np.testing.assert_array_equal(moved[:, 2:, 1:], image[:, :-2, :-1])
    assert (moved[:, :2] == 0).all() and (moved[:, :, 0] == 0).all()
    np.testing.assert_array_equal(same, image)
    np.testing.assert_allclose(points, [[[34.5, 35.5, 36.5]], [[72, 73, 74]]])


def test_a_missing_part_of_contrib_image_is_not_expected_to_run(tmp_path):
    (tmp_path / 'script.py').write_text(
        'import tensorflow as tf\ntf.contrib.image.sparse_image_warp(1, 2, 3)\n')
    done = legacy('check', 'script.py', cwd=tmp_path)
    assert done.returncode == 1 and 'tf.contrib.image.sparse_image_warp: not restored' in done.stdout
