"""The DCGAN of mnistGANs: unconditional digits at 28x28, in -1..1; any other size works.

Networks, optimiser and order of updates: mnistGANs (Keras), DCGAN. A step takes --batch_size = n real images. G
moves first, on 2n images, D standing by in inference mode; then D, in one pass over the n real images and the first
n of G's. One Adam serves both. Layer names are those that Keras gives (generator/conv2d_transpose_1/kernel).
Run: python main.py --plugin mnist_keras --train
"""
import math

import losses
from ops import batch_norm, conv, conv_transpose, dense, dropout, lrelu
from plugins import Objective, Plugin, Update
from tf1 import tf


def _norm(suffix=''):
    """On moving averages even in training, as the original runs it: they stay 0 and 1, only gamma and beta act."""
    return batch_norm(epsilon=1e-3, momentum=0.99, name='batch_normalization' + suffix)


def generator(z, y, cfg, training):
    """z [B,z_dim] -> images [B,H,W,C] in [-1,1]; y is not used."""
    h4, w4 = math.ceil(cfg.output_height / 4), math.ceil(cfg.output_width / 4)
    h2, w2 = math.ceil(cfg.output_height / 2), math.ceil(cfg.output_width / 2)
    batch, f = tf.shape(z)[0], cfg.gf_dim
    h = tf.nn.relu(dense(z, h4 * w4 * 4 * f, 'dense', norm=_norm()))
    h = tf.reshape(h, [-1, h4, w4, 4 * f])                                             # [B,H/4,W/4,4f]
    h = tf.nn.relu(conv_transpose(h, [batch, h2, w2, 2 * f], 4, 2, 'conv2d_transpose', norm=_norm('_1')))    # [B,H/2,W/2,2f]
    size = [batch, cfg.output_height, cfg.output_width, f]
    h = tf.nn.relu(conv_transpose(h, size, 4, 2, 'conv2d_transpose_1', norm=_norm('_2')))                    # [B,H,W,f]
    return tf.tanh(conv(h, cfg.c_dim, 4, 1, 'conv2d'))


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [-1,1] -> logits [B,1]; y is not used."""
    h = x
    for suffix, width in (('', cfg.df_dim), ('_1', 2 * cfg.df_dim)):                   # to [B,H/4,W/4,2df]
        h = lrelu(conv(h, width, 4, 2, 'conv2d' + suffix, norm=_norm(suffix)), leak=0.3)
        h = dropout(h, cfg.dropout, training)
    return dense(tf.reshape(h, [-1, h.shape[1] * h.shape[2] * h.shape[3]]), 1, 'dense')


def _joint_d_loss(gan):
    """Mean cross-entropy of one pass over [the n real, the first n fakes] against labels [1, 0]."""
    n = gan.cfg.batch_size
    logits = gan.critic(tf.concat([gan.real, gan.fake[:n]], 0))
    gan.known_logits.update(real=logits[:n], fake=logits[n:])
    return {name: 0.5 * term for name, term in losses.non_saturating.d_loss(gan).items()}


PLUGIN = Plugin('mnist_keras', generator, discriminator,
                Objective(losses.Loss(_joint_d_loss, losses.non_saturating.g_loss),
                          (Update('g', critic_training=False), Update('d', fake='previous')),
                          fake_batches=2, shared_optimizer=True, adam_epsilon=1e-7),
                flags=dict(dataset='mnist', input_height=28, output_height=28, batch_size=32, epoch=20, sample_epochs=1,
                           z_dist='normal01', gf_dim=32),
                source='mnistGANs (Keras), DCGAN')
