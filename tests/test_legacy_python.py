"""The Python and NumPy of 2016: translation in memory, division, vanished methods, pickles; per project,
with the file's own lines.
"""
import ast
import io
import pickle
import shlex
import sys

import numpy as np
import pytest

from legacy import bytes2, numpy1, processes, python2, symbols, translate

PYTHON2 = '''
import cPickle
def show(x, (a, b)=(1, 2)):
    print "x:", x, 0777, 10L, `a`, a <> b
    try:
        raise ValueError, "bad"
    except ValueError, e:
        print >>out, e
    exec "y = 3" in names
    return [k for k, v in {"one": 1}.iteritems() if {1: 2}.has_key(1)]
keys = {"z": 1}.keys()
keys.sort()
halves = map(lambda i: i / 2, range(4))
'''


def run(source, python2_mode, path_map=(), **names):
    """The globals after running `source` as a module of an old project."""
    code, _ = translate.compile_source(source, 'old.py', python2_mode, path_map)
    scope = {'__builtins__': python2.make_builtins(python2_mode, __import__, python2.Runtime()), **names}
    exec(code, scope)
    return scope


def test_python_2_syntax_runs(capsys):
    out, names = io.StringIO(), {}
    scope = run(PYTHON2.replace('import cPickle\n', ''), True, out=out, names=names)
    assert scope['show'](5) == ['one']
    assert capsys.readouterr().out == 'x: 5 511 10 1 True\n'
    assert out.getvalue() == 'bad\n' and names['y'] == 3
    assert scope['keys'] == ['z'] and scope['halves'] == [0, 0, 1, 1]


def test_translation_keeps_line_numbers():
    source = 'x = 1\nprint "a"\n\n\ndef f():\n    print "b"\n    return x <> 2\n'
    tree, reason = translate.parse(source, 'old.py')
    assert reason == 'line 2: print statement'
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Return)] == [7]


def test_tabs_are_eight_columns_wide():
    scope = run('if True:\n        x = 1\n\ty = 2\n', True)
    assert (scope['x'], scope['y']) == (1, 2)


def test_a_file_that_is_no_python_at_all_keeps_its_error():
    with pytest.raises(SyntaxError) as error:
        translate.parse('x = (1,\n', 'old.py')
    assert error.value.lineno == 1


@pytest.mark.parametrize('source, expected', [('x = 7 / 2', 3), ('x = -7 / 2', -4), ('x = 7 / 2.0', 3.5),
                                              ('x = 7\nx /= 2', 3),
                                              ('from __future__ import division\nx = 7 / 2', 3.5),
                                              ('x = round(2.5)', 3.0), ('x = zip([1], [2])', [(1, 2)]),
                                              ('x = range(3)', [0, 1, 2]),
                                              ('x = sorted([1, 3, 2], cmp=lambda a, b: b - a)', [3, 2, 1]),
                                              ('x = unicode("a") + "b"', 'ab'),
                                              ('x = reduce(lambda a, b: a + b, xrange(4))', 6),
                                              ('x = iter([5]).next()', 5), ('x = "abc".decode("utf-8")',
                                                                            'abc')])
def test_meanings_of_python_2(source, expected):
    assert run(source, True)['x'] == expected


def test_integer_arrays_divide_to_integers_in_python_2_only():
    assert run('y = x / 2', True, x=np.array([3, 4]))['y'].tolist() == [1, 2]
    assert run('y = x / 2', False, x=np.array([3, 4]))['y'].tolist() == [1.5, 2.0]


def test_a_quotient_is_a_float_and_an_index():
    scope = run('j = 13 / 4\nh = j * 8\nlength = len([0] * (9 / 2))\nrow = x[h]\nlast = x[: 7 / 2]', False,
                x=list(range(50)))
    assert scope['j'] == 3.25 and scope['h'] == 26.0
    # 13 // 4 · 8, as Python 2 placed it
    assert scope['row'] == 24 and scope['length'] == 4 and scope['last'] == [0, 1, 2]
    assert (np.ones(2, np.float32) * scope['j']).dtype == np.float32
    assert np.zeros([scope['j'], 2]).shape == (3, 2)


