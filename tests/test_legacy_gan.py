"""tf.contrib.gan as `python -m legacy run` restores it: names, values against NumPy, the schedule."""
import numpy as np
import pytest
import scipy.linalg

from tf1 import tf
from legacy.tf1 import contrib_gan as tfgan
from legacy.tf1 import contrib_layers as layers
from legacy.tf1 import gan_eval, gan_features, gan_losses, gan_metrics, learning

RNG = np.random.default_rng(3)
REAL = RNG.normal(size=(6, 1)).astype('float32')
FAKE = RNG.normal(size=(6, 1)).astype('float32')
WEIGHTS = np.array([[1], [2], [0], [1], [0.5], [1]], 'float32')
CLASSES = np.eye(3, dtype='float32')[[0, 1, 2, 0, 1, 2]]
REAL_CLASSES = RNG.normal(size=(6, 3)).astype('float32')
FAKE_CLASSES = RNG.normal(size=(6, 3)).astype('float32')


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        yield graph


def evaluate(*tensors, runs=1):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
        for _ in range(runs):
            values = session.run(tensors)
    return values if len(values) > 1 else values[0]


def softplus(x):
    return np.log1p(np.exp(x))


def cross_entropy(labels, logits):
    """Of a sigmoid."""
    return softplus(logits) - labels * logits


def class_entropy(labels, logits):
    return np.log(np.exp(logits).sum(1)) - (labels * logits).sum(1)


def mean(values, weights=1.0):
    """SUM_BY_NONZERO_WEIGHTS."""
    weights = np.broadcast_to(weights, values.shape)
    return (values * weights).sum() / (weights != 0).sum()


def smooth(labels, by):
    return labels * (1 - by) + by / labels.shape[1]


EXPECTED = {
    'wasserstein_generator_loss': ((FAKE,), mean(-FAKE)),
    'wasserstein_hinge_generator_loss': ((FAKE,), mean(-FAKE)),
    'wasserstein_discriminator_loss': ((REAL, FAKE), mean(FAKE) - mean(REAL)),
    'wasserstein_hinge_discriminator_loss': (
        (REAL, FAKE), mean(np.maximum(0, 1 - REAL)) + mean(np.maximum(0, 1 + FAKE))),
    'minimax_discriminator_loss': (
        (REAL, FAKE), mean(cross_entropy(0.875, REAL)) + mean(cross_entropy(0, FAKE))),
    'minimax_generator_loss': ((FAKE,), -softplus(-1) - mean(cross_entropy(0, FAKE))),
    'modified_discriminator_loss': (
        (REAL, FAKE), mean(cross_entropy(0.875, REAL)) + mean(cross_entropy(0, FAKE))),
    'modified_generator_loss': ((FAKE,), mean(cross_entropy(1, FAKE))),
    'least_squares_generator_loss': ((FAKE,), mean((FAKE - 1) ** 2) / 2),
    'least_squares_discriminator_loss': ((REAL, FAKE), mean((REAL - 1) ** 2) / 2 + mean(FAKE ** 2) / 2),
    'acgan_generator_loss': ((FAKE_CLASSES, CLASSES), mean(class_entropy(CLASSES, FAKE_CLASSES))),
    'acgan_discriminator_loss': (
        (REAL_CLASSES, FAKE_CLASSES, CLASSES),
        mean(class_entropy(CLASSES, REAL_CLASSES)) + mean(class_entropy(CLASSES, FAKE_CLASSES))),
}


@pytest.mark.parametrize('name', EXPECTED)
def test_loss_is_the_papers_and_is_collected(name):
    arguments, expected = EXPECTED[name]
    loss = getattr(gan_losses, name)(*map(tf.constant, arguments), add_summaries=True)
    collected, = tf.losses.get_losses()
    value, kept = evaluate(loss, collected)
    assert value == pytest.approx(expected, rel=1e-5)
    assert abs(kept) == pytest.approx(abs(value))
    assert tf.get_collection(tf.GraphKeys.SUMMARIES)


