"""CatDCGAN: cat faces at 128x128, in -1..1; any other size works.

Networks, initialisers and rates: simoninithomas/CatDCGAN (notebook). Its tensors keep their names
(generator/trans_conv1/kernel, generator/batch_trans_conv1/gamma, ...), so that its checkpoints load.
Run: python main.py --plugin cat128 --dataset cats --train
     python main.py --plugin cat128 --dataset cats --train --label_smoothing 0.1   (as in its article)
"""
import math

import losses
from ops import batch_norm, collect_updates, conv, conv_transpose, dense, lrelu
from plugins import Objective, Plugin, Update
from tf1 import tf

MOMENTUM = 0.99     # tf.layers' default


def _kernels():
    return tf.truncated_normal_initializer(stddev=0.02)


def generator(z, y, cfg, training):
    """z [B,z_dim] -> images [B,H,W,C] in [-1,1]; y is not used."""
    sizes = [(math.ceil(cfg.output_height / n), math.ceil(cfg.output_width / n)) for n in (16, 8, 4, 2, 1)]
    batch, f = tf.shape(z)[0], cfg.gf_dim
    h = lrelu(dense(z, sizes[0][0] * sizes[0][1] * 16 * f, 'dense'))   # no batch norm here
    h = tf.reshape(h, [-1, *sizes[0], 16 * f])                             # [B,H/16,W/16,16f]
    for i, (size, width) in enumerate(zip(sizes[1:], (8 * f, 4 * f, 2 * f, f)), 1):
        h = conv_transpose(h, [batch, *size, width], 5, 2, f'trans_conv{i}', kernel_initializer=_kernels())
        h = lrelu(batch_norm(momentum=MOMENTUM, name=f'batch_trans_conv{i}')(h, train=training))
    h = conv_transpose(h, [batch, *sizes[-1], cfg.c_dim], 5, 1, 'logits', kernel_initializer=_kernels())
    return tf.tanh(h)


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [-1,1] -> logits [B,1]; y is not used.

    It always uses the statistics of its batch: its moving averages, which the original never updates, stay 0 and 1.
    """
    h, f = x, cfg.df_dim
    with collect_updates():        # of the moving averages: collected, and left undone
        for i, (width, stride) in enumerate([(f, 2), (2 * f, 2), (4 * f, 2), (8 * f, 1), (16 * f, 2)], 1):
            h = conv(h, width, 5, stride, f'conv{i}', kernel_initializer=_kernels())
            h = lrelu(batch_norm(momentum=MOMENTUM, name=f'batch_norm{i}')(h, train=True))
    return dense(tf.reshape(h, [-1, h.shape[1] * h.shape[2] * h.shape[3]]), 1, 'dense')


PLUGIN = Plugin('cat128', generator, discriminator,
                Objective(losses.non_saturating, (Update('d'), Update('g'))),
                flags=dict(dataset='cats', input_height=128, output_height=128, epoch=215, sample_freq=10,
                           ckpt_epochs=5, d_learning_rate=5e-5, g_learning_rate=2e-4),
                source='simoninithomas/CatDCGAN')