def test_floats_are_indices_of_arrays_as_in_numpy_1():
    scope = run('one_hot[i, labels[i]] = 1\nrow = table[labels[0]:labels[2]:step]\nall = table[labels]\n'
                'named = {}\nnamed[labels[1]] = "b"\nfound = named[2.0], named[labels[1]]', False,
                one_hot=np.zeros([2, 4]), labels=np.array([1.0, 2.0, 3.9]), i=1, step=np.float32(1),
                table=np.arange(10, 20))
    assert scope['one_hot'].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]
    assert scope['row'].tolist() == [11, 12] and scope['all'].tolist() == [11, 12, 13]
    assert scope['found'] == ('b', 'b')


def test_one_element_arrays_print_and_convert_as_numbers():
    scope = run('a = "%.2f %d" % (x, x)\nb = int(x)\nc = float(x)\nd = 7 % 4', False, x=np.array([[2.5]]))
    assert scope['a'] == '2.50 2' and scope['b'] == 2 and scope['c'] == 2.5 and scope['d'] == 3


def test_text_goes_into_binary_files_in_python_2(tmp_path):
    path = str(tmp_path / 'a.csv')
    run('f = open(path, "wb")\nf.write("a,1\\n")\nf.writelines(["b", b"c"])\nf.close()\n'
        'f = open(path, "a+b")\nf.write(u"\u00e9")\nf.close()', True, path=path)
    assert (tmp_path / 'a.csv').read_bytes() == b'a,1\nbc\xc3\xa9'
    run('f = open(path, "w")\nf.write(data)\nf.writelines(["end"])\nf.close()', True, path=path,
        data=bytes(range(256)))
    assert (tmp_path / 'a.csv').read_bytes() == bytes(range(256)) + b'end'


def test_strings_of_a_session_go_with_text_in_python_2(tmp_path):
    import collections
    import os
    pair = collections.namedtuple('Pair', 'path rest')
    got = bytes2.wrapped(pair(b'in/a.jpg', {'all': np.array([[b'x', 1]], object), 'loss': np.float32(1)}))
    name, extension = os.path.splitext(os.path.basename(got.path))
    assert name + '-outputs' + '.png' == 'a-outputs.png' and 'to ' + name == 'to a' and extension == '.jpg'
    assert os.path.join('out', name + '.png') == 'out/a.png' and '%s %s' % (name, 1) == 'a 1'
    assert got.path.split('/')[-1].endswith('.jpg') and 'a.' in got.path and {'a': 1}[name] == 1
    assert got.rest['all'][0, 0] == 'x' and got.rest['all'][0, 1] == 1 and got.rest['loss'] == 1
    assert type(pickle.loads(pickle.dumps(got.path))) is bytes and repr([name]) == "['a']"
    picture = bytes2.wrapped(bytes(range(256)))
    (tmp_path / 'a').write_bytes(picture)
    assert (tmp_path / 'a').read_bytes() == bytes(range(256)) and np.frombuffer(picture, np.uint8)[255] == 255


def test_random_takes_any_seed():
    import datetime
    import random
    seed, day = python2.stdlib(symbols.SYMBOLS['random.seed']), datetime.date(2018, 8, 11)
    seed(day)
    first = random.random()
    seed(day)
    assert random.random() == first
    seed(7)
    assert random.random() == random.Random(7).random()


def test_python_scripts_are_started_as_this_one(monkeypatch):
    monkeypatch.setattr(processes, 'OPTIONS', ['--stop_after', '3'])
    start = ['env', f'PYTHONPATH={processes.ROOT}', sys.executable, '-m', 'legacy', 'run', '--stop_after',
             '3']
    monkeypatch.delenv('PYTHONPATH', raising=False)
    text = shlex.join(start)
    for command, expected in ((['python', 'a/main.py', '--x', '1'], start + ['a/main.py', '--x', '1']),
                              (('/usr/bin/python2.7', '-u', 'main.py'), start + ['main.py']),
                              (['python3', '-m', 'a.train'], start + ['-m', 'a.train']),
                              (['python', '-c', 'print(1)'], [sys.executable, '-c', 'print(1)']),
                              (['ls', 'main.py'], ['ls', 'main.py']),
                              ('CUDA_VISIBLE_DEVICES=0 python main.py --x && ls',
                               f'CUDA_VISIBLE_DEVICES=0 {text} main.py --x && ls'),
                              ('mkdir python; ./run_python main.py', 'mkdir python; ./run_python main.py')):
        assert processes.old_python(command) == expected


