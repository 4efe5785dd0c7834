"""tf.estimator and slim's data pipeline as `python -m legacy run` restores them, and whole scripts."""
import functools
import os
import subprocess
import sys

import numpy as np
import pytest

from legacy_running import ROOT, legacy
from tf1 import tf
from legacy.tf1 import contrib_gan
from legacy.tf1 import estimator as est
from legacy.tf1 import gan_estimator
from legacy.tf1 import slim_data

X = np.arange(10, dtype='float32').reshape(10, 1)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default():
        yield


def line(features, labels, mode, params):
    """y = w x, by gradient descent."""
    w = tf.get_variable('w', initializer=params.get('start', 0.0))
    y = w * features
    if mode == est.ModeKeys.PREDICT:
        return est.EstimatorSpec(mode, predictions={'y': y, 'x': features})
    loss = tf.reduce_mean(tf.square(y - labels))
    train_op = tf.train.GradientDescentOptimizer(0.01).minimize(loss, tf.train.get_global_step())
    return est.EstimatorSpec(mode, loss=loss, train_op=train_op,
                             eval_metric_ops={'largest': tf.metrics.mean(tf.reduce_max(labels))})


def inputs(epochs=None, batch=5, shuffle=False):
    return est.inputs.numpy_input_fn(X, 3 * X[:, 0:1], batch, epochs, shuffle)


def batches(input_fn):
    tensors, found = input_fn(), []
    with tf.Session() as session:
        try:
            while True:
                found.append(session.run(tensors))
        except tf.errors.OutOfRangeError:
            return found


def test_trains_evaluates_and_predicts(tmp_path):
    model = est.Estimator(line, str(tmp_path), params={'start': 1.0})
    assert model.latest_checkpoint() is None
    assert model.evaluate(inputs(1))['loss'] == pytest.approx((4 * X ** 2).mean())
    model.train(inputs(), steps=1)
    w = 1 + 0.01 * 2 * 2 * (X[:5] ** 2).mean()
    assert model.get_variable_value('w') == pytest.approx(w)
    found = model.evaluate(inputs(1))
    assert found == pytest.approx({'loss': ((3 - w) ** 2 * X ** 2).mean(), 'largest': (12 + 27) / 2,
                                   'global_step': 1}, rel=1e-5)
    assert model.evaluate(inputs(1), steps=1)['largest'] == 12
    predicted = list(model.predict(inputs(1), predict_keys='y'))
    assert [list(p) for p in predicted] == [['y']] * 10
    assert np.array([p['y'] for p in predicted]) == pytest.approx(w * X)
    whole = list(model.predict(inputs(1), yield_single_examples=False))
    assert [len(batch['x']) for batch in whole] == [5, 5]
    model.train(inputs(), max_steps=3).train(inputs(), max_steps=3)
    assert model.get_variable_value('global_step') == 3
    assert {'eval', 'checkpoint', 'graph.pbtxt', 'model.ckpt-3.index'} <= set(os.listdir(tmp_path))


def test_input_ends_training_and_data_sets_are_inputs(tmp_path):
    model = est.Estimator(line, str(tmp_path))

    def data(params):
        assert params == {}
        return tf.data.Dataset.from_tensor_slices((X, 3 * X)).shuffle(10).batch(4)

    model.train(data)
    assert model.get_variable_value('global_step') == 3
    model.train(functools.partial(lambda params: data({}), params='bound'), steps=1)
    assert model.get_variable_value('global_step') == 4
    with pytest.raises(ValueError, match='both steps and max_steps'):
        model.train(data, steps=1, max_steps=1)


def test_warm_start_takes_variables_of_another_checkpoint(tmp_path):
    est.Estimator(line, str(tmp_path / 'first'), params={'start': 7.0}).train(inputs(), steps=1)
    first = est.Estimator(line, str(tmp_path / 'first')).get_variable_value('w')
    second = est.Estimator(line, str(tmp_path / 'second'), warm_start_from=str(tmp_path / 'first'))
    second.train(inputs(), steps=1)
    assert second.get_variable_value('w') == pytest.approx(
        first + 0.01 * 2 * (3 - first) * (X[:5] ** 2).mean(), rel=1e-5)
    assert second.get_variable_value('global_step') == 1


@pytest.mark.parametrize('mode, arguments, message', [
    ('train', dict(loss=1.0), 'Missing train_op'), ('train', dict(train_op=1), 'Missing loss'),
    ('eval', {}, 'Missing loss'), ('infer', {}, 'Missing predictions'), ('test', {}, 'Mode not recognized'),
    ('eval', dict(loss=[1.0, 2.0]), 'Loss must be scalar'),
])
def test_a_spec_lacks_nothing_its_mode_needs(mode, arguments, message):
    with pytest.raises(ValueError, match=message):
        est.EstimatorSpec(mode, **arguments)


