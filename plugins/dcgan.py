"""DCGAN on any folder of images, at any size: the default.

Networks: DCGAN-tensorflow, model.py, `discriminator` and `generator` (Radford et al. 2015, arXiv:1511.06434, with 512
instead of 1024 maps at the base). Conditional on labels when --labels is given.
Run: python main.py --dataset faces --input_height 96 --output_height 48 --crop --train
"""
import math

import losses
from ops import batch_norm, conv2d, deconv2d, linear, lrelu
from plugins import D_ONCE_G_TWICE, Objective, Plugin
from tf1 import tf


def half(size):
    """The size before a stride-2 layer with SAME padding doubled it: odd sizes work."""
    return math.ceil(size / 2)


def generator(z, y, cfg, training):
    """z [B,z_dim], y [B,y_dim] or None -> images [B,H,W,C] in [-1,1]; layer i is ceil(size / 2^(4-i))."""
    sizes = [(cfg.output_height, cfg.output_width)]
    for _ in range(4):
        sizes.insert(0, (half(sizes[0][0]), half(sizes[0][1])))
    batch, f = tf.shape(z)[0], cfg.gf_dim
    if y is not None:
        z = tf.concat([z, y], 1)
    (h0, w0), (h1, w1), (h2, w2), (h3, w3), (h4, w4) = sizes
    h = tf.reshape(linear(z, 8 * f * h0 * w0, 'g_h0_lin'), [-1, h0, w0, 8 * f])               # [B,H/16,W/16,8f]
    h = tf.nn.relu(batch_norm(name='g_bn0')(h, train=training))
    h = deconv2d(h, [batch, h1, w1, 4 * f], name='g_h1')                                      # [B,H/8,W/8,4f]
    h = tf.nn.relu(batch_norm(name='g_bn1')(h, train=training))
    h = deconv2d(h, [batch, h2, w2, 2 * f], name='g_h2')                                      # [B,H/4,W/4,2f]
    h = tf.nn.relu(batch_norm(name='g_bn2')(h, train=training))
    h = deconv2d(h, [batch, h3, w3, f], name='g_h3')                                          # [B,H/2,W/2,f]
    h = tf.nn.relu(batch_norm(name='g_bn3')(h, train=training))
    return tf.tanh(deconv2d(h, [batch, h4, w4, cfg.c_dim], name='g_h4'))                      # [B,H,W,C]


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [-1,1], y [B,y_dim] or None -> logits [B,1]."""
    f = cfg.df_dim
    h = lrelu(conv2d(x, f, name='d_h0_conv', y=y))                                            # [B,H/2,W/2,f]
    h = lrelu(batch_norm(name='d_bn1')(conv2d(h, 2 * f, name='d_h1_conv'), train=training))   # [B,H/4,W/4,2f]
    h = lrelu(batch_norm(name='d_bn2')(conv2d(h, 4 * f, name='d_h2_conv'), train=training))   # [B,H/8,W/8,4f]
    h = lrelu(batch_norm(name='d_bn3')(conv2d(h, 8 * f, name='d_h3_conv'), train=training))   # [B,H/16,W/16,8f]
    return linear(tf.reshape(h, [-1, h.shape[1] * h.shape[2] * h.shape[3]]), 1, 'd_h4_lin')   # [B,1]


PLUGIN = Plugin('dcgan', generator, discriminator,
                Objective(losses.non_saturating, D_ONCE_G_TWICE),   # G twice: "to make sure that d_loss does not go to zero"
                conditional='optional',
                source='carpedm20/DCGAN-tensorflow; Radford et al. 2015')