def test_methods_are_put_back_only_where_they_are_gone():
    class Own:
        def has_key(self, key):
            return 'own'
    scope = run('a = o.has_key(1)\nb = x.tostring()\nc = d.has_key(2)', False, o=Own(), x=np.array([1],
                                                                                                   np.uint8),
                d={2: 3})
    assert (scope['a'], scope['b'], scope['c']) == ('own', b'\x01', True)
    with pytest.raises(AttributeError, match='iteritems'):
        run('x.iteritems()', False, x=3)


def test_paths_are_mapped_by_whole_components():
    scope = run('a = "/data/celebA/1.jpg"\nb = "/data/celebAHQ"\nc = "/data/celebA"', False, [('/data/celebA',
                                                                                               'here/faces')])
    assert (scope['a'], scope['b'], scope['c']) == ('here/faces/1.jpg', '/data/celebAHQ', 'here/faces')


def test_a_bare_except_lets_the_stop_through():
    with pytest.raises(python2.StopRun):
        run('try:\n    raise Stop()\nexcept:\n    pass', False, Stop=python2.StopRun)


def project(tmp_path, files):
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    script = str(tmp_path / 'main.py')
    return translate.python2_evidence(translate.project_files(script, [str(tmp_path)]), [str(tmp_path)])


def test_one_python_2_file_decides_for_the_project(tmp_path):
    assert 'print statement' in project(tmp_path, {'main.py': 'import tools\nx = 1 / 2\n',
                                                   'tools.py': 'print "a"\n'})


def test_an_implicit_relative_import_is_python_2(tmp_path):
    evidence = project(tmp_path, {'main.py': 'from net import gan\n', 'net/__init__.py': '',
                                  'net/gan.py': 'import base\n', 'net/base.py': ''})
    assert evidence.endswith('implicit relative import of base')


@pytest.mark.parametrize('source',
                         ['try:\n    import cPickle\nexcept ImportError:\n    import pickle as cPickle\n',
                          'from six.moves import xrange\nfor i in xrange(3): pass\n',
                          'import six\nfor k in six.iteritems({}): pass\n',
                          'try:\n    xrange\nexcept NameError:\n    xrange = range\n',
                          'print("a")\nx = 4 / 2\n'])
def test_what_python_3_also_runs_is_python_3(tmp_path, source):
    assert project(tmp_path, {'main.py': source}) is None


def test_pickles_of_python_2_opened_as_text(tmp_path):
    array = np.arange(3, dtype=np.float32)
    data = b"(dp0\nS'x'\np1\nS'\\xe9'\np2\ns."                            # {'x': '\xe9'} written by Python 2
    (tmp_path / 'two.pkl').write_bytes(data + pickle.dumps(array, protocol=2))
    with open(tmp_path / 'two.pkl', errors='surrogateescape') as file:
        assert python2.pickle_load(file) == {'x': '\xe9'}
        assert python2.pickle_load(file).tolist() == [0, 1, 2]


def test_numpy_1_takes_ragged_lists_generators_and_float_sizes():
    assert numpy1.array([[1, 2], [3]]).dtype == object
    assert numpy1.array([np.array([1.0]), np.array([2.0])], dtype=float).ravel().tolist() == [1.0, 2.0]
    assert numpy1.array([300, -1], dtype=np.uint8).tolist() == [44, 255]
    assert numpy1.vstack(row for row in [[1, 2], [3, 4]]).tolist() == [[1, 2], [3, 4]]
    assert numpy1.zeros((2.0, 3)).shape == (2, 3) and len(numpy1.linspace(0, 1, 5.0)) == 5
    assert numpy1.fromstring(b'\x01\x02', np.uint8).tolist() == [1, 2]
    assert (numpy1.float, numpy1.int, numpy1.bool, numpy1.rank([[1]])) == (float, int, bool, 2)


