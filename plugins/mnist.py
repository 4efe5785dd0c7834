"""Conditional DCGAN on MNIST, or on any labelled data set such as Fashion-MNIST; images in 0..1.

Networks: DCGAN-tensorflow, model.py, `discriminator` and `generator` where y_dim is set (28x28 there; any
size here). The label y joins every layer's input, as maps or columns (Mirza and Osindero 2014, arXiv:1411.1784).
Run: python main.py --dataset mnist --train
     python main.py --plugin mnist --dataset fashion --train
"""
import math

import losses
from ops import batch_norm, conv2d, deconv2d, linear, lrelu
from plugins import D_ONCE_G_TWICE, Objective, Plugin
from tf1 import tf


def generator(z, y, cfg, training):
    """z [B,z_dim], y [B,y_dim] -> images [B,H,W,C] in [0,1]."""
    h4, w4 = math.ceil(cfg.output_height / 4), math.ceil(cfg.output_width / 4)
    h2, w2 = math.ceil(cfg.output_height / 2), math.ceil(cfg.output_width / 2)
    batch, f = tf.shape(z)[0], cfg.gf_dim
    h = linear(tf.concat([z, y], 1), cfg.gfc_dim, 'g_h0_lin')
    h = tf.concat([tf.nn.relu(batch_norm(name='g_bn0')(h, train=training)), y], 1)          # [B,gfc+K]
    h = linear(h, 2 * f * h4 * w4, 'g_h1_lin')
    h = tf.nn.relu(batch_norm(name='g_bn1')(h, train=training))
    h = tf.reshape(h, [-1, h4, w4, 2 * f])                                                  # [B,H/4,W/4,2f]
    h = deconv2d(h, [batch, h2, w2, 2 * f], name='g_h2', y=y)
    h = tf.nn.relu(batch_norm(name='g_bn2')(h, train=training))                             # [B,H/2,W/2,2f]
    return tf.sigmoid(deconv2d(h, [batch, cfg.output_height, cfg.output_width, cfg.c_dim], name='g_h3', y=y))


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [0,1], y [B,y_dim] -> logits [B,1]."""
    h = lrelu(conv2d(x, cfg.c_dim + cfg.y_dim, name='d_h0_conv', y=y))                      # [B,H/2,W/2,C+K]
    h = conv2d(h, cfg.df_dim + cfg.y_dim, name='d_h1_conv', y=y)
    h = lrelu(batch_norm(name='d_bn1')(h, train=training))                                  # [B,H/4,W/4,df+K]
    h = tf.reshape(h, [-1, h.shape[1] * h.shape[2] * h.shape[3]])
    h = linear(tf.concat([h, y], 1), cfg.dfc_dim, 'd_h2_lin')
    h = tf.concat([lrelu(batch_norm(name='d_bn2')(h, train=training)), y], 1)               # [B,dfc+K]
    return linear(h, 1, 'd_h3_lin')                                                         # [B,1]


PLUGIN = Plugin('mnist', generator, discriminator,
                Objective(losses.non_saturating, D_ONCE_G_TWICE),
                value_range=(0.0, 1.0),            # G ends in a sigmoid
                conditional='always',
                flags=dict(dataset='mnist', labels='builtin', input_height=28, output_height=28),
                source='carpedm20/DCGAN-tensorflow (--dataset mnist)')
