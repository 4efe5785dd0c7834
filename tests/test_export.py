import os
import subprocess
import sys

import numpy as np
import pytest

import export
import main
from errors import UserError
from sampling import draw_z
from test_sampling import make_run, make_sampler, settings, show
from tf1 import tf


@pytest.fixture(scope='module')
def sampler():
    with make_sampler(settings(batch_size=10)) as made:
        yield made


@pytest.fixture(scope='module')
def digits():
    """The conditional, sigmoid system."""
    with make_sampler(settings('mnist', y_dim=3, c_dim=1, gfc_dim=4, dfc_dim=4)) as made:
        yield made


def feeds(sampler, count=7):
    """(z, y or None)."""
    z = draw_z('uniform_signed', count, sampler.cfg.z_dim, 0)
    return z, np.eye(3, dtype=np.float32)[np.arange(count) % 3] if sampler.y is not None else None


def test_the_exported_checkpoint_is_read_by_a_plain_saver(sampler, tmp_path):
    prefix, _ = export.export(sampler, str(tmp_path), 1234, say=lambda line: None)
    assert prefix == str(tmp_path / 'export_b10' / 'model.b10-1234')
    assert tf.train.latest_checkpoint(str(tmp_path / 'export_b10')) == prefix
    with make_sampler(sampler.cfg) as other, other.graph.as_default():
        other.sess.run(tf.global_variables_initializer())
        tf.train.Saver().restore(other.sess, prefix)
        z, _ = feeds(sampler)
        assert np.abs(other.images(z) - sampler.images(z)).max() <= 1e-5
        assert np.abs(other.scores(z) - sampler.scores(z)).max() <= 1e-5


@pytest.mark.parametrize('kind', ['sampler', 'digits'])
def test_a_saved_model_has_named_signatures_that_give_the_same_images(kind, tmp_path, request):
    sampler = request.getfixturevalue(kind)
    export.write_saved_model(sampler, str(tmp_path / 'model'))
    z, y = feeds(sampler)
    images = sampler.images(z, y)
    with tf.Graph().as_default(), tf.Session() as sess:
        loaded = tf.saved_model.load(sess, [tf.saved_model.tag_constants.SERVING], str(tmp_path / 'model'))
        assert sorted(loaded.signature_def) == ['discriminate', 'generate', 'serving_default']

        def run(name, **feed):
            signature = loaded.signature_def[name]
            assert set(signature.inputs) == set(feed)
            return sess.run({key: info.name for key, info in signature.outputs.items()},
                            {signature.inputs[key].name: value for key, value in feed.items()})

        labels = {} if y is None else {'y': y}
        for name in ('generate', 'serving_default'):
            assert np.abs(run(name, z=z, **labels)['images'] - images).max() <= 1e-5
        judged = run('discriminate', images=images, **labels)
    scores = sampler.scores(z, y)
    assert np.abs(judged['logits'][:, 0] - scores).max() <= 1e-4
    assert np.abs(judged['score'][:, 0] - 1 / (1 + np.exp(-scores))).max() <= 1e-5


@pytest.mark.parametrize('kind, output', [('sampler', 'generator_1/Tanh'), ('digits', 'generator_1/Sigmoid')])
def test_a_frozen_graph_goes_from_z_to_the_last_node(kind, output, tmp_path, request):
    sampler = request.getfixturevalue(kind)
    said = []
    path = export.freeze(sampler, str(tmp_path), 42, said.append)
    batch = sampler.cfg.batch_size
    assert path == str(tmp_path / f'frozen_b{batch}' / f'model.b{batch}-000042_frz.pb')
    assert output in said[0] and 'feed z' in said[0]
    z, y = feeds(sampler)
    with open(path, 'rb') as file:
        definition = tf.GraphDef.FromString(file.read())
    assert not any('Variable' in node.op or 'VarHandle' in node.op for node in definition.node)
    assert not any('discriminator' in node.name for node in definition.node)
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.import_graph_def(definition, name='')
        images = sess.run(f'{output}:0', {'z:0': z} if y is None else {'z:0': z, 'y:0': y})
    assert np.abs(images - sampler.images(z, y)).max() <= 1e-5