def test_configuration():
    config = est.RunConfig()
    config._model_dir = 'logs'
    assert (config.save_checkpoints_secs, config.save_checkpoints_steps, config.is_chief) == (600, None, True)
    other = config.replace(save_checkpoints_steps=10, model_dir='m')
    assert (other.save_checkpoints_secs, other.save_checkpoints_steps, other.model_dir) == (None, 10, 'm')
    assert config.model_dir == 'logs'
    with pytest.raises(ValueError, match='cannot be both set'):
        est.RunConfig(save_checkpoints_steps=1, save_checkpoints_secs=1)
    with pytest.raises(ValueError, match='Replacing is_chief is not supported'):
        config.replace(is_chief=False)
    with pytest.raises(ValueError, match='does not include params'):
        est.Estimator(lambda features: None, 'm', params={'a': 1})
    with pytest.raises(ValueError, match='different values'):
        est.Estimator(line, 'a', config=other)


def test_arrays_run_on_from_epoch_to_epoch():
    found = batches(est.inputs.numpy_input_fn({'a': X, 'b': X[:, 0]}, X[:, 0] + 1, 4, 2, False))
    assert [len(labels) for _, labels in found] == [4] * 5
    assert np.concatenate([labels for _, labels in found]).tolist() == list(range(1, 11)) * 2
    assert all(np.array_equal(f['a'][:, 0], f['b']) and np.array_equal(f['b'] + 1, y) for f, y in found)
    mixed = np.concatenate(batches(est.inputs.numpy_input_fn(X[:, 0], batch_size=3, shuffle=True)))
    assert sorted(mixed) == X[:, 0].tolist() and mixed.tolist() != X[:, 0].tolist()
    with pytest.raises(ValueError, match='shuffle must be provided'):
        est.inputs.numpy_input_fn(X)
    with pytest.raises(ValueError, match='mismatched'):
        est.inputs.numpy_input_fn(X, X[:3], shuffle=False)()


def test_train_and_evaluate_evaluates_checkpoints_and_exports_the_last(tmp_path):
    model = est.Estimator(line, str(tmp_path), est.RunConfig(save_checkpoints_steps=2))
    steps = []

    class Listener(tf.train.CheckpointSaverListener):
        def after_save(self, session, global_step_value):
            steps.append(int(global_step_value))

    def receiver():
        x = tf.placeholder(tf.float32, [None, 1])
        return est.inputs.ServingInputReceiver(x, {'x': x})

    results, exported = est.train_and_evaluate(
        model, est.TrainSpec(inputs(), max_steps=5, saving_listeners=[Listener()]),
        est.EvalSpec(inputs(1), throttle_secs=0, name='held_out',
                     exporters=est.FinalExporter('last', receiver)))
    assert results['global_step'] == 5 and steps[-1] == 5 and len(steps) > 2
    assert (tmp_path / 'eval_held_out').is_dir()
    with tf.Session(graph=tf.Graph()) as session:
        loaded = tf.saved_model.load(session, ['serve'], exported[0].decode())
        signature = loaded.signature_def['serving_default']
        value = session.run(signature.outputs['y'].name, {signature.inputs['x'].name: [[2.0]]})
    assert value == pytest.approx(2 * model.get_variable_value('w'))


# ---- GAN estimators ----------------------------------------------------------------------------------------

def linear(name, x, size):
    return tf.matmul(x, tf.get_variable(name, [x.shape[1], size], initializer=tf.ones_initializer()))


def test_gan_estimator_trains_both_networks_and_adds_their_losses(tmp_path):
    modes = []

    def generator(z, mode):
        modes.append(mode)
        return linear('g', z, 1)

    gan = gan_estimator.GANEstimator(
        str(tmp_path), generator, lambda x, z: linear('d', x, 1), lambda model: tf.reduce_mean(
            -model.discriminator_gen_outputs), contrib_gan.losses.wasserstein_discriminator_loss,
        tf.train.GradientDescentOptimizer(0.5), lambda: tf.train.GradientDescentOptimizer(0.25),
        get_eval_metric_ops_fn=lambda model: {'real': tf.metrics.mean(model.real_data)})

    def pairs():
        return tf.fill([4, 2], 1.0), tf.fill([4, 1], 3.0)

    # G(z) = 2: the generator's weights move by 0.5 d = 0.5, then G(z) = 3 and d by 0.25 (3 - 3) = 0
    gan.train(pairs, max_steps=1)
    assert gan.get_variable_value('Generator/g').tolist() == [[1.5], [1.5]]
    assert gan.get_variable_value('Discriminator/d').tolist() == [[1]]
    assert gan.evaluate(pairs, steps=1) == {
        'generator_loss': -3, 'discriminator_loss': 0, 'loss': -3, 'real': 3, 'global_step': 1}
    assert next(gan.predict(lambda: tf.fill([1, 2], 2.0))) == 6
    assert modes == ['train', 'eval', 'infer']
    with pytest.raises(ValueError, match='generator_loss_fn must be callable'):
        gan_estimator.GANEstimator('m', generator, generator)


