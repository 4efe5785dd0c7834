"""tf.contrib.gan.losses.wargs: losses of GANs on tensors.

Arguments, defaults, collections and summary names of
tensorflow/contrib/gan/python/losses/python/losses_impl.py in TensorFlow 1.15. Outputs of a discriminator are
logits of any shape; `weights` broadcast to them; a loss is their weighted mean (`SUM_BY_NONZERO_WEIGHTS`) and
is put into `loss_collection`.
"""
import tensorflow.compat.v1 as tf

_LOSSES = tf.GraphKeys.LOSSES
_MEAN = tf.losses.Reduction.SUM_BY_NONZERO_WEIGHTS


def _floats(*tensors):
    """Tensors as float32, of shapes that agree."""
    tensors = [tf.cast(tensor, tf.float32) for tensor in tensors]
    for tensor in tensors[1:]:
        tensors[0].shape.assert_is_compatible_with(tensor.shape)
    return tensors


def _summaries(wanted, **scalars):
    if wanted:
        for name, value in scalars.items():
            tf.summary.scalar(name, value)


# ---- Wasserstein GAN (arXiv 1701.07875) --------------------------------------------------------------------

def wasserstein_generator_loss(discriminator_gen_outputs, weights=1.0, scope=None, loss_collection=_LOSSES,
                               reduction=_MEAN, add_summaries=False):
    """−D(G(z))."""
    with tf.name_scope(scope, 'generator_wasserstein_loss', (discriminator_gen_outputs, weights)) as scope:
        outputs, = _floats(discriminator_gen_outputs)
        loss = tf.losses.compute_weighted_loss(-outputs, weights, scope, loss_collection, reduction)
        _summaries(add_summaries, generator_wass_loss=loss)
    return loss


def wasserstein_discriminator_loss(discriminator_real_outputs, discriminator_gen_outputs, real_weights=1.0,
                                   generated_weights=1.0, scope=None, loss_collection=_LOSSES,
                                   reduction=_MEAN, add_summaries=False):
    """D(G(z)) − D(x)."""
    with tf.name_scope(scope, 'discriminator_wasserstein_loss', (
            discriminator_real_outputs, discriminator_gen_outputs)) as scope:
        real, generated = _floats(discriminator_real_outputs, discriminator_gen_outputs)
        on_generated = tf.losses.compute_weighted_loss(generated, generated_weights, scope, None, reduction)
        on_real = tf.losses.compute_weighted_loss(real, real_weights, scope, None, reduction)
        loss = on_generated - on_real
        tf.losses.add_loss(loss, loss_collection)
        _summaries(add_summaries, discriminator_gen_wass_loss=on_generated,
                   discriminator_real_wass_loss=on_real, discriminator_wass_loss=loss)
    return loss


def wasserstein_hinge_discriminator_loss(discriminator_real_outputs, discriminator_gen_outputs,
                                         real_weights=1.0, generated_weights=1.0, real_hinge=1.0,
                                         generated_hinge=1.0, scope=None, loss_collection=_LOSSES,
                                         reduction=_MEAN, add_summaries=False):
    """max(0, 1 − D(x)) + max(0, 1 + D(G(z))) (arXiv 1705.02894, 1805.08318)."""
    with tf.name_scope(scope, 'discriminator_wasserstein_loss', (
            discriminator_real_outputs, discriminator_gen_outputs)) as scope:
        real, generated = _floats(discriminator_real_outputs, discriminator_gen_outputs)
        on_real = tf.losses.compute_weighted_loss(
            tf.nn.relu(real_hinge - real), real_weights, scope, None, reduction)
        on_generated = tf.losses.compute_weighted_loss(
            tf.nn.relu(generated_hinge + generated), generated_weights, scope, None, reduction)
        loss = on_generated + on_real
        tf.losses.add_loss(loss, loss_collection)
        _summaries(add_summaries, discriminator_gen_wass_hinge_loss=on_generated,
                   discriminator_real_wass_hinge_loss=on_real, discriminator_wass_hinge_loss=loss)
    return loss


wasserstein_hinge_generator_loss = wasserstein_generator_loss