LISTS = """
import random
pairs = zip([1, 2, 3], 'abc')
sizes = len(pairs), pairs[-1], len(list(pairs)), len(list(pairs))
doubled = map(lambda x: 2 * x, [3, 1, 2])
doubled.sort()
first = {'only': 1}.keys()[0]
joined = [0] + filter(None, [0, 5])
lazy = zip([1, 2], [3, 4])
taken, rest, nothing = next(lazy), list(lazy), list(lazy)
"""


def test_lists_of_python_2_in_a_script_that_python_3_reads():
    scope = run(LISTS, False)
    assert scope['sizes'] == (3, (3, 'c'), 3, 3)
    assert list(scope['doubled']) == [2, 4, 6] and scope['first'] == 'only' and scope['joined'] == [0, 5]
    # an iterator that is used as one stays one
    assert (scope['taken'], scope['rest'], scope['nothing']) == ((1, 3), [(2, 4)], [])


def test_numpy_takes_lists_of_python_2():
    assert numpy1.array(map(int, '123')).tolist() == [1, 2, 3]
    assert numpy1.mean({'a': 1, 'b': 3}.values()) == 2.0 and numpy1.max(zip([1], [5])) == 5
    assert numpy1.reshape(np.arange(4), newshape=[2, 2.0]).shape == (2, 2)


def test_a_pickle_in_a_file_that_nobody_else_holds(tmp_path):
    (tmp_path / 'a.pkl').write_bytes(pickle.dumps([1, 2], 0))
    assert python2.pickle_load(open(tmp_path / 'a.pkl', encoding='latin-1')) == [1, 2]


@pytest.mark.parametrize('source, expected', [
    ('order = range(9)\nnp.random.shuffle(order)', 'order = range(…) as a list'),
    ('dims = range(2) + [3]', 'range(…) as a list'),
    ('order = range(9)\norder = list(order)\nnp.random.shuffle(order)', None),
    ('order = list(range(9))\nnp.random.shuffle(order)', None),
])
def test_ranges_that_were_lists_tell_python_2(source, expected):
    evidence = translate.python2_evidence({'a.py': (ast.parse(source), None)}, ['.'])
    assert (evidence or '').endswith(expected or '') and bool(evidence) == bool(expected)


def test_python_2_orders_values_of_all_types():
    source = ('nothing = None\ntold = [nothing < 0, 3 > nothing, nothing <= None, "1" > 2, [1] < "a", '
              '(1,) > "a", 1 < 2 < 3, nothing >= 1]')
    assert run(source, True)['told'] == [True, True, True, True, True, True, True, False]
    with pytest.raises(TypeError):
        run('None < 0', False)
    with pytest.raises(TypeError):
        run('np.zeros(2) < None', True, np=np)
    assert run('small = np.arange(3) < 2', True, np=np)['small'].tolist() == [True, True, False]


def test_names_in_the_order_of_their_numbers():
    from legacy.absent import natsort
    assert natsort.natsorted(['a10.png', 'a2.png', 'a1.png', '7']) == ['7', 'a1.png', 'a2.png', 'a10.png']
    assert natsort.natsorted([{'n': 'x2'}, {'n': 'x11'}], key=lambda d: d['n'], reverse=True)[0]['n'] == 'x11'


def test_an_array_of_one_number_is_assigned_as_that_number():
    source = """
x, one, rows, objects, table = np.zeros(3), np.array([2.0]), np.zeros((2, 1)), np.zeros(1, object), {}
x[0] = one
x[1:] = one
x[2] += one
rows[1] = one
objects[0] = table[0] = one
"""
    names = run(source, False, np=np)
    assert names['x'].tolist() == [2, 2, 4] and names['rows'].tolist() == [[0], [2]]
    assert names['table'][0] is names['objects'][0] is names['one']
    with pytest.raises(ValueError):
        run('x = np.zeros(3)\ntwo = np.ones(2)\nx[0] = two', False, np=np)
