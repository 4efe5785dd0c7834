"""Old scripts come out as modern sources: what is written for what, what stays, what is reported, and that it
runs.
"""
import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import textwrap

import imageio.v2 as imageio
import numpy as np
import pytest

pytest.importorskip('libcst', reason='convert is optional: pip install -r requirements-legacy.txt')

from errors import UserError  # noqa: E402
from legacy import convert, rewrite  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def project(folder, files=(), **more):
    """A project of files given as {'sub/name': source} or name=source."""
    for name, text in {**dict(files), **more}.items():
        path = folder / (name + '.py')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding='utf-8')
    return convert.Project(str(folder), convert.python_files(str(folder)))


def converted(folder, text, **others):
    """(converted text of a one-file script, its notes)."""
    made = project(folder, script=text, **others)
    new = convert.convert_text(made, 'script.py', rewrite)
    assert not made.failed
    ast.parse(new)
    return new, made.notes['script.py']


TF = 'import tensorflow as tf\n'
NOW = 'import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()\n'
HELP = NOW + 'from legacy import helpers\n'


@pytest.mark.parametrize(
    'old, new',
    [
        # renames of TensorFlow 1.0
        ('tf.mul(a, tf.neg(b))', 'tf.multiply(a, tf.negative(b))'), ('tf.pack([a, b])', 'tf.stack([a, b])'),
        ('tf.train.SummaryWriter(d, g)', 'tf.summary.FileWriter(d, g)'),
        ('tf.scalar_summary("l", x, name="op")', 'tf.summary.scalar("l", x)'),
        (
            'tf.image_summary(tag="i", tensor=x, max_images=2)',
            'tf.summary.image(name="i", tensor=x, max_outputs=2)',
        ),
        ('tf.initialize_all_variables()', 'tf.global_variables_initializer()'),
        ('tf.batch_matmul(x, y, adj_x=True)', 'tf.matmul(x, y, adjoint_a=True)'),
        ('f = tf.merge_all_summaries', 'f = tf.summary.merge_all'),
        # argument orders
        ('tf.concat(1, [a, b])', 'tf.concat([a, b], 1)'),
        ('tf.concat(concat_dim=1, values=v)', 'tf.concat(axis=1, values=v)'),
        ('tf.concat([a, b], 1)', 'tf.concat([a, b], 1)'),
        ('tf.concat(values, axis)', 'tf.concat(values, axis)'),
        ('tf.split(1, 2, x)', 'tf.split(axis=1, num_or_size_splits=2, value=x)'),
        ('tf.split(x, 2, 1)', 'tf.split(x, 2, 1)'), ('tf.reverse(x, [False, True])', 'tf.reverse(x, [1])'),
        ('tf.op_scope([x], name, "f")', 'tf.name_scope(name, "f", values=[x])'),
        ('tf.image.resize_images(x, 64, 32)', 'tf.image.resize_images(x, [64, 32])'),
        (
            'tf.nn.sigmoid_cross_entropy_with_logits(a, b)',
            'tf.nn.sigmoid_cross_entropy_with_logits(logits=a, labels=b)',
        ),
        (
            'tf.nn.sigmoid_cross_entropy_with_logits(logits=a, targets=b)',
            'tf.nn.sigmoid_cross_entropy_with_logits(logits=a, labels=b)',
        ),
        ('tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")', 'tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME")'),
        ('x.tostring()', 'x.tobytes()'),
        ('tf.get_variable("w", [3, n / 2])', 'tf.get_variable("w", [3, n // 2])'), ('n / 2', 'n / 2'),
        ('x.get_shape()[1] / 2', 'x.get_shape()[1] // 2'),
        ('tf.flags.DEFINE_integer("n", 1e5, "")', 'tf.flags.DEFINE_float("n", 1e5, "")'),
        ('tf.contrib.metrics.accuracy', 'tf.metrics.accuracy'),
    ],
)
def test_a_call_is_written_as_it_is_today(tmp_path, old, new):
    assert converted(tmp_path, TF + old + '\n')[0] == NOW + new + '\n'


