"""Fully connected GAN on flattened images of any size, in -1..1; wider and deeper where they have colour.

Networks, initialisers and schedule: an MLP GAN in PyTorch, on MNIST; D on every third batch, G on every one, each
update with z of its own, z ~ N(0,1). Its variant for CelebA has wider and more layers, and so have colour images
here. Layer names are the original's module names (generator/0/kernel is its 0.weight).
Run: python main.py --plugin mlp --dataset mnist --train
     python main.py --plugin mlp --dataset faces --output_height 48 --train
"""
import math

import losses
from ops import dense, fan_in_uniform, lrelu
from plugins import Objective, Plugin, Update
from tf1 import tf


def _hidden(cfg):
    """(G's, D's) hidden widths: by default 256 256 and 256 64; for colour 256 512 1024 and 1024 512 256 64."""
    g, d = cfg.gfc_dim, cfg.dfc_dim
    if cfg.c_dim == 1:
        return (g, g), (d, cfg.df_dim)
    return (g, 2 * g, 4 * g), (4 * d, 2 * d, d, cfg.df_dim)


def _layers(h, widths):
    """Dense layers, leaky ReLU between them. They are numbered 0, 2, 4, ...: in the original, activations count too."""
    for i, width in enumerate(widths):
        if i:
            h = lrelu(h, leak=0.01)
        bound = 1 / math.sqrt(h.shape[1])                                  # PyTorch's default for biases
        h = dense(h, width, str(2 * i), kernel_initializer=fan_in_uniform(),
                  bias_initializer=tf.random_uniform_initializer(-bound, bound))
    return h


def generator(z, y, cfg, training):
    """z [B,z_dim] -> images [B,H,W,C] in [-1,1]; y is not used."""
    shape = [cfg.output_height, cfg.output_width, cfg.c_dim]
    return tf.reshape(tf.tanh(_layers(z, (*_hidden(cfg)[0], math.prod(shape)))), [-1, *shape])


def discriminator(x, y, cfg, training):
    """x [B,H,W,C] in [-1,1] -> logits [B,1]; y is not used."""
    return _layers(tf.reshape(x, [-1, math.prod(x.shape[1:])]), (*_hidden(cfg)[1], 1))


PLUGIN = Plugin('mlp', generator, discriminator,
                Objective(losses.non_saturating, (Update('d', every=3, z='fresh'), Update('g', z='fresh')),
                          epsilon_form='torch'),
                flags=dict(dataset='mnist', input_height=28, output_height=28, z_dim=64, z_dist='normal01',
                           beta1=0.9, epoch=200, gfc_dim=256, dfc_dim=256),
                source='MLP GAN (PyTorch), MNIST and CelebA')