def test_stargan_estimator_moves_images_between_domains(tmp_path):
    star = gan_estimator.StarGANEstimator(
        str(tmp_path), lambda x, domains: x * linear('g', domains, 1), lambda x, n: (
            linear('s', x, 1), linear('c', x, n)), contrib_gan.stargan_loss,
        tf.train.AdamOptimizer(), tf.train.AdamOptimizer())
    values = [[1.0, 2.0], [3.0, 4.0]]
    star.train(lambda: (tf.constant(values), tf.one_hot([0, 1], 2)), max_steps=1)
    moved = next(star.predict(lambda: ((tf.constant(values), tf.one_hot([0, 1], 2)), None),
                              yield_single_examples=False))
    weights = star.get_variable_value('Generator/g')
    assert moved == pytest.approx(np.array(values) * weights)


# ---- slim's data pipeline ----------------------------------------------------------------------------------

def example(**features):
    def feature(value):
        if isinstance(value, bytes):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        if isinstance(value[0], float):
            return tf.train.Feature(float_list=tf.train.FloatList(value=value))
        return tf.train.Feature(int64_list=tf.train.Int64List(value=value))
    return tf.train.Example(features=tf.train.Features(
        feature={name: feature(value) for name, value in features.items()})).SerializeToString()


def test_examples_are_read_decoded_and_batched(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (7, 4, 5, 3), dtype=np.uint8)
    with tf.Session() as session:
        encoded = [session.run(tf.image.encode_png(image)) for image in images]
    for n in range(2):
        with tf.python_io.TFRecordWriter(str(tmp_path / f'part-{n}')) as writer:
            for number in range(n, 7, 2):
                raw = number == 6
                writer.write(example(image=images[6].tobytes() if raw else encoded[number],
                                     form=b'raw' if raw else b'png', label=[number]))
    decoder = slim_data.TFExampleDecoder(
        {'image': tf.FixedLenFeature((), tf.string), 'form': tf.FixedLenFeature((), tf.string),
         'label': tf.FixedLenFeature([1], tf.int64)},
        {'image': slim_data.Image('image', 'form', shape=[4, 5, 3]),
         'label': slim_data.Tensor('label', shape=[])})
    dataset = slim_data.Dataset(str(tmp_path / 'part-*'), tf.TFRecordReader, decoder, 7, {}, num_classes=7)
    assert dataset.num_classes == 7
    provider = slim_data.DatasetDataProvider(dataset, num_epochs=1, common_queue_min=1)
    assert sorted(provider.list_items()) == ['image', 'label', 'record_key'] and provider.num_samples() == 7
    queue = slim_data.prefetch_queue(provider.get(['image', 'label']), capacity=3)
    image, label = queue.dequeue()
    assert image.shape == (4, 5, 3)
    found = {}
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        with slim_data.QueueRunners(session):
            for _ in range(7):
                pixels, number = session.run([image, label])
                found[int(number)] = pixels
    assert sorted(found) == list(range(7))
    assert all(np.array_equal(found[n], images[n]) for n in range(7))
    with pytest.raises(ValueError, match='No data files found'):
        slim_data.get_data_files(str(tmp_path / 'none-*'))


def test_handlers_of_examples():
    serialized = example(ymin=[0.1], xmin=[0.2], ymax=[0.5], xmax=[0.75], sizes=[2, 3], values=list(range(6)))
    variable = {name: tf.VarLenFeature(tf.float32) for name in ('ymin', 'xmin', 'ymax', 'xmax')}
    whole = {name: tf.VarLenFeature(tf.int64) for name in ('sizes', 'values', 'absent')}
    decoder = slim_data.TFExampleDecoder({**variable, **whole}, {
        'box': slim_data.BoundingBox(),
        'table': slim_data.Tensor('values', shape_keys='sizes'),
        'backup': slim_data.BackupHandler(slim_data.Tensor('absent'), slim_data.Tensor('sizes')),
        'sum': slim_data.ItemHandlerCallback(['values'], lambda d: tf.reduce_sum(d['values'].values)),
    })
    items = ['box', 'table', 'backup', 'sum']
    with tf.Session() as session:
        box, table, backup, total = session.run(decoder.decode(tf.constant(serialized), items))
    assert box == pytest.approx(np.array([[0.1, 0.2, 0.5, 0.75]]))
    assert table.tolist() == [[0, 1, 2], [3, 4, 5]] and backup.tolist() == [2, 3] and total == 15


