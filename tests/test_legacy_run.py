"""`python -m legacy run` and `check` as a user types them: our own upstream-style project, small scripts,
a notebook.
"""
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from legacy_running import ROOT, legacy


@pytest.fixture(scope='module')
def project(tmp_path_factory):
    """A copy of legacy_project with 24 small pictures, and two runs of it."""
    folder = tmp_path_factory.mktemp('project')
    shutil.copytree(ROOT / 'tests' / 'legacy_project', folder / 'tiny',
                    ignore=shutil.ignore_patterns('__pycache__'))
    (folder / 'digits').mkdir()
    for n in range(24):
        picture = np.random.RandomState(n).randint(0, 255, (20, 20)).astype(np.uint8)
        Image.fromarray(picture).save(folder / 'digits' / f'{n:03d}.png')
    runs = []
    for _ in range(2):
        runs.append(legacy('run', '--stop_after', 17, '--explain', '--map_path', f'/somewhere/else={folder}',
                           'main.py', '--crop', 'False', '--epoch=2', cwd=folder / 'tiny'))
        assert runs[-1].returncode == 0, runs[-1].stderr
    return folder / 'tiny', runs


def losses(done):
    return re.findall(r'd_loss: ([-\d.]+), g_loss: ([-\d.]+)', done.stdout)


def test_a_whole_project_trains_and_stops_cleanly(project):
    folder, (done, _) = project
    assert len(losses(done)) == 3 and np.isfinite(np.array(losses(done), float)).all()
    assert 'stopped after 17 Session.run calls' in done.stderr
    assert 'Traceback' not in done.stdout + done.stderr
    with Image.open(folder / 'samples' / 'train_00_0000.png') as picture:
        values = np.array(picture)
    # stretched, as scipy.misc.imsave did
    assert values.shape == (32, 64) and (values.min(), values.max()) == (0, 255)
    assert list(folder.glob('checkpoint/tiny-*.index')) and list(folder.glob('logs/events*'))


def test_the_same_seeds_give_the_same_losses(project):
    _, (first, second) = project
    assert losses(first) == losses(second)


def test_the_source_tree_stays_as_it_was(project):
    folder, _ = project
    for path in (ROOT / 'tests' / 'legacy_project').glob('*.py'):
        assert (folder / path.name).read_bytes() == path.read_bytes()
    assert not list(folder.rglob('*.pyc'))


def test_variables_are_listed_as_slim_listed_them(project):
    assert 'discriminator/d_h0/weights:0 (float32_ref 5x5x1x4) [100, bytes: 400]' in project[1][0].stdout


def test_flags_are_the_values_of_the_command_line(project):
    assert "'crop': False" in project[1][0].stdout and "'train_size': inf" in project[1][0].stdout


def test_explain_names_symbols_with_their_places(project):
    text = project[1][0].stderr
    assert re.search(r'ops\.py:\d+: tf\.contrib\.layers\.batch_norm \(legacy\.tf1\.contrib_layers:batch_norm',
                     text)
    assert re.search(r'utils\.py:\d+: scipy\.misc\.imread', text)
    assert re.search(r'model\.py:\d+: tf\.layers\.dense', text)


def test_choices_are_said_once(project):
    text = project[1][0].stderr
    assert text.count('taken as (logits, labels)') == 1
    assert text.count('some_module_nobody_has is not installed') == 1


# ---- scripts without TensorFlow ----------------------------------------------------------------------------

def script(tmp_path, text, name='script.py'):
    (tmp_path / name).write_text(text)
    return name


def test_a_script_is_main_in_its_own_folder(tmp_path):
    (tmp_path / 'errors.py').write_text('WHO = "the script\'s own errors.py"\n')
    (tmp_path / 'sub').mkdir()
    script(tmp_path,
        'import errors, os, sys\nprint(__name__, __file__, sys.argv, os.getcwd())\n'
        'print(errors.WHO, sys.path[0])\n'
        'import __main__\nprint(__main__.__file__)\nsys.exit(7)\n')
    done = legacy('run', '../script.py', '--epoch', '3', '--explain', cwd=tmp_path / 'sub')
    assert done.returncode == 7
    assert done.stdout.splitlines() == [
        f"__main__ ../script.py ['../script.py', '--epoch', '3', '--explain'] {tmp_path / 'sub'}",
        f"the script's own errors.py {tmp_path}", '../script.py']