def wasserstein_gradient_penalty(real_data, generated_data, generator_inputs, discriminator_fn,
                                 discriminator_scope, epsilon=1e-10, target=1.0, one_sided=False, weights=1.0,
                                 scope=None, loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """(‖∇D(x)‖ / target − 1)² at a random point x between each real and generated example.

    arXiv 1704.00028. one_sided: only norms above the target cost (arXiv 1709.08894). epsilon is added under
    the root.
    """
    with tf.name_scope(scope, 'wasserstein_gradient_penalty', (real_data, generated_data)) as scope:
        real_data, generated_data = tf.convert_to_tensor(real_data), tf.convert_to_tensor(generated_data)
        for name, data in (('real_data', real_data), ('generated_data', generated_data)):
            if data.shape.ndims is None:
                raise ValueError(f"`{name}` can't have unknown rank.")
        differences = generated_data - real_data
        batch = differences.shape.dims[0].value or tf.shape(differences)[0]
        alpha = tf.random_uniform([batch] + [1] * (differences.shape.ndims - 1))
        between = real_data + alpha * differences
        # outside this name scope: updates that the discriminator makes here are found by its own scope
        with tf.name_scope(None), tf.variable_scope(
                discriminator_scope, 'gpenalty_dscope', reuse=tf.AUTO_REUSE):
            outputs = discriminator_fn(between, generator_inputs)
        if isinstance(outputs, tuple):                  # an ACGAN's discriminator classifies as well
            outputs = outputs[0]
        gradients = tf.gradients(outputs, between)[0]
        squares = tf.reduce_sum(tf.square(gradients), axis=list(range(1, gradients.shape.ndims)))
        excess = tf.sqrt(squares + epsilon) / target - 1.0
        if one_sided:
            excess = tf.maximum(0.0, excess)
        penalty = tf.losses.compute_weighted_loss(
            tf.square(excess), weights, scope, loss_collection, reduction)
        _summaries(add_summaries, gradient_penalty_loss=penalty)
    return penalty


# ---- ACGAN (arXiv 1610.09585) ------------------------------------------------------------------------------

def acgan_discriminator_loss(discriminator_real_classification_logits,
                             discriminator_gen_classification_logits, one_hot_labels, label_smoothing=0.0,
                             real_weights=1.0, generated_weights=1.0, scope=None, loss_collection=_LOSSES,
                             reduction=_MEAN, add_summaries=False):
    """Cross entropy of the classes of generated plus real data; only the labels of real data are smoothed."""
    with tf.name_scope(scope, 'acgan_discriminator_loss', (
            discriminator_real_classification_logits, discriminator_gen_classification_logits)) as scope:
        on_generated = tf.losses.softmax_cross_entropy(
            one_hot_labels, discriminator_gen_classification_logits, generated_weights, scope=scope,
            loss_collection=None, reduction=reduction)
        on_real = tf.losses.softmax_cross_entropy(
            one_hot_labels, discriminator_real_classification_logits, real_weights, label_smoothing, scope,
            None, reduction)
        loss = on_generated + on_real
        tf.losses.add_loss(loss, loss_collection)
        _summaries(add_summaries, discriminator_gen_ac_loss=on_generated, discriminator_real_ac_loss=on_real,
                   discriminator_ac_loss=loss)
    return loss


def acgan_generator_loss(discriminator_gen_classification_logits, one_hot_labels, weights=1.0, scope=None,
                         loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """Cross entropy of the classes of generated data."""
    with tf.name_scope(scope, 'acgan_generator_loss', (
            discriminator_gen_classification_logits, one_hot_labels)) as scope:
        loss = tf.losses.softmax_cross_entropy(
            one_hot_labels, discriminator_gen_classification_logits, weights, scope=scope,
            loss_collection=loss_collection, reduction=reduction)
        _summaries(add_summaries, generator_ac_loss=loss)
    return loss


# ---- the first GAN (arXiv 1406.2661) -----------------------------------------------------------------------

def minimax_discriminator_loss(discriminator_real_outputs, discriminator_gen_outputs, label_smoothing=0.25,
                               real_weights=1.0, generated_weights=1.0, scope=None, loss_collection=_LOSSES,
                               reduction=_MEAN, add_summaries=False):
    """−log σ(D(x)) − log(1 − σ(D(G(z)))), the labels of real data smoothed towards 1/2."""
    with tf.name_scope(scope, 'discriminator_minimax_loss', (
            discriminator_real_outputs, discriminator_gen_outputs)) as scope:
        on_real = tf.losses.sigmoid_cross_entropy(
            tf.ones_like(discriminator_real_outputs), discriminator_real_outputs, real_weights,
            label_smoothing, scope, None, reduction)
        on_generated = tf.losses.sigmoid_cross_entropy(
            tf.zeros_like(discriminator_gen_outputs), discriminator_gen_outputs, generated_weights,
            scope=scope, loss_collection=None, reduction=reduction)
        loss = on_real + on_generated
        tf.losses.add_loss(loss, loss_collection)
        _summaries(add_summaries, discriminator_gen_minimax_loss=on_generated,
                   discriminator_real_minimax_loss=on_real, discriminator_minimax_loss=loss)
    return loss


def minimax_generator_loss(discriminator_gen_outputs, label_smoothing=0.0, weights=1.0, scope=None,
                           loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """log(1 − σ(D(G(z)))), less the constant that TensorFlow's loss has for real outputs of 1.

    As then, what goes into `loss_collection` is the discriminator's loss, of the other sign.
    """
    with tf.name_scope(scope, 'generator_minimax_loss') as scope:
        loss = -minimax_discriminator_loss(
            tf.ones_like(discriminator_gen_outputs), discriminator_gen_outputs, label_smoothing, weights,
            weights, scope, loss_collection, reduction)
    _summaries(add_summaries, generator_minimax_loss=loss)
    return loss


def modified_discriminator_loss(discriminator_real_outputs, discriminator_gen_outputs, label_smoothing=0.25,
                                real_weights=1.0, generated_weights=1.0, scope=None, loss_collection=_LOSSES,
                                reduction=_MEAN, add_summaries=False):
    """The minimax discriminator's loss; the generator's is the one modified."""
    return minimax_discriminator_loss(
        discriminator_real_outputs, discriminator_gen_outputs, label_smoothing, real_weights,
        generated_weights, scope or 'discriminator_modified_loss', loss_collection, reduction, add_summaries)


def modified_generator_loss(discriminator_gen_outputs, label_smoothing=0.0, weights=1.0, scope=None,
                            loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """−log σ(D(G(z)))."""
    with tf.name_scope(scope, 'generator_modified_loss', [discriminator_gen_outputs]) as scope:
        loss = tf.losses.sigmoid_cross_entropy(
            tf.ones_like(discriminator_gen_outputs), discriminator_gen_outputs, weights, label_smoothing,
            scope, loss_collection, reduction)
        _summaries(add_summaries, generator_modified_loss=loss)
    return loss


# ---- Least Squares GAN (arXiv 1611.04076) ------------------------------------------------------------------

def least_squares_generator_loss(discriminator_gen_outputs, real_label=1, weights=1.0, scope=None,
                                 loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """(D(G(z)) − real_label)² / 2."""
    with tf.name_scope(scope, 'lsq_generator_loss', (discriminator_gen_outputs, real_label)) as scope:
        outputs, = _floats(discriminator_gen_outputs)
        loss = tf.losses.compute_weighted_loss(
            tf.squared_difference(outputs, real_label) / 2.0, weights, scope, loss_collection, reduction)
    _summaries(add_summaries, generator_lsq_loss=loss)
    return loss


def least_squares_discriminator_loss(discriminator_real_outputs, discriminator_gen_outputs, real_label=1,
                                     fake_label=0, real_weights=1.0, generated_weights=1.0, scope=None,
                                     loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """((D(x) − real_label)² + (D(G(z)) − fake_label)²) / 2."""
    with tf.name_scope(scope, 'lsq_discriminator_loss', (discriminator_gen_outputs, real_label)) as scope:
        real, generated = _floats(discriminator_real_outputs, discriminator_gen_outputs)
        on_real = tf.losses.compute_weighted_loss(
            tf.squared_difference(real, real_label) / 2.0, real_weights, scope, None, reduction)
        on_generated = tf.losses.compute_weighted_loss(
            tf.squared_difference(generated, fake_label) / 2.0, generated_weights, scope, None, reduction)
        loss = on_real + on_generated
        tf.losses.add_loss(loss, loss_collection)
    _summaries(add_summaries, discriminator_gen_lsq_loss=on_generated, discriminator_real_lsq_loss=on_real,
               discriminator_lsq_loss=loss)
    return loss


# ---- what is added to them ---------------------------------------------------------------------------------

def mutual_information_penalty(structured_generator_inputs, predicted_distributions, weights=1.0, scope=None,
                               loss_collection=_LOSSES, reduction=_MEAN, add_summaries=False):
    """InfoGAN: −log Q(c | G(z, c)), the mean over the structured inputs (arXiv 1606.03657).

    predicted_distributions: one with `log_prob` for each tensor of structured_generator_inputs. As then, what
    goes into `loss_collection` has the other sign.
    """
    if not isinstance(predicted_distributions, (list, tuple)):
        raise ValueError('`predicted_distributions` must be a list or tuple. Instead, found '
                         f'{type(predicted_distributions)}.')
    if len(structured_generator_inputs) != len(predicted_distributions):
        raise ValueError(f'`structured_generator_inputs` length {len(structured_generator_inputs)} must be '
                         f'the same as `predicted_distributions` length {len(predicted_distributions)}.')
    with tf.name_scope(scope, 'mutual_information_loss') as scope:
        log_probs = [tf.reduce_mean(distribution.log_prob(noise)) for distribution, noise
                     in zip(predicted_distributions, structured_generator_inputs)]
        loss = -tf.losses.compute_weighted_loss(log_probs, weights, scope, loss_collection, reduction)
        _summaries(add_summaries, mutual_information_penalty=loss)
    return loss


def cycle_consistency_loss(data_x, reconstructed_data_x, data_y, reconstructed_data_y, scope=None,
                           add_summaries=False):
    """Mean of |x − x'| and |y − y'| (CycleGAN, arXiv 1703.10593)."""
    with tf.name_scope(scope, 'cycle_consistency_loss', (data_x, data_y)):
        on_x = tf.losses.absolute_difference(data_x, reconstructed_data_x)
        on_y = tf.losses.absolute_difference(data_y, reconstructed_data_y)
        loss = (on_x + on_y) / 2.0
        _summaries(add_summaries, cycle_consistency_loss_x2x=on_x, cycle_consistency_loss_y2y=on_y,
                   cycle_consistency_loss=loss)
    return loss


def _stable_norm(tensors):
    """The norm of all tensors together, scaled by the largest value so that no square overflows."""
    tensors = [tensor for tensor in tensors if tensor is not None]
    if not tensors:
        return 0.0
    largest = tf.reduce_max([tf.reduce_max(tf.abs(tensor)) for tensor in tensors])
    return largest * tf.global_norm([tensor / largest for tensor in tensors])


def combine_adversarial_loss(main_loss, adversarial_loss, weight_factor=None, gradient_ratio=None,
                             gradient_ratio_epsilon=1e-6, variables=None, scalar_summaries=True,
                             gradient_summaries=True, scope=None):
    """main_loss + factor · adversarial_loss.

    The factor is weight_factor, or the one at which the gradients' norms are gradient_ratio : 1 (main loss :
    adversarial loss). Exactly one of the two is given.
    """
    for loss in (main_loss, adversarial_loss):
        loss.shape.assert_is_compatible_with([])
    if (weight_factor is None) == (gradient_ratio is None):
        which = 'be `None.`' if weight_factor is None else 'be specified.'
        raise ValueError(f'`weight_factor` and `gradient_ratio` cannot both {which}')
    variables = tf.trainable_variables() if variables is None else variables
    with tf.name_scope(scope, 'adversarial_loss', (main_loss, adversarial_loss)):
        if gradient_summaries or gradient_ratio is not None:
            main_norm = _stable_norm(tf.gradients(main_loss, variables))
            adversarial_norm = _stable_norm(tf.gradients(adversarial_loss, variables))
        _summaries(scalar_summaries, main_loss=main_loss, adversarial_loss=adversarial_loss)
        if gradient_summaries:
            _summaries(True, main_loss_gradients=main_norm, adversarial_loss_gradients=adversarial_norm)
        given = weight_factor if gradient_ratio is None else gradient_ratio
        if tf.get_static_value(tf.convert_to_tensor(given)) == 0:
            return main_loss
        if weight_factor is not None:
            return main_loss + tf.stop_gradient(weight_factor) * adversarial_loss
        factor = main_norm / (adversarial_norm + gradient_ratio_epsilon) / gradient_ratio
        tf.summary.scalar('adversarial_coefficient', factor)
        return main_loss + tf.stop_gradient(factor) * adversarial_loss
