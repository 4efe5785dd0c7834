"""Run folders: where one is, what is in it, what it was made with, and who is writing to it.

    <out_dir>/<out_name>/config.json   every setting, the data's shape, versions, seed
                         FLAGS.json    the flags alone (the name that DCGAN-tensorflow used)
                         checkpoint/   samples/   logs/   losses.csv   losses.png   skipped.txt
"""
import contextlib
import dataclasses
import fcntl
import math
import os
import platform
import socket

import checkpoints
import plugins
from config import Config, flag_fields, parse_record
from errors import DiskError, UserError
from images import Unreadable, read_file
from utils import fsync_file, write_json

SETTINGS = 'config.json'
LOCK = 'lock'
LONGEST_RECORD = 2 ** 20        # bytes; ours have 2,000
NOT_OF_THE_GRAPH = {'plugin'}     # compared by name below; the others by value
MEND = 'restore it, or move the folder away to start anew'
WILDCARDS = '*?[\\'


@dataclasses.dataclass(frozen=True)
class Run:
    """A folder of outputs. checkpoint_dir and sample_dir are resolved as upstream did: inside the run unless absolute."""
    folder: str
    checkpoint_dir: str
    sample_dir: str

    @property
    def written(self):
        """The folders that only one process may write to at a time."""
        inside = os.path.abspath(self.checkpoint_dir).startswith(os.path.abspath(self.folder) + os.sep)
        return (self.folder,) if inside else (self.folder, self.checkpoint_dir)

    @property
    def log_dir(self):
        return os.path.join(self.folder, 'logs')

    @property
    def losses_csv(self):
        return os.path.join(self.folder, 'losses.csv')

    def checkpoints(self):
        return checkpoints.listed(self.checkpoint_dir)

    def record(self):
        """What config.json says, or {} for a folder without one. Raises UserError when it is damaged."""
        path = os.path.join(self.folder, SETTINGS)
        if not os.path.lexists(path):
            return {}
        try:
            return parse_record(read_file(path, LONGEST_RECORD))
        except (Unreadable, ValueError) as error:
            raise UserError(f'{path}: not a record of a run ({error}); {MEND}') from error

    def config(self, **changes):
        """The Config that the run was trained with, with `changes` on top. Raises UserError."""
        record = self.record()
        if not record:
            raise UserError(f'{os.path.join(self.folder, SETTINGS)}: no such file; {MEND}')
        try:
            return dataclasses.replace(Config(**record['settings']), **changes).resolved()
        except UserError as error:
            raise UserError(f'{os.path.join(self.folder, SETTINGS)}: {error}; {MEND}') from error


def default_name(cfg):
    """out_name when none is given: data, plugin and size, and not the clock, so that the same command finds its run again."""
    data = os.path.basename(os.path.normpath(cfg.dataset))
    plugin = os.path.basename(cfg.plugin).removesuffix('.py')
    return '-'.join([data] + ([plugin] if plugin != data else []) + [f'{cfg.output_height}x{cfg.output_width}'])


def at(folder, cfg):
    """The Run in a folder."""
    return Run(folder, os.path.join(folder, cfg.checkpoint_dir), os.path.join(folder, cfg.sample_dir))


def for_training(cfg):
    """The run that a training command means; nothing is created yet."""
    return at(os.path.join(cfg.out_dir, cfg.out_name or default_name(cfg)), cfg)


def create(run):
    """Makes the run's folders, or none. Raises UserError for a name that checkpoints cannot have, DiskError when it is impossible."""
    if set(run.checkpoint_dir) & set(WILDCARDS):
        raise UserError(f'{run.checkpoint_dir}: TensorFlow takes {WILDCARDS} in the path of a checkpoint for wildcards; give --out_dir and '
                        f'--out_name without them')
    made = []
    try:
        for folder in (run.folder, run.checkpoint_dir, run.sample_dir, run.log_dir):
            made += _missing(folder)
            os.makedirs(folder, exist_ok=True)
        for folder in sorted(made, key=len):
            fsync_file(os.path.dirname(folder) or '.')      # its name, without which nothing in it outlives a power cut
    except OSError as error:
        for folder in sorted(made, key=len, reverse=True):
            with contextlib.suppress(OSError):              # those that were not made after all
                os.rmdir(folder)
        raise DiskError(f'--out_dir: cannot make {error.filename} ({error.strerror}); choose a folder that you can write to') from error


def _missing(folder):
    """The folder and those above it that do not exist yet."""
    missing = []
    while folder and not os.path.lexists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    return missing


def found(cfg, typed, say):
    """(run, its checkpoints, oldest first) for visualizing, export and freeze. Creates nothing.

    --checkpoint_dir, --out_name, the default name, or the newest run that fits the flags that were typed, in this order.
    Raises UserError with the runs there are and the command to type.
    """
    run = for_training(cfg)
    if 'checkpoint_dir' in typed and (os.path.isabs(cfg.checkpoint_dir) or not os.path.exists(run.checkpoint_dir)):
        return _at_checkpoint(cfg)
    if run.checkpoints():
        return run, run.checkpoints()
    fitting = [] if 'out_name' in typed else [other for other in _all(cfg) if _fits(other, cfg, typed)]
    if fitting:
        newest = fitting[-1]
        say(f'no run {run.folder}; the newest that fits is {newest.folder}')
        return newest, newest.checkpoints()
    raise UserError(_no_run(cfg, run))