def test_a_script_may_have_a_module_named_legacy(tmp_path):
    script(tmp_path, 'print "theirs"\nWHO = "own"\n', 'legacy.py')
    (tmp_path / 'elsewhere').mkdir()
    script(tmp_path, 'import legacy\nfrom legacy import WHO\nprint(WHO, legacy.WHO, xrange(2)[1])\n')
    done = legacy('run', '../script.py', cwd=tmp_path / 'elsewhere')
    assert done.stdout.split() == ['theirs', 'own', 'own', '1'], done.stderr


def test_import_module_finds_what_import_statements_find(tmp_path):
    script(tmp_path, '''import importlib
print(importlib.import_module('tensorflow.train').AdamOptimizer.__name__, importlib.import_module('os.path').sep)
for name in ('tensorflow.train.AdamOptimizer', 'nobody_has_this', 'tensorflow.nothing'):
    try:
        importlib.import_module(name)
    except ImportError:
        print(name)
''')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.stdout.split() == ['AdamOptimizer', '/', 'tensorflow.train.AdamOptimizer', 'nobody_has_this',
                                   'tensorflow.nothing'], done.stderr


def test_a_reader_of_files_below_a_gpu_reads_on_the_cpu(tmp_path):
    (tmp_path / 'lines.txt').write_text('one\ntwo\n')
    script(tmp_path, '''import tensorflow as tf
with tf.device('/gpu:0'):
    queue = tf.train.string_input_producer(['lines.txt'], shuffle=False)
    _, line = tf.TextLineReader().read(queue)
    doubled = tf.train.batch([tf.string_join([line, line])], 2)
with tf.Session() as sess:
    coord = tf.train.Coordinator()
    threads = tf.train.start_queue_runners(sess, coord)
    print(*(text.decode() for text in sess.run(doubled)))
    coord.request_stop()
    coord.join(threads)
''')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.stdout.split() == ['oneone', 'twotwo'], done.stderr


def test_a_traceback_has_the_scripts_own_lines_and_no_others(tmp_path):
    script(tmp_path, 'def deep(x):\n    print "about to fail"\n    return {}[x / 2]\n\n\ndeep(7)\n')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 1
    assert re.findall(r'File "(.*?)", line (\d+)', done.stderr) == [('script.py', '6'), ('script.py', '3')]
    assert 'return {}[x / 2]' in done.stderr and 'KeyError: 3' in done.stderr


def test_a_file_that_is_no_python_of_any_time_is_named_with_its_line(tmp_path):
    script(tmp_path, 'def f():\n"""not indented"""\n', 'broken.py')
    script(tmp_path, 'print "two"\nimport broken\n')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 1
    assert [(re.sub('.*/', '', file), line) for file, line in re.findall(
        r'File "(.*?)", line (\d+)', done.stderr)] == [('script.py', '2'), ('broken.py', '2')]
    assert 'IndentationError' in done.stderr and 'During handling' not in done.stderr


def test_downloads_are_refused_with_the_path_that_would_do(tmp_path):
    script(tmp_path,
        'import urllib, os, subprocess\nfrom six.moves import urllib as moved\n'
        'open("there.gz", "w").close()\n'
        'print(urllib.urlretrieve("http://example.com/x", "there.gz")[0])\n'
        'print(os.system("curl http://example.com/y -o got.gz"),\n'
        '      subprocess.call(["wget", "http://example.com/z"]))\n'
        'try:\n    moved.request.urlretrieve("http://example.com/a", "data/a.gz")\n'
        'except Exception as error:\n    print(error)\n'
        'urllib.urlretrieve("http://example.com/x", "missing.gz")\n')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 1
    first, second, third = done.stdout.splitlines()
    assert first == 'there.gz' and second == '1536 6' and f'put the file at {tmp_path}/data/a.gz' in third
    assert f'put the file at {tmp_path}/missing.gz' in done.stderr


