"""Losses on logits. Each has a part for D (named terms whose sum is D's loss) and a part for G.

Logits are float32 [B,1] (or [B,n]); every loss is a scalar mean over all of them.
"""
import dataclasses
from typing import Callable

from tf1 import tf


@dataclasses.dataclass(frozen=True)
class Loss:
    """d_loss(gan) -> {name: scalar}, summed; g_loss(gan) -> scalar. `gan` is described in plugins/__init__.py."""
    d_loss: Callable
    g_loss: Callable


def cross_entropy(logits, label):
    """Mean sigmoid cross-entropy of logits against one constant label in [0, 1]: max(x,0) - x*label + log(1 + e^-|x|)."""
    labels = tf.fill(tf.shape(logits), tf.constant(label, logits.dtype))
    return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits))


# Goodfellow et al. 2014, arXiv:1406.2661, section 3 (G maximises log D(G(z)));
# one-sided label smoothing: Salimans et al. 2016, arXiv:1606.03498, section 3.4.
def _non_saturating_d(gan):
    return {'d_loss_real': cross_entropy(gan.real_logits, 1.0 - gan.cfg.label_smoothing),   # -log D(x)
            'd_loss_fake': cross_entropy(gan.fake_logits, 0.0)}                             # -log(1 - D(G(z)))


def _non_saturating_g(gan):
    return cross_entropy(gan.fake_logits, 1.0)                                              # -log D(G(z))


# Mao et al. 2017, arXiv:1611.04076, equation 9 with a = 0, b = c = 1.
def _least_squares_d(gan):
    return {'d_loss_real': 0.5 * tf.reduce_mean(tf.square(gan.real_logits - (1.0 - gan.cfg.label_smoothing))),
            'd_loss_fake': 0.5 * tf.reduce_mean(tf.square(gan.fake_logits))}


def _least_squares_g(gan):
    return 0.5 * tf.reduce_mean(tf.square(gan.fake_logits - 1.0))


# Lim and Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, equations 16 and 17.
def _hinge_d(gan):
    return {'d_loss_real': tf.reduce_mean(tf.nn.relu(1.0 - gan.real_logits)),
            'd_loss_fake': tf.reduce_mean(tf.nn.relu(1.0 + gan.fake_logits))}


def _hinge_g(gan):
    return -tf.reduce_mean(gan.fake_logits)


non_saturating = Loss(_non_saturating_d, _non_saturating_g)
least_squares = Loss(_least_squares_d, _least_squares_g)
hinge = Loss(_hinge_d, _hinge_g)

BY_NAME = {'non_saturating': non_saturating, 'least_squares': least_squares, 'hinge': hinge}