def test_weights_and_smoothing():
    on_real = mean(class_entropy(smooth(CLASSES, 0.3), REAL_CLASSES), WEIGHTS[:, 0])
    values = evaluate(
        gan_losses.wasserstein_generator_loss(tf.constant(FAKE), WEIGHTS),
        gan_losses.wasserstein_discriminator_loss(tf.constant(REAL), tf.constant(FAKE), WEIGHTS, 2.0),
        gan_losses.acgan_discriminator_loss(
            tf.constant(REAL_CLASSES), tf.constant(FAKE_CLASSES), tf.constant(CLASSES), 0.3, WEIGHTS[:, 0]),
        gan_losses.minimax_generator_loss(tf.constant(FAKE), 0.5),
        gan_losses.least_squares_generator_loss(
            tf.constant(FAKE), real_label=2, reduction=tf.losses.Reduction.SUM))
    assert values == pytest.approx([
        mean(-FAKE, WEIGHTS), mean(2 * FAKE) - mean(REAL, WEIGHTS),
        on_real + mean(class_entropy(CLASSES, FAKE_CLASSES)),
        -cross_entropy(0.75, 1) - mean(cross_entropy(0, FAKE)), ((FAKE - 2) ** 2).sum() / 2,
    ], rel=1e-5)


@pytest.mark.parametrize('one_sided', [False, True])
@pytest.mark.parametrize('target', [1.0, 7.0])
def test_gradient_penalty_of_a_linear_critic_is_the_norm_of_its_weight(one_sided, target):
    kernel = np.arange(1, 5, dtype='float32').reshape(4, 1)

    def critic(x, condition):
        assert condition == 'condition'
        return tf.matmul(x, tf.get_variable('kernel', initializer=kernel))

    with tf.variable_scope('D') as scope:
        critic(tf.zeros([2, 4]), 'condition')
    penalty = gan_losses.wasserstein_gradient_penalty(
        tf.constant(RNG.normal(size=(3, 4)).astype('float32')), tf.zeros([3, 4]), 'condition', critic, scope,
        target=target, one_sided=one_sided)
    excess = np.linalg.norm(kernel) / target - 1
    assert evaluate(penalty) == pytest.approx(max(excess, 0) ** 2 if one_sided else excess ** 2, rel=1e-4)
    assert [v.op.name for v in tf.trainable_variables()] == ['D/kernel']


def test_gradient_penalty_lies_between_real_and_generated():
    """For D(x) = x² / 2 the slope at x is |x|: between 2 and 4 when the data are 2 and 4."""
    penalty = gan_losses.wasserstein_gradient_penalty(
        tf.fill([500, 1], 2.0), tf.fill([500, 1], 4.0), None, lambda x, _: (x ** 2 / 2, 'classes'), 'D',
        reduction=tf.losses.Reduction.NONE)
    slopes = np.sqrt(evaluate(penalty)) + 1
    assert 2 <= slopes.min() < 2.1 and 3.9 < slopes.max() <= 4
    assert slopes.mean() == pytest.approx(3, abs=0.1)


def test_mutual_information_and_cycle_consistency():
    noise = tf.constant([[0.5], [-1.0]])
    normal = tf.distributions.Normal([[0.0], [1.0]], 2.0)
    lost = gan_losses.mutual_information_penalty([noise, noise], [normal, normal], weights=3.0)
    x = np.array([0.5, -1 - 1]) / 2
    expected = 3 * np.mean(x ** 2 / 2 + np.log(2 * np.sqrt(2 * np.pi)))
    cycle = gan_losses.cycle_consistency_loss(*(tf.constant(a) for a in (REAL, FAKE, FAKE, FAKE)))
    assert evaluate(lost, cycle) == pytest.approx([expected, np.abs(REAL - FAKE).mean() / 2], rel=1e-5)


@pytest.mark.parametrize('arguments', [dict(weight_factor=0.0), dict(weight_factor=0.2),
                                       dict(gradient_ratio=4.0)])
def test_combined_loss_balances_gradients(arguments):
    v = tf.get_variable('v', initializer=[1.0, 2.0])
    main, adversarial = tf.reduce_sum(v ** 2), tf.reduce_sum(3 * v)
    combined = gan_losses.combine_adversarial_loss(main, adversarial, variables=[v], **arguments)
    factor = arguments.get('weight_factor', np.sqrt(20) / np.sqrt(18) / 4)
    assert evaluate(combined) == pytest.approx(5 + factor * 9, rel=1e-4)
    assert evaluate(tf.gradients(combined, v)[0]) == pytest.approx(np.array([2, 4]) + factor * 3, rel=1e-4)