FED = """from multiprocessing import Process, Queue
from tensorflow.core.framework import summary_pb2
import numpy as np
import tensorflow as tf
def produce(queue):
    while True:
        queue.put(np.ones([1, 4, 4, 3]))
queue = Queue(maxsize=2)
Process(target=produce, args=(queue,)).start()
image = tf.placeholder(tf.uint8, [1, 4, 4, 3])
real = tf.to_float(image) / 127.5 - 1.0
kernel = tf.Variable(2 * tf.ones([2, 2, 3, 1]))
loss = tf.reduce_mean(tf.abs(tf.nn.conv2d(real, kernel, [1, 2, 2, 1], 'SAME') - 1.0))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    while True:
        value, _ = sess.run([loss, train], {real: queue.get()})
        print(summary_pb2.Summary.Value(simple_value=value).simple_value)
"""


def test_a_tensor_is_fed_without_its_placeholder_and_child_processes_end_with_the_stop(tmp_path):
    script(tmp_path, FED)
    done = legacy('run', '--stop_after', 3, 'script.py', cwd=tmp_path)
    assert done.returncode == 0, done
    # twelve weights of 2 on ones make 24; each step takes a tenth of a one from each weight
    assert [round(float(line), 4) for line in done.stdout.split()] == [23.0, 21.8], done


POLLING = """import time
import tensorflow as tf
sess, seen = tf.Session(), 0
while True:
    if not seen:
        seen = sess.run(tf.constant(7))
    print seen
    time.sleep(0.01)
"""


def test_a_script_that_only_waits_for_a_newer_checkpoint_ends_with_the_stop(tmp_path):
    script(tmp_path, POLLING)
    done = legacy('run', '--stop_after', 1, 'script.py', cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, '7\n7\n7\n') and 'stopped after 1' in done.stderr, done


SAVING = """import tensorflow as tf
step = tf.Variable(0)
more = step.assign_add(1)
sess, saver = tf.Session(), tf.train.Saver()
sess.run(tf.initialize_all_variables())
try:
    while True:
        sess.run(more)
except KeyboardInterrupt:
    print('interrupted')
finally:
    print(saver.save(sess, './model.ckpt', global_step=9))
    sess.run(more)
    print('never reached')
"""


def test_a_script_may_save_what_it_has_trained_when_its_calls_are_used_up(tmp_path):
    script(tmp_path, SAVING)
    done = legacy('run', '--stop_after', 4, 'script.py', cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, './model.ckpt-9\n'), done
    script(tmp_path, "import tensorflow as tf\nprint(tf.train.load_variable('model.ckpt-9', 'Variable'))\n")
    assert legacy('run', 'script.py', cwd=tmp_path).stdout == '3\n'


def test_numbers_of_numpy_in_containers_are_written_as_numbers(tmp_path):
    script(tmp_path, 'import numpy as np\nfrom ast import literal_eval\n'
                     'print(literal_eval(str({tuple(np.uint8([64, 0])): [np.float32(0.5), np.bool_(True)]})))\n')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, '{(64, 0): [0.5, True]}\n'), done