@pytest.mark.parametrize('old, new', [
    ('tf.contrib.layers.batch_norm(x)', 'helpers.contrib_layers.batch_norm(x)'),
    ('tf.layers.conv2d(x, 3, 3)', 'helpers.layers.conv2d(x, 3, 3)'),
    ('slim = tf.contrib.slim\nslim.conv2d(x, 3, 3)', 'slim = helpers.slim\nslim.conv2d(x, 3, 3)'),
    ('tf.nn.conv2d_transpose(x, w, s, t)', 'helpers.nn.conv2d_transpose(x, w, s, t)'),
    ('tf.nn.conv2d(x, w, s, p, data_format="NCHW")', 'helpers.nn.conv2d(x, w, s, p, data_format="NCHW")'),
    ('tf.nn.rnn_cell.LSTMCell(8)', 'helpers.rnn.LSTMCell(8)'),
    ('tf.contrib.framework.get_or_create_global_step()', 'helpers.framework.get_or_create_global_step()'),
    ('print(FLAGS.__flags)', 'print(helpers.flag_values(FLAGS))'),
    ('FLAGS._parse_flags()', 'helpers.parse_flags(FLAGS)'),
    ('tf.train.ExponentialMovingAverage(0.9)', 'helpers.ExponentialMovingAverage(0.9)'),
])
def test_what_has_no_modern_name_comes_from_the_helpers(tmp_path, old, new):
    assert converted(tmp_path, TF + old + '\n')[0] == HELP + new + '\n'


@pytest.mark.parametrize('old, new', [
    ('import tensorflow.contrib.slim as slim', 'from legacy.helpers import slim'),
    ('from tensorflow.contrib import layers', 'from legacy.helpers import contrib_layers as layers'),
    ('from tensorflow.examples.tutorials.mnist import input_data', 'from legacy.helpers import input_data'),
    ('from scipy import misc', 'from legacy.helpers import scipy_misc as misc'),
    ('from tensorflow.contrib.layers.python.layers import batch_norm as bn',
     'from legacy import helpers\nbn = helpers.contrib_layers.batch_norm'),
    ('from keras.datasets import mnist', 'from legacy import helpers\nmnist = helpers.keras_datasets.mnist'),
    ('from tensorflow.contrib.learn.python.learn.datasets.mnist import read_data_sets',
     'from legacy import helpers\nread_data_sets = helpers.input_data.datasets.mnist.read_data_sets'),
    ('import tensorflow.compat.v1 as tf', 'import tensorflow.compat.v1 as tf'),
    ('from tensorflow.python.framework import ops', 'from tensorflow.python.framework import ops'),
])
def test_an_import_keeps_the_name_that_the_script_uses(tmp_path, old, new):
    assert converted(tmp_path, old + '\n')[0] == new + '\n'


def test_a_package_imported_for_its_path_is_rewritten_at_its_uses(tmp_path):
    old = 'import numpy as np\nimport scipy.misc\nx = scipy.misc.imread("a").astype(np.float)\n'
    assert converted(tmp_path, old)[0] == (
        'import numpy as np\nfrom legacy import helpers\nx = helpers.scipy_misc.imread("a").astype(float)\n')


def test_names_that_only_look_like_tensorflow_are_left_alone(tmp_path):
    old = 'def f(tf, np):\n    return tf.mul(np.float, tf.contrib.layers.batch_norm)\n'
    assert converted(tmp_path, old)[0] == old


def test_names_from_a_star_import_are_followed(tmp_path):
    new, _ = converted(
        tmp_path, 'from ops import *\ny = tf.mul(slim.flatten(x), tf.contrib.layers.flatten(x))\n',
        ops='import tensorflow as tf\nimport tensorflow.contrib.slim as slim\n',
    )
    assert new == ('from ops import *\nfrom legacy import helpers\n'
                   'y = tf.multiply(slim.flatten(x), helpers.contrib_layers.flatten(x))\n')


def test_comments_and_layout_stay(tmp_path):
    old = '''\
        #!/usr/bin/env python
        """What it is."""
        import tensorflow as tf   # graph mode

        # the net
        def net(x,   y):

            # both
            z = tf.mul( x,
                        y )     # product
            return z            # done
        # the end
        '''
    new, _ = converted(tmp_path, old)
    expected = (
        textwrap.dedent(old)
        .replace(
            'import tensorflow as tf   # graph mode',
            'import tensorflow.compat.v1 as tf\ntf.disable_v2_behavior()   # graph mode',
        )
        .replace('tf.mul(', 'tf.multiply(')
    )
    assert new == expected


