"""A script in the style of DCGAN-tensorflow's main.py, on what its users import: model, ops and utils."""
import glob
import os
import types

import numpy as np
import pytest
from PIL import Image

from config import VISUALIZE_OPTIONS
from errors import UserError
from model import DCGAN
from ops import *  # noqa: F401,F403
from utils import *  # noqa: F401,F403
from tf1 import tf

BATCH, Z_DIM = 4, 5


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    """data_dir with one data set `faces`: 9 small JPEG files of smooth colours."""
    folder = tmp_path_factory.mktemp('data')
    (folder / 'faces').mkdir()
    rng = np.random.default_rng(0)
    for number in range(9):
        small = rng.integers(0, 256, (3, 4, 3), dtype=np.uint8)
        Image.fromarray(small).resize((24, 20), Image.Resampling.BILINEAR).save(
            folder / 'faces' / f'{number}.jpg', quality=95)
    return folder


def flags(folder, faces, **changes):
    """What FLAGS were in upstream's main.py, its folders joined."""
    run = os.path.join(str(folder), 'run')
    return types.SimpleNamespace(
        **{
            **dict(
                epoch=2, learning_rate=0.001, beta1=0.5, train_size=np.inf, batch_size=BATCH, dataset='faces',
                data_dir=str(faces), out_dir=run, checkpoint_dir=os.path.join(run, 'checkpoint'),
                sample_dir=os.path.join(run, 'samples'), sample_freq=2, ckpt_freq=2, max_to_keep=1,
                z_dim=Z_DIM, z_dist='uniform_signed', G_img_sum=False,
            ),
            **changes,
        }
    )


def make_dcgan(sess, FLAGS, **arguments):
    return DCGAN(
        sess,
        **{
            **dict(
                input_width=16, input_height=16, output_width=12, output_height=8,
                batch_size=FLAGS.batch_size, sample_num=FLAGS.batch_size, z_dim=FLAGS.z_dim, gf_dim=2,
                df_dim=2, dataset_name=FLAGS.dataset, input_fname_pattern='*.jpg', crop=True,
                checkpoint_dir=FLAGS.checkpoint_dir, sample_dir=FLAGS.sample_dir, data_dir=FLAGS.data_dir,
                out_dir=FLAGS.out_dir, max_to_keep=FLAGS.max_to_keep,
            ),
            **arguments,
        },
    )


@pytest.fixture(scope='module')
def script(faces, tmp_path_factory):
    """A model whose networks and optimisers a script runs by hand."""
    FLAGS = flags(tmp_path_factory.mktemp('script'), faces)
    with tf.Graph().as_default(), tf.Session() as sess:
        dcgan = make_dcgan(sess, FLAGS)
        # as upstream's train(): the optimisers are made before the variables are initialised
        dcgan.d_optim, dcgan.g_optim
        yield sess, dcgan, FLAGS


def batch_of(dcgan, FLAGS):
    files = sorted(glob.glob(os.path.join(FLAGS.data_dir, FLAGS.dataset, '*.jpg')))[:FLAGS.batch_size]
    images = [
        get_image(
            name, dcgan.input_height, dcgan.input_width, dcgan.output_height, dcgan.output_width,
            dcgan.crop,  # noqa: F405
            dcgan.grayscale,
        )
        for name in files
    ]
    return np.array(images).astype(np.float32)


def test_attributes_are_those_of_the_constructor(script):
    sess, dcgan, FLAGS = script
    assert dcgan.sess is sess
    assert (dcgan.input_height, dcgan.input_width, dcgan.output_height, dcgan.output_width) == (16, 16, 8, 12)
    assert (dcgan.batch_size, dcgan.sample_num, dcgan.z_dim,
            dcgan.y_dim, dcgan.c_dim) == (BATCH, BATCH, Z_DIM, None, 3)
    assert (dcgan.gf_dim, dcgan.df_dim, dcgan.gfc_dim, dcgan.dfc_dim) == (2, 2, 1024, 1024)
    assert (dcgan.dataset_name, dcgan.input_fname_pattern, dcgan.crop,
            dcgan.grayscale) == ('faces', '*.jpg', True, False)
    assert (dcgan.data_dir, dcgan.out_dir) == (FLAGS.data_dir, FLAGS.out_dir)
    assert (dcgan.checkpoint_dir, dcgan.sample_dir, dcgan.max_to_keep) == (
        FLAGS.checkpoint_dir, FLAGS.sample_dir, 1)
    assert dcgan.model_dir == 'faces_4_8_12'
    assert dcgan.y is None
    assert all(variable.name.startswith('discriminator/d_') for variable in dcgan.d_vars)
    assert all(variable.name.startswith('generator/g_') for variable in dcgan.g_vars)


