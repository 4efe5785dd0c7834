"""The plugin contract: one file per GAN, each exposing one frozen `PLUGIN`. The folder listing is the registry.

A plugin says what differs between GANs: its networks, its objective (losses and the schedule of updates), how images
are valued, and which flag defaults differ. It sees neither FLAGS nor sessions. docs/plugins.md walks through one.
"""
import dataclasses
import hashlib
import importlib
import importlib.util
import os
import pathlib
import sys
from typing import Callable

import losses
from config import nearest
from errors import UserError

FOLDER = pathlib.Path(__file__).parent
DEFAULT = 'dcgan'


@dataclasses.dataclass(frozen=True)
class Update:
    """One update of one player within a step.

    player: 'd' or 'g'.
    every: runs on the batches whose number (from 0) is a multiple of this.
    z: 'step' = the z drawn once for the whole step; 'fresh' = drawn for this update alone.
    fake: 'current' = images of the generator as the updates before this one left it;
          'previous' = the very images that the update before this one used.
    critic_training: whether the discriminator runs in training mode (batch statistics, dropout) in this update.
    """
    player: str
    every: int = 1
    z: str = 'step'
    fake: str = 'current'
    critic_training: bool = True


D_ONCE_G_TWICE = (Update('d'), Update('g'), Update('g'))


@dataclasses.dataclass(frozen=True)
class Objective:
    """Losses and schedule.

    loss: a losses.Loss: d_loss(gan) -> {name: scalar} whose sum is D's loss, g_loss(gan) -> scalar.
        `gan` has real [B,H,W,C], fake [B*fake_batches,H,W,C], y [B,K] or None, fake_y, real_logits, fake_logits
        (computed when first read), critic(x, y) -> logits for penalties and joint passes, and cfg.
    updates: the schedule of one step, in order.
    fake_batches: generated images per update, in batches.
    beta2: Adam's beta2 (beta1 and the rates are flags).
    shared_optimizer: one Adam (and one step count, in its bias correction) for both players.
    adam_epsilon: Adam's epsilon.
    epsilon_form: where epsilon stands: 'tf' = sqrt(v) + eps with the bias correction in the rate (Kingma and Ba 2014,
        end of section 2; TensorFlow and Keras), 'torch' = sqrt(v / (1 - beta2^t)) + eps (their Algorithm 1; PyTorch).
    """
    loss: losses.Loss
    updates: tuple = D_ONCE_G_TWICE
    fake_batches: int = 1
    beta2: float = 0.999
    shared_optimizer: bool = False
    adam_epsilon: float = 1e-8
    epsilon_form: str = 'tf'


@dataclasses.dataclass(frozen=True)
class Plugin:
    """What a plugin file exposes as PLUGIN.

    name: equals the file's stem.
    generator: (z [B,z_dim], y [B,y_dim] or None, cfg, training) -> images [B,H,W,C] in value_range.
    discriminator: (x [B,H,W,C] in value_range, y, cfg, training) -> logits [B,1], no sigmoid.
    objective: Objective.
    value_range: (low, high) of the images of G, and of those fed to D.
    conditional: 'never', 'optional' (when --labels is given) or 'always' (on the data set's own labels).
    dataset: (cfg) -> data.Dataset; None = whatever --dataset names.
    flags: {flag: default} where they differ from config.py.
    source: the paper or repository that it reproduces.
    """
    name: str
    generator: Callable
    discriminator: Callable
    objective: Objective
    value_range: tuple = (-1.0, 1.0)
    conditional: str = 'never'
    dataset: Callable = None
    flags: dict = dataclasses.field(default_factory=dict)
    source: str = ''

    def open_dataset(self, cfg):
        """The data set of this plugin: its own, or the one that --dataset names."""
        import data    # here: listing plugins needs no data readers
        return (self.dataset or data.open_dataset)(cfg)


def names():
    """The plugins in this folder, sorted."""
    return sorted(path.stem for path in FOLDER.glob('*.py') if not path.stem.startswith('_'))