# ---- models ------------------------------------------------------------------------------------------------

def generator(inputs):
    inputs = inputs if isinstance(inputs, tf.Tensor) else tf.concat(inputs, 1)
    return layers.fully_connected(inputs, 4, normalizer_fn=layers.batch_norm,
                                  weights_regularizer=layers.l2_regularizer(0.5))


def discriminator(data, condition):
    return layers.linear(data, 1)


def classifying(data, condition):
    return layers.linear(data, 1), layers.linear(data, 3)


def model(generator=generator, discriminator=discriminator):
    return tfgan.gan_model(generator, discriminator, tf.random_normal([6, 4]), tf.random_normal([6, 2]))


def names(variables):
    return [v.op.name for v in variables]


def test_gan_model_has_two_scopes_and_one_discriminator():
    made = model()
    assert names(made.generator_variables) == [
        'Generator/fully_connected/weights', 'Generator/fully_connected/BatchNorm/beta']
    assert names(made.discriminator_variables) == [
        'Discriminator/fully_connected/weights', 'Discriminator/fully_connected/biases']
    assert len(tf.trainable_variables()) == 4
    assert made.discriminator_real_outputs.shape == made.discriminator_gen_outputs.shape == (6, 1)
    with pytest.raises(ValueError, match=r'Generator output shape \(\(6, 4\)\) must be the same '):
        tfgan.gan_model(generator, lambda data, _: data, tf.zeros([6, 5]), tf.zeros([6, 2]), 'G', 'D')


def test_cyclegan_model_has_a_pair_each_way():
    made = tfgan.cyclegan_model(lambda x: layers.linear(x, 4), discriminator, tf.zeros([2, 4]),
                                tf.ones([2, 4]))
    assert names(made.model_x2y.generator_variables) == [
        f'ModelX2Y/Generator/fully_connected/{v}' for v in ('weights', 'biases')]
    assert len(tf.trainable_variables()) == 8
    loss = tfgan.cyclegan_loss(made, cycle_consistency_loss_weight=3.0, add_summaries=False)
    cycle = gan_losses.cycle_consistency_loss(
        tf.zeros([2, 4]), made.reconstructed_x, tf.ones([2, 4]), made.reconstructed_y)
    x2y = tfgan.gan_loss(made.model_x2y, tfgan.losses.least_squares_generator_loss,
                         tfgan.losses.least_squares_discriminator_loss)
    found, alone, of_cycle, d, d_alone = evaluate(
        loss.loss_x2y.generator_loss, x2y.generator_loss, cycle, loss.loss_x2y.discriminator_loss,
        x2y.discriminator_loss)
    assert found == pytest.approx(alone + 3 * of_cycle, rel=1e-5) and d == pytest.approx(d_alone)
    ops = tfgan.gan_train_ops(made, loss, tf.train.AdamOptimizer(), tf.train.AdamOptimizer())
    assert len(ops.generator_train_op) == len(ops.discriminator_train_op) == 2


