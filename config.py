"""Every setting of a run: its default, its meaning, and the frozen `Config` that carries them.

One declaration serves the command line (`main.py` makes a flag of each), `--help`, `config.json` and the Python API.
Names and defaults are those of DCGAN-tensorflow (main.py of both of its versions) wherever it had the setting.
"""
import dataclasses
import difflib
import json
import math
import os
import sys
import typing

from errors import UserError

Z_DISTRIBUTIONS = ('uniform_signed', 'uniform_unsigned', 'normal01')
VISUALIZE_OPTIONS = ('grid', 'walk', 'walk_gif', 'zero_gif', 'merged_gif')   # upstream's numbers 0..4
LARGEST = 2 ** 16       # of any size, width or count: the products of a few of them still fit 64 bits


def setting(default, group, help_text, graph=False, choices=None):
    """A field of Config that is also a command-line flag.

    graph: changing it changes the variables of the graph, so a run cannot be resumed with another value.
    """
    metadata = dict(group=group, help=help_text, graph=graph, choices=choices)
    return dataclasses.field(default=default, metadata=metadata)


@dataclasses.dataclass(frozen=True)
class Config:
    """All settings of a run. Build one with `Config(...).resolved()`; `dataclasses.replace` makes variants."""

    # What to do
    train: bool = setting(False, 'What to do', 'Train; without it the newest checkpoint of the run is visualized.')
    visualize: bool = setting(False, 'What to do', 'Write the pictures that --option names.')
    export: bool = setting(False, 'What to do', 'Write a checkpoint for --batch_size and a SavedModel with named signatures.')
    freeze: bool = setting(False, 'What to do', 'Write a frozen graph (.pb) from node z to the sampler\'s output.')
    list_plugins: bool = setting(False, 'What to do', 'List the plugins with their data, size, objective and source.')

    # Data
    dataset: str = setting('celebA', 'Data', 'Folder under --data_dir, a path, or the name of a plugin with its own data.')
    data_dir: str = setting('./data', 'Data', 'Where data sets are.')
    input_fname_pattern: str = setting('*.jpg', 'Data', 'Pattern that the image files match.')
    input_height: int = setting(108, 'Data', 'Height of the centre crop that --crop takes of each image, in pixels.')
    input_width: int = setting(None, 'Data', 'Width of that crop; --input_height if not given.')
    output_height: int = setting(64, 'Data', 'Height of the images that the networks see, in pixels.', graph=True)
    output_width: int = setting(None, 'Data', 'Width of those images; --output_height if not given.', graph=True)
    crop: bool = setting(False, 'Data', 'Crop the centre of each image before resizing; without it the whole image is resized.')
    c_dim: str = setting('auto', 'Data', 'Channels: 1 grey, 3 colour, auto as the files are.', graph=True,
                         choices=('auto', '1', '3'))
    labels: str = setting('', 'Data', 'Train on labels: folder (a sub-folder a class), builtin (those of the data set), '
                                      'or a CSV file of file,label.', graph=True)
    train_size: float = setting(math.inf, 'Data', 'Use only a fixed subset of this many images.')
    cache_mb: int = setting(2048, 'Data', 'Keep the decoded images in memory while they fit this many MB; stream beyond.')
    max_bad_images: float = setting(0.01, 'Data', 'Stop when more than this share of the files cannot be read.')

    # Model
    plugin: str = setting('', 'Model', 'File in plugins/ or path of your own .py file; default: the one named like --dataset, '
                                       'else dcgan.', graph=True)
    z_dim: int = setting(100, 'Model', 'Length of the latent vector z.', graph=True)
    z_dist: str = setting('uniform_signed', 'Model', 'Distribution of z: U(-1,1), U(0,1) or N(0,1).', choices=Z_DISTRIBUTIONS)
    gf_dim: int = setting(64, 'Model', 'Width of the generator: filters of its last hidden layer.', graph=True)
    df_dim: int = setting(64, 'Model', 'Width of the discriminator: filters of its first layer.', graph=True)
    gfc_dim: int = setting(1024, 'Model', 'Width of the generator\'s dense layers, where it has some.', graph=True)
    dfc_dim: int = setting(1024, 'Model', 'Width of the discriminator\'s dense layers, where it has some.', graph=True)

    # Training
    epoch: int = setting(25, 'Training', 'Epochs in all, those before a resume included.')
    batch_size: int = setting(64, 'Training', 'Images a step.')
    learning_rate: float = setting(0.0002, 'Training', 'Adam\'s learning rate for both networks.')
    d_learning_rate: float = setting(None, 'Training', 'Learning rate of the discriminator; --learning_rate if not given.')
    g_learning_rate: float = setting(None, 'Training', 'Learning rate of the generator; --learning_rate if not given.')
    beta1: float = setting(0.5, 'Training', 'Adam\'s beta1 (decay of the mean gradient).')
    d_steps: int = setting(None, 'Training', 'Updates of the discriminator a step; the plugin\'s schedule if not given.')
    g_steps: int = setting(None, 'Training', 'Updates of the generator a step; the plugin\'s schedule if not given.')
    loss: str = setting('', 'Training', 'Loss of both networks; the plugin\'s if not given.',
                        choices=('', 'non_saturating', 'least_squares', 'hinge'))
    label_smoothing: float = setting(0.0, 'Training', 'One-sided label smoothing: real images are labelled 1 - this.')
    dropout: float = setting(0.3, 'Training', 'Dropout rate of discriminators that use dropout.')
    seed: int = setting(0, 'Training', 'Seed of everything random; the same seed repeats a run exactly.')

    # Run
    out_dir: str = setting('./out', 'Run', 'Where runs are written.')
    out_name: str = setting('', 'Run', 'Folder of this run under --out_dir; default: made from data, plugin and size.')
    checkpoint_dir: str = setting('checkpoint', 'Run', 'Checkpoints: folder inside the run when training; otherwise a run, '
                                                       'a folder or a checkpoint file to load.')
    sample_dir: str = setting('samples', 'Run', 'Pictures: folder inside the run, or a path.')
    sample_freq: int = setting(200, 'Run', 'Write a grid of samples every this many steps.')
    sample_epochs: int = setting(0, 'Run', 'Also write a grid at the end of every this many epochs; 0: by steps only.')
    ckpt_freq: int = setting(200, 'Run', 'Write a checkpoint every this many steps.')
    ckpt_epochs: int = setting(0, 'Run', 'Also write a checkpoint at the end of every this many epochs; 0: by steps only.')
    max_to_keep: int = setting(1, 'Run', 'Newest checkpoints to keep.')
    keep_every: int = setting(0, 'Run', 'Also keep for ever the checkpoint of every this many steps; 0: none.')
    resume_step: int = setting(None, 'Run', 'Go back to the checkpoint of this step; later ones are set aside, not deleted.')
    rescue_dir: str = setting('', 'Run', 'Where to save the training state if the run\'s folder cannot be written.')
    time_limit: float = setting(0.0, 'Run', 'Save and stop with status 75 (resume me) after this many minutes; 0: no limit.')
    G_img_sum: bool = setting(False, 'Run', 'Also write generated images to the TensorBoard log.')

    # Visualize
    option: str = setting('grid', 'Visualize', '0 grid, 1 walk, 2 walk_gif, 3 zero_gif, 4 merged_gif.')
    generate_test_images: int = setting(0, 'Visualize', 'Also write this many single images as PNG files.')
    grid: str = setting('', 'Visualize', 'Rows x columns of the sample grid, for example 4x6; default: near-square.')
    search: int = setting(0, 'Visualize', 'Draw this many candidates and keep the ones that D scores highest.')
    class_name: str = setting('', 'Visualize', 'Generate only this class (number or name) of a conditional model; also spelt --class_name.')
    z_file: str = setting('', 'Visualize', 'Take z from this .npy file of shape [N, z_dim].')

    # Set by the program, not by flags
    y_dim: int = 0                       # classes that the networks are conditioned on; 0: none
    pattern_is_default: bool = False     # --input_fname_pattern was not typed

    def resolved(self):
        """Widths filled in, paths expanded, values checked. Raises UserError naming the flag."""
        paths = {name: expand_path(getattr(self, name)) for name in
                 ('dataset', 'data_dir', 'out_dir', 'out_name', 'checkpoint_dir', 'sample_dir', 'rescue_dir', 'z_file')}
        for name, path in paths.items():
            if '\0' in path:
                raise UserError(f'--{name}={path!r}: no file can have a NUL in its name')
        if not self.plugin.endswith('.py'):
            paths['plugin'] = self.plugin
        else:
            paths['plugin'] = os.path.abspath(expand_path(self.plugin))
        config = dataclasses.replace(
            self, **paths, c_dim=str(self.c_dim), option=_option_name(self.option),
            input_width=self.input_height if self.input_width is None else self.input_width,
            output_width=self.output_height if self.output_width is None else self.output_width)
        config._check()
        return config

    def with_data(self, dataset, y_dim):
        """The settings that only the data can tell: channels and number of classes."""
        return dataclasses.replace(self, c_dim=int(dataset.image_shape[2]), y_dim=int(y_dim))

    @property
    def d_lr(self):
        return self.learning_rate if self.d_learning_rate is None else self.d_learning_rate

    @property
    def g_lr(self):
        return self.learning_rate if self.g_learning_rate is None else self.g_learning_rate

    def _check(self):
        for name in ('input_height', 'input_width', 'output_height', 'output_width', 'batch_size', 'z_dim', 'gf_dim',
                     'df_dim', 'gfc_dim', 'dfc_dim', 'epoch', 'sample_freq', 'ckpt_freq', 'max_to_keep', 'd_steps', 'g_steps'):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UserError(f'--{name}={value}: expected a whole number of at least 1')
        for name in ('input_height', 'input_width', 'output_height', 'output_width', 'batch_size', 'z_dim', 'gf_dim', 'df_dim', 'gfc_dim',
                     'dfc_dim', 'd_steps', 'g_steps'):
            if (getattr(self, name) or 0) > LARGEST:
                raise UserError(f'--{name}={getattr(self, name)}: expected at most {LARGEST:,}')
        for name in ('cache_mb', 'generate_test_images', 'search', 'keep_every', 'ckpt_epochs', 'sample_epochs', 'time_limit', 'seed'):
            if not getattr(self, name) >= 0:
                raise UserError(f'--{name}={getattr(self, name)}: expected 0 or more')
        if self.seed >= 2 ** 63:
            raise UserError(f'--seed={self.seed}: expected a whole number below 2^63')
        for name in ('learning_rate', 'd_learning_rate', 'g_learning_rate'):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f'--{name}={value}: expected a positive number such as 0.0002')
        for name in ('beta1', 'dropout'):
            if not 0 <= getattr(self, name) < 1:
                raise UserError(f'--{name}={getattr(self, name)}: expected a number from 0 up to, but not including, 1')
        for name in ('label_smoothing', 'max_bad_images'):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f'--{name}={getattr(self, name)}: expected a number from 0 to 1')
        if not self.train_size >= 1:
            raise UserError(f'--train_size={self.train_size}: expected a number of images of at least 1')
        if not self.dataset:
            raise UserError('--dataset is empty: give a folder under --data_dir, or a path')
        for field in flag_fields():
            choices, value = field.metadata['choices'], getattr(self, field.name)
            if choices and str(value) not in choices:
                raise UserError(f'--{field.name}={value}: expected {" | ".join(c for c in choices if c)}'
                                f'{nearest(str(value), choices)}')
        if self.grid:
            grid_size(self.grid)


