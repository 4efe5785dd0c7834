"""Losses against values worked out in NumPy and by hand."""
import types

import numpy as np
import pytest

import losses
from config import flag_fields
from tf1 import session, tf

REAL = np.array([[-3.0], [-0.2], [0.0], [0.7], [40.0]], np.float32)
FAKE = np.array([[2.5], [-1.5], [0.1], [-60.0], [1.0], [0.0]], np.float32)


def values(loss, label_smoothing=0.0, real=REAL, fake=FAKE):
    """({name: value} of D's terms, G's loss, dG/d fake_logits)."""
    with tf.Graph().as_default(), session() as sess:
        gan = types.SimpleNamespace(real_logits=tf.constant(real), fake_logits=tf.constant(fake),
                                    cfg=types.SimpleNamespace(label_smoothing=label_smoothing))
        g_loss = loss.g_loss(gan)
        return sess.run([loss.d_loss(gan), g_loss, tf.gradients(g_loss, gan.fake_logits)[0]])


def log_sigmoid(x):
    return -np.logaddexp(0.0, -x.astype(np.float64))


def test_non_saturating():
    terms, g_loss, gradient = values(losses.non_saturating)
    assert set(terms) == {'d_loss_real', 'd_loss_fake'}
    np.testing.assert_allclose(terms['d_loss_real'], -log_sigmoid(REAL).mean(), rtol=1e-6)
    np.testing.assert_allclose(terms['d_loss_fake'], -log_sigmoid(-FAKE).mean(), rtol=1e-6)
    np.testing.assert_allclose(g_loss, -log_sigmoid(FAKE).mean(), rtol=1e-6)
    np.testing.assert_allclose(gradient, (1 / (1 + np.exp(-FAKE)) - 1) / len(FAKE), rtol=1e-5)


def test_label_smoothing_is_one_sided():
    terms, g_loss, _ = values(losses.non_saturating, label_smoothing=0.1)
    expected = -(0.9 * log_sigmoid(REAL) + 0.1 * log_sigmoid(-REAL)).mean()
    np.testing.assert_allclose(terms['d_loss_real'], expected, rtol=1e-6)
    plain, plain_g, _ = values(losses.non_saturating)
    assert terms['d_loss_fake'] == plain['d_loss_fake'] and g_loss == plain_g


@pytest.mark.parametrize('smoothing', [0.0, 0.25])
def test_least_squares(smoothing):
    terms, g_loss, gradient = values(losses.least_squares, smoothing)
    np.testing.assert_allclose(terms['d_loss_real'], 0.5 * ((REAL - (1 - smoothing)) ** 2).mean(), rtol=1e-6)
    np.testing.assert_allclose(terms['d_loss_fake'], 0.5 * (FAKE ** 2).mean(), rtol=1e-6)
    np.testing.assert_allclose(g_loss, 0.5 * ((FAKE - 1) ** 2).mean(), rtol=1e-6)
    np.testing.assert_allclose(gradient, (FAKE - 1) / len(FAKE), rtol=1e-5)


def test_hinge():
    terms, g_loss, gradient = values(losses.hinge)
    np.testing.assert_allclose(terms['d_loss_real'], (4.0 + 1.2 + 1.0 + 0.3 + 0.0) / 5, rtol=1e-6)
    np.testing.assert_allclose(terms['d_loss_fake'], (3.5 + 0.0 + 1.1 + 0.0 + 2.0 + 1.0) / 6, rtol=1e-6)
    np.testing.assert_allclose(g_loss, -FAKE.mean(), rtol=1e-6)
    np.testing.assert_allclose(gradient, np.full_like(FAKE, -1 / 6), rtol=1e-6)


def test_at_logit_zero_cross_entropy_is_log_two():
    zero = np.zeros([3, 1], np.float32)
    terms, g_loss, _ = values(losses.non_saturating, 0.3, zero, zero)
    np.testing.assert_allclose([terms['d_loss_real'], terms['d_loss_fake'], g_loss], np.log(2), rtol=1e-6)


@pytest.mark.parametrize('logit, label, expected', [(1e4, 0.0, 1e4), (-1e4, 1.0, 1e4), (1e4, 1.0, 0.0),
                                                    (-1e4, 0.0, 0.0)])
def test_cross_entropy_of_huge_logits_is_finite(logit, label, expected):
    with tf.Graph().as_default(), session() as sess:
        assert sess.run(losses.cross_entropy(tf.constant([[logit]]), label)) == pytest.approx(expected, abs=1e-6)


def test_cross_entropy_is_the_mean_over_logits_of_any_shape():
    x = np.linspace(-2, 2, 24).reshape(4, 3, 2).astype(np.float32)
    with tf.Graph().as_default(), session() as sess:
        placeholder = tf.placeholder(tf.float32, [None, 3, 2])
        actual = sess.run(losses.cross_entropy(placeholder, 1.0), {placeholder: x})
    np.testing.assert_allclose(actual, -log_sigmoid(x).mean(), rtol=1e-6)


def test_every_loss_can_be_named_on_the_command_line():
    choices = next(field.metadata['choices'] for field in flag_fields() if field.name == 'loss')
    assert {choice for choice in choices if choice} == set(losses.BY_NAME)