def test_infogan_acgan_and_stargan_models():
    def guessing(data, condition):
        return layers.linear(data, 1), [tf.distributions.Normal(layers.linear(data, 1), 1.0)]

    info = tfgan.infogan_model(generator, guessing, tf.zeros([6, 4]), [tf.zeros([6, 2])], [tf.ones([6, 1])])
    assert len(info.generator_inputs) == 2 and len(info.discriminator_variables) == 4
    auxiliary = tfgan.acgan_model(generator, classifying, tf.zeros([6, 4]), tf.zeros([6, 2]),
                                  tf.constant(CLASSES), 'AG', 'AD')
    star = tfgan.stargan_model(
        lambda x, labels: layers.linear(tf.concat([x, labels], 1), 4), lambda x, n: (layers.linear(x, 1),
                                                                                    layers.linear(x, n)),
        tf.zeros([6, 4]), tf.constant(CLASSES), 'SG', 'SD')
    loss = tfgan.gan_loss(info, mutual_information_penalty_weight=2.0, add_summaries=False)
    plain = tfgan.gan_loss(info, add_summaries=False)
    lost = tfgan.losses.mutual_information_penalty(info)
    classes = tfgan.gan_loss(auxiliary, aux_cond_generator_weight=0.5, aux_cond_discriminator_weight=2.0)
    plain_ac = tfgan.gan_loss(auxiliary)
    of_generator = tfgan.losses.acgan_generator_loss(auxiliary)
    of_discriminator = tfgan.losses.acgan_discriminator_loss(auxiliary)
    evaluate(*tfgan.stargan_loss(star))
    values = dict(zip('abcdefghij', evaluate(
        loss.generator_loss - plain.generator_loss, loss.discriminator_loss - plain.discriminator_loss, lost,
        classes.generator_loss - plain_ac.generator_loss, of_generator,
        classes.discriminator_loss - plain_ac.discriminator_loss, of_discriminator)))
    assert values['a'] == pytest.approx(2 * values['c'], rel=1e-4)
    assert values['b'] == pytest.approx(2 * values['c'], rel=1e-4)
    assert values['d'] == pytest.approx(values['e'] / 2, rel=1e-4)
    assert values['f'] == pytest.approx(2 * values['g'], rel=1e-4)
    with pytest.raises(TypeError, match='must output a tuple'):
        tfgan.acgan_model(generator, discriminator, tf.zeros([6, 4]), tf.zeros([6, 2]), None, 'x', 'y')


def test_gan_loss_adds_penalty_and_regularization_of_each_scope():
    made = model()
    loss = tfgan.gan_loss(made, gradient_penalty_weight=10.0, gradient_penalty_target=2.0)
    weights, biases = made.discriminator_variables
    slope = tf.norm(weights)
    expected_d = (tf.reduce_mean(made.discriminator_gen_outputs)
                  - tf.reduce_mean(made.discriminator_real_outputs) + 10 * (slope / 2 - 1) ** 2)
    expected_g = (-tf.reduce_mean(made.discriminator_gen_outputs)
                  + 0.5 * tf.nn.l2_loss(made.generator_variables[0]))
    found = evaluate(loss.generator_loss, expected_g, loss.discriminator_loss, expected_d)
    assert found[0] == pytest.approx(found[1], rel=1e-4) and found[2] == pytest.approx(found[3], rel=1e-4)
    for arguments, message in (
        (dict(gradient_penalty_weight=-1), '`gradient_penalty_weight` must be greater than 0'),
        (dict(mutual_information_penalty_weight=1), '`InfoGANModel`'),
        (dict(aux_cond_generator_weight=1), '`ACGANModel`'),
    ):
        with pytest.raises(ValueError, match=message):
            tfgan.gan_loss(made, **arguments)


def test_tuple_losses_name_what_is_missing_or_given_twice():
    made = model()
    with pytest.raises(ValueError, match='present in both'):
        tfgan.losses.wasserstein_generator_loss(made, discriminator_gen_outputs=1)
    with pytest.raises(ValueError, match='`one_hot_labels` must be supplied'):
        tfgan.losses.acgan_generator_loss(made, discriminator_gen_classification_logits=1)
    assert tfgan.losses.wargs is gan_losses


# ---- the schedule ------------------------------------------------------------------------------------------

def counting_ops():
    """GANTrainOps that count, and write down the order as digits: 1 the generator, 2 the discriminator."""
    order = tf.get_variable('order', initializer=0, trainable=False, use_resource=True)
    step = tf.train.get_or_create_global_step()
    ops = [order.assign(order.read_value() * 10 + digit) for digit in (1, 2)]
    return tfgan.GANTrainOps(tf.identity(ops[0]), tf.identity(ops[1]), step.assign_add(1)), order


@pytest.mark.parametrize('steps, expected', [((1, 1), 1212), ((1, 3), 12221222), ((2, 1), 112112)])
def test_sequential_hooks_run_generator_then_discriminator(tmp_path, steps, expected):
    train_ops, order = counting_ops()
    seen = []

    class Seen(tf.train.SessionRunHook):
        def end(self, session):
            seen.append(session.run(order))

    last = tfgan.gan_train(
        train_ops, str(tmp_path), tfgan.get_sequential_train_hooks(tfgan.GANTrainSteps(*steps)),
        hooks=[tf.train.StopAtStepHook(2), Seen()], save_summaries_steps=None)
    assert seen == [expected] and last == 2
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('model.ckpt-2')