TYPES = typing.get_type_hints(Config)       # {setting: type}


def expand_path(path):
    """~ and $VARS, as a shell would."""
    return os.path.expanduser(os.path.expandvars(path))


def flag_fields():
    """The fields of Config that are flags, in the order of --help."""
    return [field for field in dataclasses.fields(Config) if field.metadata]


def parse_record(data):
    """The bytes of a run's config.json → {'settings': {name: value of Config}, 'data': {...}, 'versions': {...}}.

    Raises ValueError that says what is wrong with it.
    """
    try:
        record = json.loads(data)
    except RecursionError:
        raise ValueError('nested too deeply') from None
    for part in ('settings', 'data', 'versions'):
        if not isinstance(record, dict) or not isinstance(record.get(part), dict):
            raise ValueError(f'it has no object called {part}')
    if not isinstance(record['data'].get('class_names'), list):
        raise ValueError('its data have no list class_names')
    settings = record['settings']
    missing = [field.name for field in flag_fields() if (field.metadata['graph'] or field.name == 'dataset') and field.name not in settings]
    if missing:
        raise ValueError(f'it has no setting {missing[0]}')
    return {**record, 'settings': {name: _checked_setting(name, value) for name, value in settings.items()}}


def _checked_setting(name, value):
    """A value of config.json as Config has it. Raises ValueError for an unknown name or another type."""
    if name not in TYPES:
        raise ValueError(f'unknown setting {name[:50] if name.isprintable() else ascii(name[:50])}{nearest(name[:50], TYPES)}')
    if value is None and getattr(Config, name) is None:
        return value
    if value == 'inf' and TYPES[name] is float:
        return math.inf
    accepted, words = {bool: (bool, 'true or false'), int: (int, 'a whole number'), float: ((int, float), 'a number'),
                       str: ((int, str) if name == 'c_dim' else str, 'a text')}[TYPES[name]]
    if not isinstance(value, accepted) or isinstance(value, bool) and TYPES[name] is not bool or \
            TYPES[name] is float and isinstance(value, int) and abs(value) > sys.float_info.max or \
            isinstance(value, str) and value.encode(errors='ignore').decode() != value:         # half a character: no file has that name
        raise ValueError(f'{name} is {str(value)[:50]!r}, expected {words}')
    return value


def nearest(word, words):
    """' (did you mean X?)' when one of `words` is close to `word`, else ''."""
    close = difflib.get_close_matches(word, [w for w in words if w], n=1, cutoff=0.6)
    return f' (did you mean {close[0]}?)' if close else ''


def grid_size(text):
    """'4x6' → (4, 6): rows, columns. Raises UserError."""
    rows, _, columns = text.lower().partition('x')
    if not (rows.isdecimal() and columns.isdecimal() and int(rows) and int(columns)):
        raise UserError(f'--grid={text}: expected rows x columns, for example --grid 4x6')
    return int(rows), int(columns)


def _option_name(option):
    """Upstream's numbers 0..4 and our names are the same thing."""
    option = str(option)
    if option.isdecimal() and int(option) < len(VISUALIZE_OPTIONS):
        return VISUALIZE_OPTIONS[int(option)]
    if option not in VISUALIZE_OPTIONS:
        raise UserError(f'--option={option}: expected 0 to 4 or {" | ".join(VISUALIZE_OPTIONS)}'
                        f'{nearest(option, VISUALIZE_OPTIONS)}')
    return option