def choose(plugin, dataset):
    """--plugin if given, else the plugin named like the data set, else the default. Returns a name or a path."""
    if plugin:
        return plugin
    return dataset if dataset in names() else DEFAULT


def load(name):
    """The PLUGIN of a name in this folder or of a path to a .py file (the only code from outside that is ever run).

    Raises UserError that names what is wrong with the file.
    """
    if name.endswith('.py'):
        return _checked(_from_path(os.path.abspath(name)), os.path.basename(name)[:-3], name)
    if name not in names():
        raise UserError(f'--plugin={name}: no such plugin; there are {", ".join(names())}, or give the path of your '
                        f'own .py file{nearest(name, names())}')
    return _checked(importlib.import_module(f'plugins.{name}'), name, f'plugins/{name}.py')


def classes(plugin, cfg, dataset):
    """The number of classes that the networks are conditioned on; 0 = none. Raises UserError when labels are missing."""
    if plugin.conditional == 'never' and cfg.labels:
        raise UserError(f'--labels={cfg.labels}: plugin {plugin.name} is not conditional; leave --labels out, or choose '
                        f'a conditional --plugin such as {DEFAULT}')
    if plugin.conditional != 'always' and not cfg.labels:
        return 0
    if not dataset.num_classes:
        raise UserError(f'plugin {plugin.name} needs labels and data set {dataset.name} has none: give --labels folder '
                        f'(a sub-folder a class) or --labels file.csv')
    return dataset.num_classes


def with_flags(objective, cfg):
    """The objective with what --loss, --d_steps and --g_steps change."""
    updates = objective.updates
    for player, steps in (('d', cfg.d_steps), ('g', cfg.g_steps)):
        own = [update for update in updates if update.player == player]
        if steps is not None and steps != len(own):
            first = updates.index(own[0])
            others = [update for update in updates[first:] if update.player != player]
            updates = updates[:first] + (own[0],) * steps + tuple(others)
    loss = losses.BY_NAME[cfg.loss] if cfg.loss else objective.loss
    return dataclasses.replace(objective, updates=tuple(updates), loss=loss)


def _from_path(path):
    if not os.path.isfile(path):
        raise UserError(f'--plugin={path}: no such file')
    module_name = 'plugin_' + hashlib.sha1(path.encode()).hexdigest()[:12]
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise UserError(f'--plugin={path}: line {error.lineno}: {error.msg}') from error
    sys.modules[module_name] = module
    return module


def _checked(module, stem, where):
    plugin = getattr(module, 'PLUGIN', None)
    if not isinstance(plugin, Plugin):
        raise UserError(f'--plugin={where}: it has no PLUGIN = Plugin(...) (found {type(plugin).__name__})')
    if plugin.name != stem:
        raise UserError(f'--plugin={where}: PLUGIN.name is {plugin.name!r}, expected the name of the file, {stem!r}')
    for field in ('generator', 'discriminator'):
        if not callable(getattr(plugin, field)):
            raise UserError(f'--plugin={where}: PLUGIN.{field} is {getattr(plugin, field)!r}, expected a function')
    objective = plugin.objective
    if not isinstance(objective, Objective) or not isinstance(objective.loss, losses.Loss):
        raise UserError(f'--plugin={where}: PLUGIN.objective is {objective!r}, expected Objective(losses.Loss, updates)')
    players = {update.player for update in objective.updates}
    if players != {'d', 'g'}:
        raise UserError(f'--plugin={where}: PLUGIN.objective.updates update {sorted(players)}, expected both d and g')
    if plugin.conditional not in ('never', 'optional', 'always'):
        raise UserError(f'--plugin={where}: PLUGIN.conditional is {plugin.conditional!r}, expected never | optional | always')
    low, high = plugin.value_range
    if not low < high:
        raise UserError(f'--plugin={where}: PLUGIN.value_range is {plugin.value_range}, expected (low, high)')
    return plugin