# ---- whole scripts -----------------------------------------------------------------------------------------

def test_a_tfgan_script_runs_unmodified(tmp_path):
    script = ROOT / 'tests' / 'legacy_gan_script.py'
    done = legacy('run', '--explain', script, '--batch_size=16', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert 'trained to step 4' in done.stdout
    for name in ('Generator/embedding [10, 8]', 'Generator/Conv2d_transpose_1/BatchNorm/beta [4]',
                 'Discriminator/fully_connected_1/LayerNorm/gamma [16]'):
        assert f'variable {name}' in done.stdout
    for name in ('tf.contrib.gan.gan_train ', 'tf.contrib.gan.get_joint_train_hooks',
                 'tf.contrib.slim.dataset_data_provider'):
        assert name in done.stderr
    assert 'Starting train step: 2' in done.stderr
    assert tf.train.load_variable(str(tmp_path / 'log'), 'Generator/fully_connected/weights').shape == (8, 32)


def test_an_estimator_script_runs_unmodified(tmp_path):
    done = legacy('run', ROOT / 'tests' / 'legacy_estimator_script.py', '--steps', 6, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ('hook called 6', 'evaluated 6', 'predicted 40 (6, 6, 1) True', 'trained and evaluated 10',
                 "tfgan ['discriminator_loss', 'generator_loss', 'global_step', 'loss']",
                 'tfgan image (6, 6, 1) model_tfgan/model.ckpt-3'):
        assert text in done.stdout, text
    assert "'generator/batch_normalization/moving_mean'" in done.stdout
    assert "'discriminator/dense/kernel'" in done.stdout


def test_scripts_stop_after_session_runs(tmp_path):
    done = legacy('run', '--stop_after', 9, ROOT / 'tests' / 'legacy_estimator_script.py', '--steps', 500,
                  cwd=tmp_path)
    assert done.returncode == 0 and 'stopped after 9 Session.run calls' in done.stderr


def test_check_knows_what_is_restored(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import tensorflow as tf\nfrom tensorflow.contrib import gan as tfgan\n'
                      'tfgan.gan_model\ntfgan.losses.wargs.minimax_generator_loss\n'
                      'tf.estimator.Estimator\ntf.contrib.training.train\n')
    done = legacy('check', script, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    for name in ('tf.contrib.gan.gan_model', 'tf.contrib.gan.losses.wargs.minimax_generator_loss',
                 'tf.estimator.Estimator', 'tf.contrib.training.train'):
        assert f'{name}: restored' in done.stdout
    script.write_text('import tensorflow as tf\ntf.estimator.DNNClassifier\ntf.contrib.gan.nothing\n')
    done = legacy('check', script, cwd=tmp_path)
    assert done.returncode == 1
    for name in ('tf.estimator.DNNClassifier', 'tf.contrib.gan.nothing'):
        assert f'{name}: not restored' in done.stdout


@pytest.mark.parametrize('name, text', [
    ('legacy_gan_script', 'trained to step 4'), ('legacy_estimator_script', 'trained and evaluated 10')])
def test_scripts_run_converted(tmp_path, name, text):
    pytest.importorskip('libcst', reason='convert is optional: pip install -r requirements-legacy.txt')
    done = legacy('convert', ROOT / 'tests' / f'{name}.py', tmp_path / 'new.py', cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert '## To look at\n\nNothing.' in (tmp_path / 'CONVERSION.md').read_text()
    environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
    done = subprocess.run([sys.executable, 'new.py'], cwd=tmp_path, env=environment, capture_output=True,
                          text=True, timeout=300)
    assert done.returncode == 0 and text in done.stdout, done.stderr


def test_the_package_tensorflow_gan_is_contribs(tmp_path):
    script = tmp_path / 'script.py'
    script.write_text('import tensorflow as tf\nimport tensorflow_gan as tfgan\n'
                      'from tensorflow_gan.losses import wargs\nassert tfgan.GANTrainSteps(1, 2)[1] == 2\n'
                      'assert tfgan is not tf and wargs.minimax_generator_loss\n')
    done = legacy('run', script, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert legacy('check', script, cwd=tmp_path).returncode == 0
