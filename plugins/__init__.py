"""The plugin contract: one file per GAN, each exposing one frozen `PLUGIN`. The folder listing is the registry.

A plugin says what differs between GANs: its networks, its objective (losses and the schedule of updates), how images
are valued, and which flag defaults differ. It sees neither FLAGS nor sessions. docs/plugins.md walks through one.
"""
import dataclasses
import hashlib
import importlib
import importlib.util
import inspect
import os
import pathlib
import re
import sys
from typing import Callable

import losses
from config import flag_fields, nearest
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
        if self.dataset is None:
            return data.open_dataset(cfg)
        try:
            dataset = self.dataset(cfg)
        except ValueError as error:        # from data.from_arrays: shape, range or labels
            raise UserError(f'plugin {self.name}: PLUGIN.dataset: {error}') from error
        if not isinstance(dataset, data.Dataset):
            raise UserError(f'plugin {self.name}: PLUGIN.dataset returns a {type(dataset).__name__}, expected a data.Dataset such '
                            f'as data.from_arrays(images) makes')
        height, width, _ = dataset.image_shape
        if (height, width) != (cfg.output_height, cfg.output_width):
            raise UserError(f'plugin {self.name}: PLUGIN.dataset has images of {height}x{width}, --output_height and --output_width '
                            f'say {cfg.output_height}x{cfg.output_width}: type --output_height {height} --output_width {width}')
        return dataset


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
    """The objective with what --loss, --d_steps and --g_steps change. Raises UserError for rates that it cannot have."""
    if objective.shared_optimizer and cfg.d_lr != cfg.g_lr:
        raise UserError(f'--d_learning_rate={cfg.d_lr:g}, --g_learning_rate={cfg.g_lr:g}: plugin {cfg.plugin} updates both networks '
                        f'with one optimizer: give --learning_rate instead')
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
    module = sys.modules[module_name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[module_name]
        reason = _reason(error)
        if reason is None:
            raise                          # a programming error: its traceback says more than we could
        raise UserError(f'--plugin={path}: {reason}') from error
    return module


def _reason(error):
    """One line on an error that ended the import of a plugin, or None for one that is no slip in the contract."""
    if isinstance(error, SyntaxError):
        return f'line {error.lineno}: {error.msg}'
    if isinstance(error, ImportError):
        return f'line {_line(error)}: {error}'
    wrong = re.match(r'(Plugin|Objective|Update)\.__init__\(\) (.*)', str(error)) if isinstance(error, TypeError) else None
    return f'line {_line(error)}: {wrong[1]}(...) {wrong[2]}' if wrong else None


def _line(error):
    """The line of the plugin file that raised: the first frame below the import machinery and us."""
    traceback = error.__traceback__
    while traceback and '<frozen importlib' not in traceback.tb_frame.f_code.co_filename:
        traceback = traceback.tb_next
    while traceback and '<frozen importlib' in traceback.tb_frame.f_code.co_filename:
        traceback = traceback.tb_next
    return traceback.tb_lineno


def _checked(module, stem, where):
    plugin = getattr(module, 'PLUGIN', None)
    if not isinstance(plugin, Plugin):
        raise UserError(f'--plugin={where}: it has no PLUGIN = Plugin(...) (found {type(plugin).__name__})')
    if plugin.name != stem:
        raise UserError(f'--plugin={where}: PLUGIN.name is {plugin.name!r}, expected the name of the file, {stem!r}')

    def expect(right, field, value, expected):
        if not right:
            raise UserError(f'--plugin={where}: PLUGIN.{field} is {value!r}, expected {expected}')

    for field, arguments in (('generator', 'z, y, cfg, training'), ('discriminator', 'x, y, cfg, training'), ('dataset', 'cfg')):
        function = getattr(plugin, field)
        if field != 'dataset' or function is not None:
            expect(_takes(function, arguments.count(',') + 1), field, function, f'a function ({arguments})')
    expect(plugin.conditional in ('never', 'optional', 'always'), 'conditional', plugin.conditional, 'never | optional | always')
    value_range = plugin.value_range
    expect(isinstance(value_range, (tuple, list)) and len(value_range) == 2 and value_range[0] < value_range[1],
           'value_range', value_range, '(low, high)')
    flags = [field.name for field in flag_fields()]
    expect(isinstance(plugin.flags, dict), 'flags', plugin.flags, 'a dict {flag: default}')
    for flag in plugin.flags:
        expect(flag in flags, 'flags', plugin.flags, f'names of flags, which {flag} is not{nearest(str(flag), flags)}')

    objective = plugin.objective
    expect(isinstance(objective, Objective), 'objective', objective, 'an Objective(loss, updates)')
    expect(isinstance(objective.loss, losses.Loss), 'objective.loss', objective.loss, 'a losses.Loss(d_loss, g_loss)')
    expect(objective.epsilon_form in ('tf', 'torch'), 'objective.epsilon_form', objective.epsilon_form, 'tf | torch')
    updates = objective.updates
    expect(isinstance(updates, tuple) and all(isinstance(update, Update) for update in updates), 'objective.updates', updates,
           "a tuple such as (Update('d'), Update('g'))")
    for number, update in enumerate(updates):
        for field, choices in (('player', ('d', 'g')), ('z', ('step', 'fresh')), ('fake', ('current', 'previous'))):
            value = getattr(update, field)
            expect(value in choices, f'objective.updates[{number}].{field}', value, ' | '.join(choices))
        expect(isinstance(update.every, int) and update.every >= 1, f'objective.updates[{number}].every', update.every,
               'a whole number of at least 1')
    players = sorted({update.player for update in updates})
    expect(players == ['d', 'g'], 'objective.updates', updates, 'at least one update of d and one of g')
    expect(any(update.every == 1 for update in updates), 'objective.updates', updates, 'at least one update with every=1')
    return plugin


def _takes(function, count):
    """Whether a function can be called with `count` positional arguments."""
    if not callable(function):
        return False
    try:
        inspect.signature(function).bind(*[None] * count)
    except TypeError:
        return False
    return True