def test_joint_hooks_run_what_both_have_at_once():
    train_ops, _ = counting_ops()
    hooks = tfgan.get_joint_train_hooks(tfgan.GANTrainSteps(1, 3))(train_ops)
    assert [(len(hook._train_ops), hook._train_steps) for hook in hooks] == [(2, 1), (1, 0), (1, 2)]


def test_sequential_steps_in_slim_learning(tmp_path):
    train_ops, order = counting_ops()
    numbers = []

    def step(*arguments):
        result = tfgan.get_sequential_train_steps(tfgan.GANTrainSteps(2, 1))(*arguments)
        numbers.append(arguments[0].run(order))
        return result

    learning.slim_train(train_ops, str(tmp_path), train_step_fn=step, number_of_steps=3)
    assert numbers == [112, 112112, 112112112]
    assert tf.train.latest_checkpoint(str(tmp_path)).endswith('model.ckpt-3')


def test_train_ops_move_only_their_network_and_run_its_updates():
    made = model()
    loss = tfgan.gan_loss(made)
    ops = tfgan.gan_train_ops(made, loss, tf.train.GradientDescentOptimizer(0.1),
                              tf.train.GradientDescentOptimizer(0.1), summarize_gradients=True)
    average, = [v for v in tf.global_variables() if v.op.name.endswith('moving_mean')]
    watched = made.generator_variables + made.discriminator_variables + [average]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        states = [session.run(watched)]
        for op in (ops.generator_train_op, ops.discriminator_train_op):
            session.run(op)
            states.append(session.run(watched))
        changed = [[not np.array_equal(a, b) for a, b in zip(*pair)] for pair in zip(states, states[1:])]
        assert changed[0][0] and changed[0][2:] == [False, False, True]
        assert changed[1][:2] + changed[1][4:] == [False, False, False] and changed[1][2]
        assert session.run(tf.train.get_global_step()) == 0 and session.run(ops.global_step_inc_op) == 1
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.no_op('stray'))
    with pytest.raises(ValueError, match='There are unused update ops'):
        tfgan.gan_train_ops(made, loss, tf.train.AdamOptimizer(), tf.train.AdamOptimizer())


def test_create_train_op_counts_clips_and_scales():
    v = tf.get_variable('v', initializer=[3.0, 4.0])
    w = tf.get_variable('w', initializer=[1.0, 2.0])
    loss = tf.reduce_sum(v * [30.0, 40.0]) + tf.nn.l2_loss(w)
    op = learning.slim_create_train_op(loss, tf.train.GradientDescentOptimizer(1.0), clip_gradient_norm=5,
                                       gradient_multipliers={'w': 0.5})
    start = tf.global_variables_initializer()
    assert learning.slim_train(op, None, number_of_steps=1) == pytest.approx(252.5)
    with tf.Session() as session:
        session.run(start)
        session.run(op)
        assert session.run(v) == pytest.approx([0, 0]) and session.run(w) == pytest.approx([0.5, 1])
        assert session.run(tf.train.get_global_step()) == 1


# ---- features ----------------------------------------------------------------------------------------------

def test_tensor_pool_fills_then_swaps():
    given = tf.placeholder(tf.float32, [1])
    pooled, doubled = gan_features.tensor_pool((given, given * 2), pool_size=3, pooling_probability=0.5)
    assert pooled.shape == (1,)
    with tf.Session() as session:
        seen = [session.run([pooled, doubled], {given: [n]}) for n in range(200)]
    numbers = np.array([pair[0][0] for pair in seen])
    assert np.array_equal([pair[1][0] for pair in seen], 2 * numbers)
    assert numbers[:3].tolist() == [0, 1, 2]
    fresh = numbers[3:] == np.arange(3, 200)
    assert 0.35 < fresh.mean() < 0.65
    ages = np.arange(3, 200) - numbers[3:]
    assert (ages >= 0).all() and ages.max() < 60
    assert gan_features.tensor_pool(given, 0) is given