READER = '''
import sys
import numpy as np
import tensorflow as tf                 # as it comes: eager, nothing of ours
saved_model, frozen, feeds, images = sys.argv[1:]
z, expected = np.load(feeds), np.load(images)
made = tf.saved_model.load(saved_model).signatures['generate'](z=tf.constant(z))['images'].numpy()
definition = tf.compat.v1.GraphDef.FromString(open(frozen, 'rb').read())
with tf.Graph().as_default() as graph, tf.compat.v1.Session() as sess:
    tf.import_graph_def(definition, name='')
    again = sess.run('generator_1/Tanh:0', {'z:0': z})
print(float(abs(made - expected).max()), float(abs(again - expected).max()))
'''


def test_the_command_exports_what_a_program_without_our_code_can_run(tmp_path, capsys):
    cfg = make_run(tmp_path)
    assert show(tmp_path, '--export', '--freeze', '--batch_size', 10) == 0
    out = capsys.readouterr().out
    folder = tmp_path / 'run' / 'checkpoint'
    assert (folder / 'export_b10' / 'model.b10-20.index').exists()
    assert 'generate: z [None, 5] -> images [None, 8, 12, 3]' in out and 'generator_1/Tanh' in out
    assert os.listdir(tmp_path / 'run' / 'samples') == []
    with make_sampler(cfg) as made:
        z, _ = feeds(made)
        np.save(tmp_path / 'z.npy', z)
        np.save(tmp_path / 'images.npy', made.images(z))
    result = subprocess.run(
        [sys.executable, '-c', READER, str(folder / 'export_b10' / 'saved_model'),
         str(folder / 'frozen_b10' / 'model.b10-000020_frz.pb'), str(tmp_path / 'z.npy'), str(tmp_path / 'images.npy')],
        cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert max(map(float, result.stdout.split())) <= 1e-5


def test_the_export_is_a_checkpoint_for_our_own_commands(tmp_path, capsys):
    make_run(tmp_path)
    assert show(tmp_path, '--export', '--batch_size', 10) == 0
    assert show(tmp_path) == 0
    picture = (tmp_path / 'run' / 'samples' / 'test_20.png').read_bytes()
    capsys.readouterr()
    assert main.main(['--checkpoint_dir', str(tmp_path / 'run' / 'checkpoint' / 'export_b10'), '--out_dir', str(tmp_path / 'out'),
                      '--output_height', '8', '--output_width', '12', '--z_dim', '5', '--gf_dim', '2', '--df_dim', '2']) == 0
    path = next(line for line in capsys.readouterr().out.split() if line.endswith('test_20.png:')).rstrip(':')
    assert open(path, 'rb').read() == picture


def test_a_second_export_takes_the_place_of_the_first(sampler, tmp_path):
    for step in (1, 2):
        export.export(sampler, str(tmp_path), step, say=lambda line: None)
    export.write_saved_model(sampler, str(tmp_path / 'export_b10' / 'saved_model'))
    assert sorted(os.listdir(tmp_path / 'export_b10')) == [
        'checkpoint', 'model.b10-2.data-00000-of-00001', 'model.b10-2.index', 'saved_model']


@pytest.mark.parametrize('write', [export.write_saved_model, export.write_frozen,
                                   lambda sampler, path: export.export(sampler, path, 1, say=lambda line: None)])
def test_a_place_that_cannot_be_written_is_one_line(sampler, tmp_path, write):
    (tmp_path / 'file').write_text('in the way')
    with pytest.raises(UserError) as error:
        write(sampler, str(tmp_path / 'file' / 'model'))
    assert 'cannot be' in str(error.value) and '\n' not in str(error.value)
    assert os.listdir(tmp_path) == ['file']


def test_a_failed_export_keeps_the_older_one(sampler, tmp_path, monkeypatch):
    path = str(tmp_path / 'saved_model')
    export.write_saved_model(sampler, path)
    before = sorted(os.listdir(path))

    def full(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(UserError, match='No space left'):
        export.write_saved_model(sampler, path)
    assert os.listdir(tmp_path) == ['saved_model'] and sorted(os.listdir(path)) == before