def test_a_comment_above_a_dropped_import_stays(tmp_path):
    new, _ = converted(tmp_path, '# division as in 3\nfrom __future__ import division\nimport os\n')
    assert new == '# division as in 3\nimport os\n'
    assert converted(tmp_path, 'from __future__ import division\n\n\nimport os\n')[0] == 'import os\n'


PYTHON2 = '''\
    import cPickle, random
    import tensorflow as tf
    HALF = 64 / 16

    def net(n, d, x):
        print "n", n / 2, n / 2., len(d) / 2
        for k in d.keys()[:n / 2]:
            print(d.has_key(k))
        try:
            n /= 3
        except Exception, e:
            raise ValueError, e
        return map(lambda v: v.next(), d.itervalues()), cPickle.load(open("x", "rb"))
    '''


def test_python2_keeps_its_meaning(tmp_path):
    new, notes = converted(tmp_path, PYTHON2)
    assert 'HALF = 64 // 16' in new
    assert 'print("n", helpers.div(n, 2), n / 2., len(d) // 2)' in new
    assert 'list(d.keys())[:n // 2]' in new
    assert 'print(k in d)' in new
    assert 'n = helpers.div(n, 3)' in new
    assert 'except Exception as e:' in new and 'raise ValueError(e)' in new
    assert '[next(v) for v in iter(d.values())]' in new
    assert 'pickle.load(open("x", "rb"), encoding=\'latin1\')' in new
    lines = new.splitlines()
    looks = {note.line for note in notes if note.look and 'helpers.div' in note.text}
    assert looks == {n for n, line in enumerate(lines, 1) if 'helpers.div' in line}


def test_true_division_is_kept_where_the_file_asked_for_it(tmp_path):
    new, _ = converted(tmp_path, 'from __future__ import division\nprint "x"\ny = 1 / 2 + n / m\n')
    assert 'y = 1 / 2 + n / m' in new


def test_the_language_is_that_of_the_files_that_work_together(tmp_path):
    made = project(tmp_path, a='import b\nx = 1 / 2\n', b='print "x"\n', other='x = 1 / 2\n')
    texts = {path: convert.convert_text(made, path, rewrite) for path in made.paths}
    assert 'x = 1 // 2' in texts['a.py'] and texts['other.py'] == 'x = 1 / 2\n'


def test_modules_that_the_script_puts_on_its_path_belong_to_it(tmp_path):
    made = project(
        tmp_path,
        {
            'main': 'import sys\nsys.path.append("lib")\nfrom nets_of_mine import *\n'
                    'tf.mul(1, 2)\nprint "x"\n',
            'lib/__init__': '',
            'lib/nets_of_mine': 'import layers_of_mine\nimport tensorflow as tf\ny = 1 / 2\n',
            'lib/layers_of_mine': '',
        },
    )
    assert convert.convert_text(made, 'lib/nets_of_mine.py',
                                rewrite) == 'import layers_of_mine\n' + NOW + 'y = 1 // 2\n'
    assert 'tf.multiply(1, 2)' in convert.convert_text(made, 'main.py', rewrite)


def test_siblings_of_a_python2_package_get_their_dot(tmp_path):
    made = project(
        tmp_path,
        {
            'main': 'from models.gan import GAN\nprint "x"\n', 'models/__init__': '',
            'models/base': 'Base = int\n',
            'models/gan': 'import base\nfrom ops import lrelu\nimport os\nGAN = base.Base\n',
            'models/ops': 'lrelu = 1\n',
        },
    )
    assert convert.convert_text(made, 'models/gan.py', rewrite) == (
        'from . import base\nfrom .ops import lrelu\nimport os\nGAN = base.Base\n')
    assert 'from models.gan import GAN' in convert.convert_text(made, 'main.py', rewrite)


def test_a_missing_library_that_nothing_uses_is_dropped_and_one_in_use_is_held(tmp_path):
    new, notes = converted(
        tmp_path,
        TF + 'import no_such_one\nimport no_such_two.part as part\n'
        'try:\n    import no_such_three\nexcept ImportError:\n    pass\nprint(part.x)\n',
    )
    assert 'no_such_one' not in new
    assert "part = helpers.library('no_such_two.part')" in new
    assert 'import no_such_three' in new
    assert {note.library for note in notes if note.library} == {'no_such_two'}