def test_tensors_have_upstreams_shapes_and_meaning(script):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    feed = {dcgan.inputs: batch_of(dcgan, FLAGS), dcgan.z: np.random.default_rng(
        0).uniform(-1, 1, (BATCH, Z_DIM))}
    G, sampler, D, D_logits, D_, D_logits_ = sess.run(
        [dcgan.G, dcgan.sampler, dcgan.D, dcgan.D_logits, dcgan.D_, dcgan.D_logits_], feed)
    assert G.shape == sampler.shape == (BATCH, 8, 12, 3) and np.abs(G).max() <= 1
    assert D.shape == D_.shape == (BATCH, 1)
    assert np.allclose(D, 1 / (1 + np.exp(-D_logits)), atol=1e-6) and np.allclose(D_,
                       1 / (1 + np.exp(-D_logits_)), atol=1e-6)
    real, fake, d_loss, g_loss, D_logits, D_logits_ = sess.run(
        [dcgan.d_loss_real, dcgan.d_loss_fake, dcgan.d_loss, dcgan.g_loss, dcgan.D_logits, dcgan.D_logits_],
        feed,
    )
    softplus = lambda x: np.log1p(np.exp(x)).mean()
    assert np.isclose(real, softplus(-D_logits), atol=1e-6) and np.isclose(fake,
                      softplus(D_logits_), atol=1e-6)
    assert np.isclose(d_loss, real + fake, atol=1e-6) and np.isclose(g_loss, softplus(-D_logits_), atol=1e-6)


def test_the_networks_can_be_called_on_anything(script):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    count = len(tf.trainable_variables())
    images = tf.placeholder(tf.float32, [None, 8, 12, 3])
    probability, logits = dcgan.discriminator(images, reuse=True)
    made = dcgan.generator(tf.constant(np.ones((6, Z_DIM), np.float32)))
    assert len(tf.trainable_variables()) == count
    values = sess.run([probability, logits, dcgan.D_logits], {
                      images: batch_of(dcgan, FLAGS), dcgan.inputs: batch_of(dcgan, FLAGS)})
    assert np.allclose(values[1], values[2], atol=1e-5) and np.allclose(values[0],
                       1 / (1 + np.exp(-values[1])), atol=1e-6)
    assert sess.run(made).shape == (6, 8, 12, 3)


def test_optimisers_run_one_by_one_and_move_their_own_network(script):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    feed = {dcgan.inputs: batch_of(dcgan, FLAGS), dcgan.z: np.random.default_rng(
        0).uniform(-1, 1, (BATCH, Z_DIM))}
    moving = [variable for variable in tf.global_variables() if '/moving_' in variable.name]

    def changed(op, feed, variables):
        before = sess.run(variables)
        sess.run(op, feed)
        return [not np.array_equal(old, new) for old, new in zip(before, sess.run(variables))]

    before = sess.run(dcgan.d_loss, feed)
    for _ in range(10):
        assert all(changed(dcgan.d_optim, feed, dcgan.d_vars))
    assert sess.run(dcgan.d_loss, feed) < before
    assert not any(changed(dcgan.d_optim, feed, dcgan.g_vars))
    before = sess.run(dcgan.g_loss, feed)
    for _ in range(10):
        assert all(changed(dcgan.g_optim, {dcgan.z: feed[dcgan.z]}, dcgan.g_vars))
    assert sess.run(dcgan.g_loss, feed) < before
    assert not any(changed(dcgan.g_optim, feed, dcgan.d_vars))
    # else the sampler would show a network that nobody trained
    assert all(changed(dcgan.d_optim, feed, moving))
    assert not any(changed(dcgan.sampler, feed, moving))