def test_spectral_norm_is_the_largest_singular_value():
    value = RNG.normal(size=(3, 2, 4)).astype('float32')
    w = tf.get_variable('w', initializer=value)
    normalised = gan_features.spectral_normalize(w)
    assert names(tf.global_variables()) == ['w', 'spectral_normalize/spectral_norm/spectral_norm_u']
    largest = np.linalg.norm(value.reshape(6, 4), 2)
    assert evaluate(normalised, runs=60) == pytest.approx(value / largest, rel=1e-3)
    with tf.variable_scope('net', custom_getter=gan_features.spectral_normalization_custom_getter()):
        kernel, bias = tf.get_variable('kernel', [6, 4]), tf.get_variable('bias', [4])
    assert np.linalg.norm(evaluate(kernel, bias, runs=60)[0], 2) == pytest.approx(1, rel=1e-3)
    assert 'net/net/kernel/spectral_normalize/spectral_norm/spectral_norm_u' in names(tf.global_variables())
    assert len(tf.trainable_variables()) == 3


def test_conditioning_is_a_learnt_shift():
    tensor, labels = tf.zeros([6, 2, 3]), tf.constant(CLASSES)
    shifted = gan_features.condition_tensor_from_onehot(tensor, labels, embedding_size=5)
    assert {v.op.name: v.shape.as_list() for v in tf.trainable_variables()} == {
        'embedding': [3, 5], 'fully_connected/weights': [5, 6], 'fully_connected/biases': [6]}
    embedding, weights, _ = tf.trainable_variables()
    found, expected = evaluate(shifted, tf.matmul(tf.matmul(labels, embedding), weights))
    assert found.reshape(6, 6) == pytest.approx(expected, abs=1e-5)


def test_clipped_discriminator_stays_in_its_box():
    made = model()
    optimizer = gan_features.clip_discriminator_weights(tf.train.GradientDescentOptimizer(5.0), made, 0.01)
    train = optimizer.minimize(tfgan.gan_loss(made).discriminator_loss, var_list=made.discriminator_variables)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        assert max(abs(session.run(v)).max() for v in made.discriminator_variables) <= 0.0100001


def test_virtual_batch_norm_weighs_an_example_as_one_of_the_reference():
    reference = RNG.normal(size=(5, 2, 2, 3)).astype('float32')
    x = RNG.normal(2, 3, size=(4, 2, 2, 3)).astype('float32')
    vbn = gan_features.VBN(tf.constant(reference), name='vbn')
    of_reference, of_x = evaluate(vbn.reference_batch_normalization(), vbn(tf.constant(x)))
    assert names(tf.trainable_variables()) == ['vbn/beta', 'vbn/gamma']
    m, v = reference.mean((0, 1, 2)), reference.var((0, 1, 2))
    assert of_reference == pytest.approx((reference - m) / np.sqrt(v + 1e-3), abs=1e-4)
    mean_x = x.mean((1, 2), keepdims=True) / 6 + m * 5 / 6
    square = (x ** 2).mean((1, 2), keepdims=True) / 6 + (reference ** 2).mean((0, 1, 2)) * 5 / 6
    assert of_x == pytest.approx((x - mean_x) / np.sqrt(square - mean_x ** 2 + 1e-3), abs=1e-4)


# ---- eval --------------------------------------------------------------------------------------------------

def test_grids_lay_images_out_in_rows():
    images = np.arange(6 * 2 * 3).reshape(6, 2, 3, 1).astype('float32')
    rows = np.concatenate([np.concatenate(list(images[3 * r:3 * r + 3]), 1) for r in range(2)], 0)
    grid = gan_eval.image_grid(tf.constant(images), (2, 3), (2, 3), 1)
    flat = gan_eval.image_grid(tf.constant(images.reshape(6, 6)), (2, 3), (2, 3), 1)
    reshaped = gan_eval.image_reshaper(tf.constant(images[:5]), 3)
    found = evaluate(grid, flat, reshaped)
    assert np.array_equal(found[0][0], rows) and np.array_equal(found[1][0], rows)
    assert np.array_equal(gan_eval.python_image_grid(images, (2, 3)), rows)
    rows[2:, 6:] = 0
    assert np.array_equal(found[2][0], rows)
    with pytest.raises(ValueError, match='incompatible with minibatch size 6'):
        gan_eval.image_grid(tf.constant(images), (2, 2), (2, 3), 1)