def test_a_missing_library_is_used_where_a_star_import_brings_it(tmp_path):
    made = project(tmp_path, {'script': 'from util import *\nprint(no_such_one.x)\n',
                              'util': TF + 'import no_such_one\nimport no_such_two\n'})
    assert convert.convert_text(made, 'util.py', rewrite) == HELP + \
                                "no_such_one = helpers.library('no_such_one')\n"


def test_what_is_gone_for_good_is_reported_with_its_line(tmp_path):
    new, notes = converted(
        tmp_path, TF + '\nx = tf.contrib.crf.crf_decode(y)\nz = tf.no_such(x)\nopen("/home/me/data")\n')
    said = {note.line: note.text for note in notes if note.look}
    assert 'tf.contrib.crf.crf_decode is gone' in said[4]
    assert "tf.no_such is not in today's TensorFlow" in said[5]
    assert 'absolute path /home/me/data' in said[6]
    assert new.splitlines()[3].startswith('x = tf.contrib.crf')


def test_tensorflow2_files_are_left_as_they_are(tmp_path):
    made = project(
        tmp_path, new='import tensorflow as tf\n@tf.function\ndef f(x):\n    return tf.mul(x, x)\n'
    )
    assert convert.convert_text(made, 'new.py', rewrite) == made.texts['new.py']
    assert 'TensorFlow 2 already: new.py (tf.function)' in convert.report(made, 'x')


SCRIPT = '''\
    # A 2016 script in Python 2: a dense net with batch norm on a gradient it reports.
    import numpy as np
    import tensorflow as tf
    from tensorflow.contrib.layers import batch_norm
    slim = tf.contrib.slim
    flags = tf.app.flags
    flags.DEFINE_integer("steps", 3, "steps")
    flags.DEFINE_float("size", "6", "a string default")
    FLAGS = flags.FLAGS

    def net(x, size):
        h = slim.fully_connected(x, size / 2, scope="fc")
        h = batch_norm(h, scale=True, scope="bn", updates_collections=None)
        return tf.concat(1, [h, tf.mul(h, 2.0)])

    def main(_):
        print sorted(FLAGS.__flags.items())
        tf.set_random_seed(1)
        x = tf.placeholder(tf.float32, [4, 2])
        logits = net(x, int(FLAGS.size))
        loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits, tf.ones_like(logits)))
        tf.get_variable_scope().reuse_variables()
        step = tf.train.AdamOptimizer(0.1).minimize(loss)
        with tf.Session() as sess:
            sess.run(tf.initialize_all_variables())
            for i in xrange(FLAGS.steps):
                _, value = sess.run([step, loss], {x: np.ones([4, 2], np.float)})
                print "step %d loss %.4f" % (i, value)
            print map(lambda v: v.op.name, tf.trainable_variables())

    if __name__ == "__main__":
        tf.app.run()
    '''


def command(*args, cwd, **env):
    return subprocess.run([sys.executable, *map(str, args)], cwd=cwd, capture_output=True, text=True,
                          env={**os.environ, **env}, timeout=900)


def test_the_commands_of_the_page_convert_a_repository_that_then_trains(tmp_path, monkeypatch):
    page = pathlib.Path(ROOT, 'docs', 'migrating.md').read_text(encoding='utf-8')
    convert_line = re.search(r'^python -m legacy convert (.+)$', page, re.M).group(1).split()
    run_line = re.search(r'^cd (\S+) && python (.+)$', page, re.M)
    shutil.copytree(os.path.join(ROOT, 'tests', 'legacy_project'), tmp_path / 'old',
                    ignore=shutil.ignore_patterns('__pycache__'))
    (tmp_path / 'digits').mkdir()
    for n in range(8):
        imageio.imwrite(tmp_path / 'digits' / f'{n}.png', np.full([28, 28], 30 * n, np.uint8))
    monkeypatch.chdir(tmp_path / 'old')
    assert convert.main(convert_line) == 0
    result = command(*run_line.group(2).split(), '--epoch', 1, '--data_dir', tmp_path / 'digits',
                     cwd=os.path.join(tmp_path, 'old', run_line.group(1)), PYTHONPATH=ROOT)
    assert result.returncode == 0, result.stderr
    losses = re.findall(r'd_loss: ([\d.]+), g_loss: ([\d.]+)', result.stdout)
    assert losses and all(0 < float(loss) < 10 for pair in losses for loss in pair)


