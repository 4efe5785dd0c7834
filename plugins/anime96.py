"""AnimeGAN: faces at 96x96, in -1..1; any other size works.

Networks, rates and schedule: AnimeGAN of chenyuntc's pytorch-book: D on every batch, G on every fifth, each update
with z of its own, z ~ N(0,1). Layer names are the original's module names (generator/main.0/kernel is its
main.0.weight).
Run: python main.py --plugin anime96 --dataset faces --train
     python main.py --plugin anime96 --dataset faces --generate_test_images 64 --search 512
"""
import math

import losses
from ops import batch_norm, conv, conv_transpose, fan_in_uniform, lrelu
from plugins import Objective, Plugin, Update
from tf1 import tf


def _sizes(cfg):
    """The (height, width) of G's layers: a base of 4x4 for 96x96 images, three doublings, then three times that."""
    return [(math.ceil(cfg.output_height / n), math.ceil(cfg.output_width / n)) for n in (24, 12, 6, 3, 1)]


def generator(z, y, cfg, training):
    """z [B,z_dim] -> images [B,H,W,C] in [-1,1]; y is not used."""
    base, *doubled, full = _sizes(cfg)
    batch, f = tf.shape(z)[0], cfg.gf_dim
    layer = dict(use_bias=False, kernel_initializer=fan_in_uniform())
    h = z[:, tf.newaxis, tf.newaxis, :]                                                   # [B,1,1,z_dim]
    h = conv_transpose(h, [batch, *base, 8 * f], base, 1, 'main.0', padding='VALID', **layer)
    h = tf.nn.relu(batch_norm(name='main.1')(h, train=training))                          # [B,H/24,W/24,8f]
    for number, size, width in zip((3, 6, 9), doubled, (4 * f, 2 * f, f)):                # to [B,H/3,W/3,f]
        h = conv_transpose(h, [batch, *size, width], 4, 2, f'main.{number}', **layer)
        h = tf.nn.relu(batch_norm(name=f'main.{number + 1}')(h, train=training))
    return tf.tanh(conv_transpose(h, [batch, *full, cfg.c_dim], 5, 3, 'main.12', **layer))


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [-1,1] -> logits [B,1]; y is not used."""
    f, layer = cfg.df_dim, dict(use_bias=False, kernel_initializer=fan_in_uniform())
    h = lrelu(conv(x, f, 5, 3, 'main.0', **layer))                                        # [B,H/3,W/3,f]
    for number, width in zip((2, 5, 8), (2 * f, 4 * f, 8 * f)):                           # to [B,H/24,W/24,8f]
        h = conv(h, width, 4, 2, f'main.{number}', **layer)
        h = lrelu(batch_norm(name=f'main.{number + 1}')(h, train=training))
    return conv(h, 1, _sizes(cfg)[0], 1, 'main.11', padding='VALID', **layer)[:, 0, 0, :]   # [B,1]


PLUGIN = Plugin('anime96', generator, discriminator,
                Objective(losses.non_saturating, (Update('d', z='fresh'), Update('g', every=5, z='fresh')),
                          epsilon_form='torch'),
                flags=dict(input_height=96, output_height=96, batch_size=256, epoch=200, z_dist='normal01',
                           sample_freq=20, ckpt_epochs=10),
                source='AnimeGAN, chenyuntc/pytorch-book')
