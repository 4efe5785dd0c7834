"""pandas and TensorFlow Probability where absent, tf.contrib.image, a module's names as a dictionary."""
import io

import numpy as np
import pytest

from legacy.absent import pandas as pd
from legacy_running import legacy

TEXT = 'name,x,y\na,1,2.5\nb,3,\nc,5,1\n'


def test_csv_columns_are_typed_and_found_by_name():
    table = pd.read_csv(io.StringIO(TEXT))
    assert table.columns == ['name', 'x', 'y'] and table.shape == (3, 3)
    assert table.x.values.dtype.kind == 'i' and table['y'].values[0] == 2.5 and np.isnan(table.y.values[1])
    assert table[table.x > 1].name.tolist() == ['b', 'c']
    assert table.iloc[0, 1] == 1 and table.iloc[2]['x'] == 5
    assert table.iloc[1:, 1:2].values.tolist() == [[3], [5]]
    assert [(label, row['name']) for label, row in table.iterrows()] == [(0, 'a'), (1, 'b'), (2, 'c')]
    assert table.drop('name', axis=1).columns == ['x', 'y']
    assert pd.concat([table, table], ignore_index=True).shape == (6, 3)


def test_csv_without_header_by_spaces_and_with_labels():
    table = pd.read_csv(io.StringIO('1 a\n2 b\n'), delim_whitespace=True, header=None, names=['n', 'text'])
    assert table.n.tolist() == [1, 2] and table.text.tolist() == ['a', 'b']
    assert pd.read_csv(io.StringIO('1,2\n'), header=None).values.tolist() == [[1, 2]]
    labelled = pd.read_csv(io.StringIO(TEXT), index_col=0)
    assert labelled.index == ['a', 'b', 'c'] and labelled.x['b'] == 3


def test_tables_go_round_through_csv_and_pickle(tmp_path):
    table = pd.DataFrame({'path': map(str, [1, 2]), 'size': [0.5, 2]})
    table.to_csv(tmp_path / 't.csv', index=False)
    assert (tmp_path / 't.csv').read_text() == 'path,size\n1,0.5\n2,2.0\n'
    table.to_pickle(tmp_path / 't.pkl')
    assert pd.read_pickle(tmp_path / 't.pkl')['path'].values.tolist() == ['1', '2']
    settings = pd.Series(data={'size': 4, 'name': 'x', 'nothing': None})
    settings.to_csv(tmp_path / 's.csv')
    assert pd.Series.from_csv(tmp_path / 's.csv')['name'] == 'x' and 'size       4' in str(settings)


def test_what_the_small_pandas_lacks_says_so():
    with pytest.raises(AttributeError, match='groupby.*pip install pandas'):
        pd.DataFrame({'a': [1]}).groupby('a')
    with pytest.raises(ValueError, match='same length'):
        pd.DataFrame({'a': [1], 'b': [1, 2]})


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