def test_a_converted_script_runs_with_plain_python(tmp_path):
    (tmp_path / 'old.py').write_text(textwrap.dedent(SCRIPT))
    assert convert.main([str(tmp_path / 'old.py'), str(tmp_path / 'new' / 'script.py')]) == 0
    report = (tmp_path / 'new' / 'CONVERSION.md').read_text()
    assert 'It was Python 2 (old.py: line 17: print statement)' in report
    assert re.search(r'line 23: tf.nn.sigmoid_cross_entropy_with_logits\(a, b\)', report)
    result = command('script.py', '--steps', 5, cwd=tmp_path / 'new', PYTHONPATH=ROOT)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "[('size', 6.0), ('steps', 5)]"
    losses = [float(line.split()[-1]) for line in lines[1:6]]
    # (labels, logits) swapped would be negative
    assert losses == sorted(losses, reverse=True) and losses[0] < 2
    assert min(losses) > 0
    assert lines[6] == "['fc/weights', 'fc/biases', 'bn/beta', 'bn/gamma']"


def test_a_folder_is_converted_whole(tmp_path, capsys):
    source = tmp_path / 'old'
    project(source, main=TF + 'import util\ntf.mul(1, 2)\n', util='print "x"\n', broken='def f(:\n')
    (source / 'README.md').write_text('read me')
    (source / 'data').mkdir()
    (source / 'data' / 'a.txt').write_text('1')
    (source / '.git').mkdir()
    (source / '.git' / 'HEAD').write_text('x')
    before = {path: path.read_bytes() for path in source.rglob('*') if path.is_file()}
    assert convert.main([str(source), str(tmp_path / 'new')]) == 1
    out, err = capsys.readouterr()
    assert 'converted 2 file(s)' in out and 'broken.py: not converted: line 1' in err
    names = sorted(str(path.relative_to(tmp_path / 'new'))
                   for path in (tmp_path / 'new').rglob('*') if path.is_file())
    assert names == ['CONVERSION.md', 'README.md', 'broken.py', 'data/a.txt', 'main.py', 'util.py']
    assert '## Not converted' in (tmp_path / 'new' / 'CONVERSION.md').read_text()
    assert {path: path.read_bytes() for path in source.rglob('*') if path.is_file()} == before
    assert sorted(os.listdir(tmp_path)) == ['new', 'old']


@pytest.mark.parametrize('source, target, said', [
    ('none', 'new', 'none: no such file or folder'),
    ('a.ipynb', 'new.py', 'python -m legacy run'),
    ('a.py', 'there.py', 'there.py: exists already'),
    ('folder', 'folder/new', 'lies inside'),
    ('empty', 'new', 'no Python files'),
])
def test_a_mistake_is_said_in_one_line_and_leaves_nothing(tmp_path, source, target, said):
    (tmp_path / 'a.py').write_text('x = 1\n')
    (tmp_path / 'there.py').write_text('x = 1\n')
    (tmp_path / 'a.ipynb').write_text('{}')
    (tmp_path / 'empty').mkdir()
    project(tmp_path / 'folder', a='x = 1\n')
    before = sorted(tmp_path.rglob('*'))
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        convert.main([str(tmp_path / source), str(tmp_path / target)])
    assert '\n' not in str(caught.value)
    assert sorted(tmp_path.rglob('*')) == before


def test_without_libcst_it_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / 'a.py').write_text('x = 1\n')
    monkeypatch.setitem(sys.modules, 'libcst', None)
    monkeypatch.delitem(sys.modules, 'legacy.rewrite')
    monkeypatch.delattr('legacy.rewrite')
    with pytest.raises(UserError, match='pip install -r requirements-legacy.txt'):
        convert.main([str(tmp_path / 'a.py'), str(tmp_path / 'b.py')])


def test_a_source_in_another_encoding_says_what_it_is_now(tmp_path):
    (tmp_path / 'old.py').write_bytes('# -*- coding: latin-1 -*-\nx = u"\xe9"\n'.encode('latin-1'))
    convert.main([str(tmp_path / 'old.py'), str(tmp_path / 'new.py')])
    assert (tmp_path / 'new.py').read_text(encoding='utf-8') == '# -*- coding: utf-8 -*-\nx = u"\xe9"\n'