def _at_checkpoint(cfg):
    path = cfg.checkpoint_dir
    group = checkpoints.located(path)
    if not group:
        raise UserError(f'--checkpoint_dir={path}: no checkpoint there; expected a run, a folder with files such as model.b64-200.index, '
                        f'or such a file')
    folder = os.path.dirname(os.path.abspath(group[-1].prefix))
    for place in (folder, os.path.dirname(folder)):
        if os.path.exists(os.path.join(place, SETTINGS)):
            return dataclasses.replace(at(place, cfg), checkpoint_dir=folder), group
    # Without a record beside it, pictures go to a run of ours rather than among somebody's old files.
    return dataclasses.replace(for_training(cfg), checkpoint_dir=folder), group


def _all(cfg):
    """Runs under out_dir that have a checkpoint, oldest first."""
    if not os.path.isdir(cfg.out_dir):
        return []
    runs = [at(entry.path, dataclasses.replace(cfg, checkpoint_dir='checkpoint')) for entry in os.scandir(cfg.out_dir) if entry.is_dir()]
    runs = [run for run in runs if run.checkpoints()]
    return sorted(runs, key=lambda run: os.path.getmtime(run.checkpoints()[-1].files[0]))


def _fits(run, cfg, typed):
    """Whether the run was made with the flags that were typed and that say what it is a run of."""
    settings = run.record().get('settings', {})
    asked = {'dataset'} | (typed & {'plugin', 'output_height', 'output_width', 'z_dim'})
    return bool(settings) and all(settings.get(name) == getattr(cfg, name) for name in asked)


def _no_run(cfg, run):
    others = _all(cfg)
    lines = [f'no checkpoint in {run.checkpoint_dir}: train first (the same command with --train)']
    if others:
        lines[0] += ', or name one of these runs:'
        lines += [f'  --out_dir {cfg.out_dir} --out_name {os.path.basename(other.folder)}   (step {other.checkpoints()[-1].step})'
                  for other in others[-10:]]
    else:
        lines[0] += f'; there are no runs in {cfg.out_dir}, --out_dir names another place'
    return '\n'.join(lines)


def check_resume(run, cfg):
    """Refuses to go on with a run whose graph was another one, naming the setting. cfg has c_dim and y_dim from the data."""
    record = run.record()
    if not record:
        return
    old = record['settings']
    for field in flag_fields():
        name = field.name
        if not field.metadata['graph'] or name in NOT_OF_THE_GRAPH:
            continue
        if str(old[name]) != str(getattr(cfg, name)):
            raise UserError(f'--{name}={getattr(cfg, name)}: the run {run.folder} was trained with {name}={old[name]}, which makes another '
                            f'network; type --{name}={old[name]} to go on with it, or --out_name for a new run')
    if plugins.choose(old['plugin'], '') != cfg.plugin:
        raise UserError(f'--plugin={cfg.plugin}: the run {run.folder} was trained with plugin {old["plugin"]}; type '
                        f'--plugin={old["plugin"]} to go on with it, or --out_name for a new run')


def write_record(run, cfg, dataset, versions):
    """config.json and FLAGS.json, each whole or not there."""
    settings = {field.name: getattr(cfg, field.name) for field in dataclasses.fields(Config)}
    settings = {name: 'inf' if value == math.inf else value for name, value in settings.items()}
    flags = {field.name: settings[field.name] for field in flag_fields()}
    write_json(os.path.join(run.folder, 'FLAGS.json'), flags)
    write_json(os.path.join(run.folder, SETTINGS), {
        'settings': settings,
        'data': {'name': dataset.name, 'images': dataset.size, 'shape': list(dataset.image_shape),
                 'num_classes': dataset.num_classes, 'class_names': list(dataset.class_names)},
        'versions': {'python': platform.python_version(), **versions},
    })


class Lock:
    """One writer a folder. The kernel drops the lock when its holder dies, however it dies, so a left-over file never blocks.

    Raises UserError naming the holder, DiskError for a folder that cannot be written to.
    """

    def __init__(self, folder):
        self.folder = folder

    @staticmethod
    def exists(folder):
        """Whether a run was ever locked here: then locking again creates nothing."""
        return os.path.exists(os.path.join(folder, LOCK))

    def __enter__(self):
        path = os.path.join(self.folder, LOCK)
        try:
            self._file = open(path, 'a+', encoding='utf-8', errors='replace')
        except OSError as error:
            raise DiskError(f'{path}: cannot be written ({error.strerror}); training needs a folder that it can write to: '
                            f'give another --out_dir') from error
        try:
            self._take()
        except BaseException:
            self._file.close()
            raise
        return self

    def _take(self):
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            holder = self._file.read(1000).strip() or 'another process'
            raise UserError(f'{self.folder}: {holder} is training this run; wait for it, stop it, or give another --out_name') from None
        except OSError as error:
            raise DiskError(f'{self._file.name}: this file system cannot lock a file ({error.strerror}), and two processes must not '
                            f'train one run: give an --out_dir on another one') from error
        self._write(f'process {os.getpid()} on {socket.gethostname()}')

    def __exit__(self, *_):
        self._write('')
        self._file.close()

    def _write(self, text):
        with contextlib.suppress(OSError):          # the name of the holder is a courtesy: a full disk stops nobody here
            os.ftruncate(self._file.fileno(), 0)
            os.write(self._file.fileno(), text.encode())