def test_sampler_takes_any_number_of_z(script):
    sess, dcgan, _ = script
    sess.run(tf.global_variables_initializer())
    assert sess.run(dcgan.sampler, {dcgan.z: np.zeros((7, Z_DIM))}).shape == (7, 8, 12, 3)


def test_save_and_load_give_the_same_model_back(script, tmp_path, capsys):
    sess, dcgan, _ = script
    sess.run(tf.global_variables_initializer())
    z = np.random.default_rng(0).uniform(-1, 1, (3, Z_DIM))
    before = sess.run(dcgan.sampler, {dcgan.z: z})
    dcgan.save(str(tmp_path / 'saved'), 123)
    assert (tmp_path / 'saved' / 'model.b4-123.index').exists()
    sess.run(tf.global_variables_initializer())
    assert dcgan.load(str(tmp_path / 'saved')) == (True, 123)
    assert ' [*] Success to read model.b4-123' in capsys.readouterr().out
    assert np.array_equal(sess.run(dcgan.sampler, {dcgan.z: z}), before)
    assert dcgan.load(str(tmp_path / 'nothing')) == (False, 0)
    assert ' [*] Failed to find a checkpoint' in capsys.readouterr().out
    assert not (tmp_path / 'nothing').exists()


def test_save_frozen_writes_a_graph_from_z_to_tanh(script, tmp_path):
    sess, dcgan, _ = script
    sess.run(tf.global_variables_initializer())
    z = np.random.default_rng(0).uniform(-1, 1, (3, Z_DIM))
    dcgan.save(str(tmp_path), 7, ckpt=False, frozen=True)
    assert os.listdir(tmp_path) == ['model.b4-000007_frz.pb']
    definition = tf.GraphDef.FromString((tmp_path / 'model.b4-000007_frz.pb').read_bytes())
    with tf.Graph().as_default(), tf.Session() as other:
        tf.import_graph_def(definition, name='')
        frozen = other.run('generator_1/Tanh:0', {'z:0': z})
    assert np.abs(frozen - sess.run(dcgan.sampler, {dcgan.z: z})).max() <= 1e-5


