"""The training steps of dcgan and anime96 in PyTorch, for peers.py.

Written to run well: fused losses on logits, no gradients that no update uses, G(z) computed once where two updates share it.
Each builder takes the batch size and 'contiguous_format' or 'channels_last', and returns a function that makes one step.
"""
import itertools
import os

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits

LABELS = {'real': 1.0, 'fake': 0.0}


class Trainer:
    """Two networks in a memory layout, Adam for each, and a batch of images that stands for the data."""

    def __init__(self, generator, discriminator, batch, size, layout):
        torch.set_num_threads(len(os.sched_getaffinity(0)))
        torch.manual_seed(0)
        layout = getattr(torch, layout)
        self.g, self.d = generator.to(memory_format=layout), discriminator.to(memory_format=layout)
        self.g_adam, self.d_adam = (torch.optim.Adam(net.parameters(), 2e-4, (0.5, 0.999)) for net in (self.g, self.d))
        self.real = (torch.rand(batch, 3, size, size) * 2 - 1).contiguous(memory_format=layout)

    def update_d(self, fake):
        self.d_adam.zero_grad()
        (self._loss(self.real, 'real') + self._loss(fake.detach(), 'fake')).backward()
        self.d_adam.step()

    def update_g(self, fake):
        self.d.requires_grad_(False)
        self.g_adam.zero_grad()
        self._loss(fake, 'real').backward()
        self.g_adam.step()
        self.d.requires_grad_(True)

    def _loss(self, images, label):
        logits = self.d(images).flatten()
        return binary_cross_entropy_with_logits(logits, torch.full_like(logits, LABELS[label]))


def dcgan(batch, layout):
    """48x48 with SAME padding: 5x5 kernels at stride 2 between 3x3x512 and the image; D once, G twice, all on one z."""
    def down(maps, out):
        return nn.Conv2d(maps, out, 5, 2, 2)

    def up(maps, out):
        return nn.ConvTranspose2d(maps, out, 5, 2, 2, output_padding=1)

    generator = nn.Sequential(nn.Linear(100, 512 * 3 * 3), nn.Unflatten(1, (512, 3, 3)), nn.BatchNorm2d(512), nn.ReLU(),
                              *_blocks(up, (512, 256, 128, 64), nn.ReLU()), up(64, 3), nn.Tanh())
    discriminator = nn.Sequential(down(3, 64), nn.LeakyReLU(0.2), *_blocks(down, (64, 128, 256, 512), nn.LeakyReLU(0.2)),
                                  nn.Flatten(), nn.Linear(512 * 3 * 3, 1))
    trainer = Trainer(generator, discriminator, batch, 48, layout)

    def step():
        z = torch.rand(batch, 100) * 2 - 1
        fake = trainer.g(z)
        trainer.update_d(fake)
        trainer.update_g(fake)
        trainer.update_g(trainer.g(z))
    return step


def anime96(batch, layout):
    """AnimeGAN: D on every batch, G on every fifth, each on z of its own."""
    def down(maps, out):
        return nn.Conv2d(maps, out, 4, 2, 1, bias=False)

    def up(maps, out):
        return nn.ConvTranspose2d(maps, out, 4, 2, 1, bias=False)

    generator = nn.Sequential(nn.Unflatten(1, (100, 1, 1)), nn.ConvTranspose2d(100, 512, 4, bias=False),
                              nn.BatchNorm2d(512), nn.ReLU(), *_blocks(up, (512, 256, 128, 64), nn.ReLU()),
                              nn.ConvTranspose2d(64, 3, 5, 3, 1, bias=False), nn.Tanh())
    discriminator = nn.Sequential(nn.Conv2d(3, 64, 5, 3, 1, bias=False), nn.LeakyReLU(0.2),
                                  *_blocks(down, (64, 128, 256, 512), nn.LeakyReLU(0.2)), nn.Conv2d(512, 1, 4, bias=False))
    trainer = Trainer(generator, discriminator, batch, 96, layout)
    numbers = itertools.count()

    def step():
        with torch.no_grad():
            fake = trainer.g(torch.randn(batch, 100))
        trainer.update_d(fake)
        if next(numbers) % 5 == 0:
            trainer.update_g(trainer.g(torch.randn(batch, 100)))
    return step


def _blocks(convolution, widths, activation):
    """Convolution, batch norm and activation from each width to the next."""
    return [layer for maps, out in itertools.pairwise(widths)
            for layer in (convolution(maps, out), nn.BatchNorm2d(out), activation)]


STEPS = {'dcgan': dcgan, 'anime96': anime96}