def test_guarded_imports_of_absent_modules_stay_absent(tmp_path):
    script(tmp_path,
           'try:\n    import not_there\nexcept ImportError:\n    not_there = None\nprint(not_there)\n'
           'from nowhere.at.all import Thing\nThing()\n')
    done = legacy('run', 'script.py', cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == 'None\n'
    assert 'line 7' in done.stderr and 'module nowhere is not installed' in done.stderr


@pytest.mark.parametrize('words, message', [(['run', 'none.py'], 'no such file: none.py'), (['run',
                '--stop_after', '0', 'script.py'], '--stop_after 0'), (['run', '--map_path', 'abc',
                'script.py'], 'expected OLD=NEW'), (['check', 'none'], 'no such file or folder: none'), ([
                'walk'], "unknown command 'walk'")])
def test_wrong_usage_is_one_line(tmp_path, words, message):
    script(tmp_path, 'pass\n')
    done = legacy(*words, cwd=tmp_path)
    assert done.returncode in (1, 2) and message in done.stderr and 'Traceback' not in done.stderr


# ---- notebooks ---------------------------------------------------------------------------------------------

def test_a_notebook_runs_its_cells_in_order(tmp_path):
    cells = ['%matplotlib inline\nimport matplotlib.pyplot as plt\nx = 3',
             '!pip install tensorflow\nprint "cell", x / 2', 'plt.plot([1, 2, 3])\nx + 1', '%%bash\nls',
             'def f():\n    return y\nf()']
    book = {'cells': [{'cell_type': 'markdown', 'source': ['# Title']}] + [
        {'cell_type': 'code', 'source': [line + '\n' for line in cell.split('\n')]} for cell in cells]}
    (tmp_path / 'book.ipynb').write_text(json.dumps(book))
    done = legacy('run', 'book.ipynb', cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == 'cell 1\n4\n'
    for line in ('cell 1: skipped %matplotlib inline', 'cell 2: skipped !pip install tensorflow',
                 'cell 4: skipped %%bash'):
        assert line in done.stderr
    assert 'File "book.ipynb cell 5", line 3' in done.stderr and "name 'y' is not defined" in done.stderr
    with Image.open(tmp_path / 'book-figures' / 'cell03-1.png') as picture:
        assert np.array(picture).std() > 0


def test_pylab_in_a_notebook_is_the_imports_it_stands_for(tmp_path):
    cells = ['%pylab inline\nx = linspace(0, 1, 5)\nprint(max(1, 2), sum(x), int(3.5))',
                                          'figure()\nscatter(x, x ** 2)']
    (tmp_path / 'book.ipynb').write_text(json.dumps({'cells': [{'cell_type': 'code', 'source': [cell]}
                                                               for cell in cells]}))
    done = legacy('run', 'book.ipynb', cwd=tmp_path)
    assert done.stdout == '2 2.5 3\n' and (tmp_path / 'book-figures' / 'cell02-1.png').exists(), done


# ---- check -------------------------------------------------------------------------------------------------

CHECKED = """import tensorflow as tf
from tensorflow.contrib import slim, crf
import numpy as np
import scipy.misc as misc
def f(x, y):
    with slim.arg_scope([slim.conv2d]):
        x = slim.conv2d(tf.concat(1, [x, x]), 3, 3)
    loss = tf.nn.sigmoid_cross_entropy_with_logits(x, y)
    named = tf.nn.sigmoid_cross_entropy_with_logits(logits=x, labels=y)
    misc.imsave("a.png", np.float(3))
    return tf.pack([loss, named, tf.reduce_sum(x)]), xrange(3), {}.has_key(1)
"""


def test_check_reports_lines_and_what_runs(tmp_path, monkeypatch, capsys):
    from legacy import check
    monkeypatch.chdir(tmp_path)
    script(tmp_path, CHECKED)
    status = check.main(['script.py', '--json'])
    found = json.loads(capsys.readouterr().out)
    assert {(f['name'], f['line']) for f in found['findings']} == {('tf.contrib.crf', 2),
                                                                   ('tf.contrib.framework.arg_scope', 6),
                                                                   ('tf.contrib.layers.conv2d', 6),
                                                                   ('tf.contrib.layers.conv2d', 7),
                                                                   ('tf.concat', 7),
                                                                   ('tf.nn.sigmoid_cross_entropy_with_logits',
                                                                    8), ('scipy.misc.imsave', 10),
                                                                   ('np.float', 10), ('tf.pack', 11),
                                                                   ('builtins.xrange', 11), ('.has_key', 11)}
    assert found['runs'] and status == 0
    script(tmp_path, 'import tensorflow as tf\nslim = tf.contrib.slim\nlayers = tf.contrib.layers\n',
           'names.py')
    assert check.main(['names.py']) == 0                                  # a package's name alone is no loss
    assert ' 0 use(s)' in capsys.readouterr().out
    script(tmp_path, 'import tensorflow as tf\nloss = tf.contrib.crf.crf_log_likelihood(1, 2, 3)\n',
           'lost.py')
    assert check.main(['lost.py']) == 1
    assert 'lost.py:2: tf.contrib.crf.crf_log_likelihood: not restored' in capsys.readouterr().out


KERAS = """import numpy as np
import tensorflow as tf
from tensorflow.python.keras.layers import InputSpec, Layer
from tensorflow.python.keras.engine.base_layer import Layer as Same
from tensorflow.python.keras import backend as K, constraints, initializers, regularizers
class Clip(constraints.Constraint):
    def __call__(self, w):
        return K.clip(w, -0.25, 0.25)
class Norm(Layer):
    def __init__(self, rule, cost=None, **kwargs):
        super(Norm, self).__init__(**kwargs)
        self.rule, self.cost = constraints.get(rule), regularizers.get(cost)
        self.start = initializers.get('ones')
    def build(self, input_shape):
        self.input_spec = InputSpec(ndim=len(input_shape))
        self.gamma = self.add_weight(shape=(input_shape[-1],), name='gamma', initializer=self.start,
                                     regularizer=self.cost, constraint=self.rule)
        self.built = True
    def call(self, x):
        return (x - K.mean(x, [1], keepdims=True)) / K.std(x, [1], keepdims=True) * self.gamma
x = tf.constant([[1.0, 3.0]])
made = [Norm('non_neg'), Norm(Clip()), Norm('unit_norm', 'l2'),
        tf.keras.layers.Dense(1, kernel_constraint=Clip())]
outs = [layer(x) for layer in made]
loss = tf.add_n([tf.reduce_sum(out) for out in outs])
step = tf.train.GradientDescentOptimizer(2.0).minimize(loss)
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(np.round(sess.run([outs[0], made[2].losses[0]])[0], 4).tolist(), sess.run(made[2].losses[0]))
    sess.run(step)
    print([[round(float(w), 4) + 0.0 for w in np.ravel(sess.run(layer.weights[0]))] for layer in made])
print(Same is Layer, regularizers.serialize(made[2].cost), constraints.get(None))
"""


def test_keras_layers_of_a_scripts_own_have_regularisers_and_constraints(tmp_path):
    script(tmp_path, KERAS)
    done = legacy('run', 'script.py', cwd=tmp_path)
    # normalised, [1, 3] is [-1, 1]: a step of 2 takes gammas of one to [3, -1], before the constraint
    assert done.stdout.splitlines() == [
        '[[-1.0, 1.0]] 0.02',
        '[[3.0, 0.0], [0.25, -0.25], [0.9487, -0.3162], [-0.25, -0.25]]',
        "True {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.01}} None"], done


def test_check_knows_a_functions_own_names_and_a_scripts_second_way(tmp_path, monkeypatch, capsys):
    from legacy import check
    monkeypatch.chdir(tmp_path)
    script(tmp_path, """import tensorflow as tf
from tensorflow.contrib import layers
def edit(lines):
    tf = open('notes')
    tf.write(lines)
    return tf.name
def stack(x, layers):
    layers.append(x)
    return tf.contrib.layers.flatten(x)
try:
    deconv = tf.nn.conv3d_transpose
except AttributeError:
    deconv = tf.nn.deconv3d
""")
    assert check.main(['script.py', '--json']) == 0
    assert [(f['name'], f['line']) for f in json.loads(capsys.readouterr().out)['findings']] == [
        ('tf.contrib.layers.flatten', 9)]


def test_check_sends_tensorflow_2_away(tmp_path, monkeypatch, capsys):
    from legacy import check
    monkeypatch.chdir(tmp_path)
    script(tmp_path, 'import tensorflow as tf\nwith tf.GradientTape() as tape:\n    pass\n', 'new.py')
    assert check.main(['.']) == 1
    assert 'new.py:2: tf.GradientTape: not restored' in capsys.readouterr().out
    script(tmp_path, 'import tensorflow as tf\nx = tf.placeholder(tf.float32)\n', 'old.py')
    assert check.main(['.']) == 0                                     # both kinds: the old ones are meant
    assert check.main(['new.py']) == 1
    script(tmp_path, 'import tensorflow as tf\ntf.random.set_seed(1)\n', 'new.py')
    assert check.main(['.']) == 0
    script(tmp_path, 'import tensorflow as tf\ntf.random.set_seed(1)\nx = tf.placeholder(tf.float32)\n', 'old.py')
    assert check.main(['old.py']) == 1
    assert 'old.py:2: tf.random.set_seed: not restored' in capsys.readouterr().out


def test_packages_that_readmes_put_on_pythonpath_are_found(tmp_path):
    for name, text in {'nets/__init__.py': '', 'nets/tools.py': 'print "tools"\nSIZE = 7 / 2',
                       'jobs/train.py': 'import nets.tools\nprint(nets.tools.SIZE, 9 / 2)'}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for cwd, script in ((tmp_path, 'jobs/train.py'), (tmp_path / 'jobs', 'train.py')):
        done = legacy('run', script, cwd=cwd)
        assert done.stdout == 'tools\n3 4\n', done
        assert 'module nets is taken from' in done.stderr


def test_a_script_of_a_package_may_import_from_its_package(tmp_path):
    (tmp_path / 'net').mkdir()
    (tmp_path / 'net' / '__init__.py').write_text('')
    (tmp_path / 'net' / 'parts.py').write_text('SIZE = 3')
    (tmp_path / 'net' / 'main.py').write_text(
        'from . import parts\nfrom .parts import SIZE\nprint(parts.SIZE + SIZE)'
    )
    done = legacy('run', 'net/main.py', cwd=tmp_path)
    assert done.stdout == '6\n' and 'package net' in done.stderr


def test_a_module_runs_as_with_python_m(tmp_path):
    for folder in ('net', 'net/tools'):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / '__init__.py').write_text(f'print("{folder}")\n')
    (tmp_path / 'net' / 'parts.py').write_text('SIZE = 3')
    (tmp_path / 'net' / 'tools' / 'train.py').write_text(
        'import sys\nfrom net.parts import SIZE\nfrom ..parts import SIZE as same\n'
        'print(__name__, SIZE + same, sys.argv[1:])'
    )
    (tmp_path / 'net' / '__main__.py').write_text('from .tools import train')
    done = legacy('run', '-m', 'net.tools.train', '--epochs', 2, cwd=tmp_path)
    assert done.stdout == "net\nnet/tools\n__main__ 6 ['--epochs', '2']\n", done
    done = legacy('run', '-m', 'net', cwd=tmp_path)
    assert done.stdout == "net\nnet/tools\nnet.tools.train 6 []\n", done
    done = legacy('run', '-m', 'net.absent', cwd=tmp_path)
    assert done.returncode == 1 and 'net/absent.py' in done.stderr and 'Traceback' not in done.stderr


def test_functions_of_data_sets_are_python_2_too(tmp_path):
    (tmp_path / 'train.py').write_text("""
import tensorflow as tf
def halve(x):
    print "size", 7 / 2
    return tf.reshape(x, [7 / 3])
data = tf.data.Dataset.from_tensors([1.0, 2.0]).map(halve).make_one_shot_iterator().get_next()
print tf.Session().run(data)
""")
    done = legacy('run', 'train.py', cwd=tmp_path)
    assert done.stdout == 'size 3\n[1. 2.]\n', done


def test_lists_of_matching_files_are_initialised_with_the_global_variables(tmp_path):
    (tmp_path / 'train.py').write_text("""
import tensorflow as tf
names = tf.train.match_filenames_once('*.py')
with tf.Session() as sess:
    sess.run(tf.global_variables_initializer())
    print(sess.run(names))
""")
    done = legacy('run', 'train.py', cwd=tmp_path)
    assert "[b'./train.py']" in done.stdout or "[b'train.py']" in done.stdout, done