def test_train_writes_where_upstream_did_and_goes_on_where_it_stopped(faces, tmp_path, capsys):
    FLAGS = flags(tmp_path, faces)
    z = np.random.default_rng(0).uniform(-1, 1, (3, Z_DIM))
    with tf.Graph().as_default(), tf.Session() as sess:
        dcgan = make_dcgan(sess, FLAGS)
        show_all_variables()  # noqa: F405
        dcgan.train(FLAGS)
        images = sess.run(dcgan.sampler, {dcgan.z: z})
    steps = -(-9 * 2 // BATCH)
    assert os.path.exists(os.path.join(FLAGS.checkpoint_dir, f'model.b4-{steps}.index'))
    assert os.path.exists(os.path.join(FLAGS.sample_dir, f'train_{steps:08d}.png'))
    assert os.path.isdir(os.path.join(FLAGS.out_dir, 'logs'))
    assert 'd_loss' in capsys.readouterr().out
    with tf.Graph().as_default(), tf.Session() as sess:
        dcgan = make_dcgan(sess, FLAGS)
        assert dcgan.load(FLAGS.checkpoint_dir) == (True, steps)
        assert np.array_equal(sess.run(dcgan.sampler, {dcgan.z: z}), images)
        dcgan.train(flags(tmp_path, faces, epoch=3))
        more = -(-9 * 3 // BATCH)
        assert dcgan.load(FLAGS.checkpoint_dir) == (True, more)
        assert not np.array_equal(sess.run(dcgan.sampler, {dcgan.z: z}), images)


def test_no_data_is_said_with_folder_and_pattern(faces, tmp_path):
    FLAGS = flags(tmp_path, faces)
    with tf.Graph().as_default(), tf.Session() as sess:
        with pytest.raises(UserError, match=r'\*\.bmp'):
            make_dcgan(sess, FLAGS, input_fname_pattern='*.bmp')
        with pytest.raises(UserError, match='no folder'):
            make_dcgan(sess, FLAGS, dataset_name='nobody')
    assert os.listdir(tmp_path) == []


WALKS = {0: 'test_*.png', 1: 'test_arange_*.png',
    2: 'test_gif_*.gif', 3: 'test_gif_*.gif', 4: 'test_gif_*.gif'}


@pytest.mark.parametrize('option', [0, 1, 2, 3, 4, 'walk_gif'])
def test_visualize_writes_what_each_option_names(script, tmp_path, option):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    np.random.seed(3)
    visualize(sess, dcgan, FLAGS, option, str(tmp_path))  # noqa: F405
    number = VISUALIZE_OPTIONS.index(option) if isinstance(option, str) else option
    expected = {0: 1, 1: Z_DIM, 2: Z_DIM, 3: Z_DIM, 4: Z_DIM + 1}[number]
    written = glob.glob(str(tmp_path / WALKS[number]))
    assert len(written) == expected == len(os.listdir(tmp_path))
    for path in written:
        with Image.open(path) as picture:
            grid = path.endswith('png')
            assert picture.size == ((24, 16) if grid else (36, 16) if 'merged' in path else (12, 8))


def test_two_grids_of_one_second_are_two_files(script, tmp_path):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    for _ in range(3):
        visualize(sess, dcgan, FLAGS, 0, str(tmp_path))  # noqa: F405
    assert len(os.listdir(tmp_path)) == 3


def test_visualize_repeats_with_numpys_seed_and_refuses_other_options(script, tmp_path):
    sess, dcgan, FLAGS = script
    sess.run(tf.global_variables_initializer())
    pictures = []
    for folder in ('a', 'b'):
        np.random.seed(5)
        visualize(sess, dcgan, FLAGS, 1, str(tmp_path / folder))  # noqa: F405
        pictures.append((tmp_path / folder / 'test_arange_0.png').read_bytes())
    assert pictures[0] == pictures[1]
    with pytest.raises(UserError, match='0 to 4'):
        visualize(sess, dcgan, FLAGS, 5, str(tmp_path))  # noqa: F405


def test_old_helpers_work_on_what_the_session_returns(script, tmp_path):
    sess, dcgan, _ = script
    sess.run(tf.global_variables_initializer())
    samples = sess.run(dcgan.sampler, {dcgan.z: np.random.default_rng(0).uniform(-1, 1, (4, Z_DIM))})
    save_images(samples, image_manifold_size(len(samples)), str(tmp_path / 'x.png'))  # noqa: F405
    shown = imread(str(tmp_path / 'x.png'))  # noqa: F405
    assert np.abs(shown - merge(inverse_transform(samples), [2, 2]) * 255).max() <= 0.51  # noqa: F405
    make_gif(samples, str(tmp_path / 'x.gif'), duration=1)  # noqa: F405
    assert Image.open(tmp_path / 'x.gif').size == (12, 8)


def test_ops_build_upstreams_variables():
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        x, y = tf.ones([2, 7, 5, 3]), tf.ones([2, 1, 1, 4])
        h = lrelu(batch_norm(name='bn')(conv2d(conv_cond_concat(x, y), 6, name='c')))  # noqa: F405
        h, w, b = deconv2d(h, [2, 7, 5, 2], name='d', with_w=True)  # noqa: F405
        out = linear(tf.reshape(h, [2, -1]), 3, 'l')  # noqa: F405
        sess.run(tf.global_variables_initializer())
        assert sess.run(concat([out, out], 1)).shape == (2, 6)  # noqa: F405
        names = {variable.op.name: variable.shape.as_list() for variable in tf.global_variables()}
    assert names == {
        'c/w': [5, 5, 7, 6], 'c/biases': [6], 'bn/beta': [6], 'bn/gamma': [6], 'bn/moving_mean': [6],
        'bn/moving_variance': [6], 'd/w': [5, 5, 2, 6], 'd/biases': [2], 'l/Matrix': [70, 3], 'l/bias': [3],
    }
    assert w.op.name == 'd/w' and b.op.name == 'd/biases'