def test_summaries_of_a_model_of_images():
    made = tfgan.gan_model(
        lambda z: tf.reshape(layers.linear(z, 12), [-1, 2, 2, 3]),
        lambda x, _: layers.linear(layers.flatten(x), 1),
        tf.zeros([4, 2, 2, 3]), tf.zeros([4, 2]))
    gan_eval.add_gan_model_image_summaries(made, grid_size=2)
    gan_eval.add_regularization_loss_summaries(made)
    tags = [v.tag for v in tf.Summary.FromString(evaluate(tf.summary.merge_all())).value]
    assert tags == [
        'real_data/image', 'generated_data/image',
        *(f'generator_variables/Generator/fully_connected/{v}_0' for v in ('weights', 'biases')),
        *(f'discriminator_variables/Discriminator/fully_connected/{v}_0' for v in ('weights', 'biases')),
        'generator_regularization_loss', 'discriminator_regularization_loss']


def test_scores_of_activations():
    a, b = RNG.normal(size=(40, 4)), RNG.normal(0.5, 2, size=(30, 4)) @ RNG.normal(size=(4, 4))
    s, t = np.cov(a.T), np.cov(b.T)
    frechet = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(s + t - 2 * scipy.linalg.sqrtm(s @ t).real)
    p = np.exp(a) / np.exp(a).sum(1, keepdims=True)
    inception = np.exp((p * np.log(p / p.mean(0))).sum(1).mean())
    va, vb = a.var(0), b.var(0)
    diagonal = ((a.mean(0) - b.mean(0)) ** 2).sum() + (va + vb - 2 * np.sqrt(va * vb)).sum()

    def kernel(x, y):
        return (x @ y.T / 4 + 1) ** 3

    def off_diagonal(x):
        n = len(x)
        return (kernel(x, x).sum() - np.trace(kernel(x, x))) / n / (n - 1)

    kid = [off_diagonal(x) + off_diagonal(y) - 2 * kernel(x, y).mean()
           for x, y in zip(np.split(a, 2), np.split(b, 2))]
    blocks = gan_metrics.kernel_classifier_distance_and_std_from_activations(a, tf.constant(b), 20)
    found = evaluate(
        gan_metrics.frechet_classifier_distance_from_activations(a, b),
        gan_metrics.classifier_score_from_logits(a.astype('float32')),
        gan_metrics.diagonal_only_frechet_classifier_distance_from_activations(a, b),
        gan_metrics.mean_only_frechet_classifier_distance_from_activations(a, b), *blocks,
        gan_metrics.classifier_score(tf.constant(a), lambda x: x, num_batches=4),
        gan_metrics.frechet_classifier_distance(tf.constant(a), tf.constant(b), lambda x: x, num_batches=2))
    assert found == pytest.approx([
        frechet, inception, diagonal, ((a.mean(0) - b.mean(0)) ** 2).sum(), np.mean(kid),
        np.std(kid, ddof=1) / np.sqrt(2), inception, frechet], rel=1e-4)


@pytest.mark.parametrize('use_svd', [False, True])
def test_sliced_wasserstein_distance_tells_the_same_from_another(use_svd):
    np.random.seed(0)
    smooth_images = np.random.rand(16, 4, 4, 3).repeat(8, 1).repeat(8, 2).astype('float32')
    noise = np.random.rand(16, 32, 32, 3).astype('float32')
    scores = gan_metrics.sliced_wasserstein_distance(
        tf.constant(smooth_images), tf.constant(noise), random_sampling_count=4, use_svd=use_svd)
    assert len(scores) == 2
    same, other = evaluate(*scores[1])
    assert other > 2 * same > 0


def test_inception_is_read_from_a_file_and_never_downloaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OSError, match=r'put the file at .*/frozen_inception_v1_2015_12_05.tar.gz'):
        gan_metrics.inception_score(tf.zeros([2, 299, 299, 3]))
    with tf.Graph().as_default() as frozen:
        images = tf.placeholder(tf.float32, [None, 2, 2, 1], name='in')
        tf.reduce_sum(images, [1, 2], name='out')
    outputs = gan_metrics.run_image_classifier(
        tf.reshape(tf.range(16.0), [4, 2, 2, 1]), frozen.as_graph_def(), 'in:0', 'out:0', num_batches=2)
    assert evaluate(outputs)[:, 0].tolist() == [6, 22, 38, 54]
