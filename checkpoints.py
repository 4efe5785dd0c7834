"""Checkpoints: found, verified, restored under today's or years-old names, written so that a crash never leaves half of one.

Files are ordinary TensorFlow ones, `<folder>/model.b<batch_size>-<step>.{index,data-00000-of-00001}`, with a `checkpoint`
state file beside them, so that `tf.train.latest_checkpoint` and a plain Saver read them.
"""
import contextlib
import dataclasses
import glob
import itertools
import os
import re
import shutil

from checkpoint_names import match
from errors import DiskError, UserError
from tf1 import tf, told_by
from utils import fsync_file, write_text

SIZE_FLAGS = (('g_h0_lin', '--output_height, --output_width, --z_dim or --gf_dim'), ('d_h4_lin', '--output_height or --output_width'),
              ('generator/', '--gf_dim, --z_dim, --c_dim or the output size'), ('discriminator/', '--df_dim, --c_dim or the output size'))
UNWRITTEN = '.unfinished'    # folder inside the checkpoint folder where a checkpoint is written before it is renamed


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """prefix: path without .index; step: the number at its end, 0 when it has none."""
    prefix: str
    step: int

    @property
    def files(self):
        return sorted(glob.glob(glob.escape(self.prefix) + '.*')) or [self.prefix]


def listed(folder):
    """The checkpoints in a folder, oldest first: V2 (by their .index) and V1 (one file that a .meta stands beside)."""
    prefixes = {path[:-len('.index')] for path in glob.glob(os.path.join(glob.escape(folder), '*.index'))}
    prefixes |= {path[:-len('.meta')] for path in glob.glob(os.path.join(glob.escape(folder), '*.meta'))
                 if os.path.isfile(path[:-len('.meta')])}
    prefixes |= {path for path in glob.glob(os.path.join(glob.escape(folder), '*-*'))
                 if re.search(r'-\d+$', path) and '.data-' not in path and os.path.isfile(path)}
    return sorted((_checkpoint(prefix) for prefix in prefixes), key=lambda found: (found.step, _age(found)))


def located(path):
    """The checkpoints that a path means: a file (with or without .index, .meta, .data-...), a folder of them, or the folder above
    (a run, or the `<dataset>_<batch>_<height>_<width>` folders of older versions). Oldest first, [] when there is none."""
    prefix = re.sub(r'\.(index|meta|data-\d+-of-\d+)$', '', path)
    if os.path.isfile(prefix + '.index') or (os.path.isfile(prefix) and prefix != path) or \
            (os.path.isfile(path) and os.path.basename(path) != 'checkpoint'):
        return [_checkpoint(prefix)]
    folder = os.path.dirname(path) if os.path.basename(path) == 'checkpoint' and os.path.isfile(path) else path
    found = listed(folder)
    if not found and os.path.isdir(folder):
        below = [listed(entry.path) for entry in os.scandir(folder) if entry.is_dir() and entry.name != UNWRITTEN]
        found = max((group for group in below if group), key=lambda group: _age(group[-1]), default=[])
    return found


def _checkpoint(prefix):
    number = re.search(r'-(\d+)$', prefix)
    return Checkpoint(prefix, int(number.group(1)) if number else 0)


def _age(checkpoint):
    return max((os.path.getmtime(path) for path in checkpoint.files if os.path.exists(path)), default=0)


def verify(prefix):
    """Reads every tensor back, which checks its checksum. Returns None, or why the checkpoint cannot be read."""
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError, UnicodeDecodeError, MemoryError) as error:    # IndexError: cut short
        return str(error).split('\n')[0][:200]
    return None


def newest_readable(checkpoints, warn=print):
    """The newest of `checkpoints` that reads back whole; damaged ones are named and passed over. None when there is none."""
    for checkpoint in reversed(checkpoints):
        reason = verify(checkpoint.prefix)
        if reason is None:
            return checkpoint
        warn(f'checkpoint {checkpoint.prefix} is damaged ({reason}); it is passed over')
    return None


def shapes(prefix):
    """{tensor name: shape} of a checkpoint. Raises UserError when it cannot be read."""
    try:
        return {name: tuple(shape) for name, shape in tf.train.NewCheckpointReader(prefix).get_variable_to_shape_map().items()}
    except (tf.errors.OpError, ValueError, RuntimeError, IndexError, UnicodeDecodeError) as error:
        raise UserError(f'checkpoint {prefix}: cannot be read ({str(error).splitlines()[0][:200]})') from error


def restore(sess, variables, checkpoint, warn=print):
    """Loads a checkpoint into `variables` (all of them initialised before), whatever version of DCGAN-tensorflow wrote it.

    Tensors of the optimiser that the file lacks keep their initial values and are named once; a model's tensor that is missing or
    of another shape raises UserError with a table.
    """
    by_name = {variable.op.name: variable for variable in variables}
    found = match(shapes(checkpoint.prefix), {name: tuple(variable.shape.as_list()) for name, variable in by_name.items()})
    if found.mismatched:
        raise UserError(_shape_table(checkpoint, found.mismatched))
    optimiser = [name for name in found.missing if _is_optimiser(name)]
    lacking = sorted(set(found.missing) - set(optimiser) - {'global_step'})
    if lacking:
        raise UserError(f'checkpoint {checkpoint.prefix}: it has no tensor for {", ".join(lacking[:4])}'
                        f'{f" and {len(lacking) - 4} more" if len(lacking) > 4 else ""}; it was made by another model: see --plugin, '
                        f'or list it with python -m legacy checkpoint {checkpoint.prefix}')
    reader = tf.train.NewCheckpointReader(checkpoint.prefix)
    feed = {by_name[name].initializer.inputs[1]: reader.get_tensor(source) for name, source in found.mapping}
    if 'global_step' in found.missing and 'global_step' in by_name:
        feed[by_name['global_step'].initializer.inputs[1]] = checkpoint.step
    names = [name for name, _ in found.mapping] + [name for name in ('global_step',) if name in by_name]
    sess.run([by_name[name].initializer for name in dict.fromkeys(names)], feed)
    if optimiser:
        warn(f'checkpoint {checkpoint.prefix} has no state of the optimiser ({optimiser[0]} and {len(optimiser) - 1} more): it starts fresh')
    if found.renamed:
        warn(f'checkpoint {checkpoint.prefix}: {len(found.renamed)} tensors have older names, such as {found.renamed[0][1]} for '
             f'{found.renamed[0][0]}')


def _is_optimiser(name):
    return bool(re.search(r'/Adam(_1)?$|^beta[12]_power(_\d+)?$', name))


def _shape_table(checkpoint, mismatched):
    rows = [('tensor', 'file', 'graph', 'set by')]
    for name, _, graph_shape, file_shape in mismatched:
        flag = next((flags for part, flags in SIZE_FLAGS if part in name), '--plugin')
        rows.append((name, str(list(file_shape)), str(list(graph_shape)), flag))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ['  ' + '  '.join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]) for row in rows]
    return (f'checkpoint {checkpoint.prefix}: {len(mismatched)} tensors have another shape than in the graph; give the flags that it '
            f'was trained with\n' + '\n'.join(lines))


def save(sess, saver, folder, batch_size, step, max_to_keep=1, keep_every=0, filename='model'):
    """Writes `<folder>/<filename>.b<batch_size>-<step>`, verified and whole, then removes what `max_to_keep` leaves out.

    Data and index are written to the side, fsynced, read back and renamed, index last: a checkpoint that is listed is complete.
    Raises DiskError when it cannot be written; older checkpoints are untouched then.
    """
    name = f'{filename}.b{batch_size}-{step}'
    aside = os.path.join(folder, UNWRITTEN)
    try:
        shutil.rmtree(aside, ignore_errors=True)
        os.makedirs(aside)
        try:
            saver.save(sess, os.path.join(aside, name), write_meta_graph=False, write_state=False)
            damage = verify(os.path.join(aside, name))
            if damage:
                raise DiskError(f'checkpoint {os.path.join(folder, name)}: it did not read back ({damage}); is the disk full or failing?')
            for path in sorted(glob.glob(os.path.join(glob.escape(aside), '*')), key=lambda path: path.endswith('.index')):
                fsync_file(path)
                os.replace(path, os.path.join(folder, os.path.basename(path)))
                fsync_file(folder)              # so that no power loss leaves an index without its data
        finally:
            shutil.rmtree(aside, ignore_errors=True)        # of a full disk it would take the last room
        _prune(folder, filename, step, max_to_keep, keep_every)
    except (OSError, tf.errors.OpError) as error:
        raise DiskError(f'checkpoint {os.path.join(folder, name)}: cannot be written ({told_by(error)}); free some space or give another --out_dir; '
                        f'older checkpoints are untouched') from error
    return Checkpoint(os.path.join(folder, name), step)


def _prune(folder, filename, step, max_to_keep, keep_every):
    """Removes the oldest of the checkpoints that `save` wrote up to `step`: later ones are not of this run's past, others, such as
    the old one that a run started from (TF1 wrote a .meta beside it), are not its own."""
    own = re.compile(re.escape(os.path.join(folder, filename)) + r'\.b\d+-\d+')
    past = [found for found in listed(folder) if found.step <= step and own.fullmatch(found.prefix)
            and not os.path.exists(found.prefix + '.meta')]
    kept = [found for found in past if found in past[-max_to_keep:] or keep_every and found.step % keep_every == 0]
    for old in past:
        if old not in kept:
            for path in sorted(old.files, key=lambda path: not path.endswith('.index')):    # index first: what is left is not listed
                os.remove(path)
    _write_state(folder, kept)


def _write_state(folder, checkpoints):
    """The `checkpoint` file, with names relative to the folder so that a run can be moved."""
    names = [os.path.basename(found.prefix) for found in checkpoints]
    write_text(os.path.join(folder, 'checkpoint'), ''.join([
        f'model_checkpoint_path: "{names[-1]}"\n', *(f'all_model_checkpoint_paths: "{name}"\n' for name in names)]))


def set_aside(folder, step):
    """Moves the checkpoints after `step` into <folder>/after-<step>/: they are no longer found, and nothing is deleted.

    Returns that folder, or None when there were none. Raises DiskError.
    """
    later = [found for found in listed(folder) if found.step > step]
    if not later:
        return None
    try:
        shelf = new_shelf(folder, step)
        for found in later:
            for path in sorted(found.files, key=lambda path: not path.endswith('.index')):
                os.replace(path, os.path.join(shelf, os.path.basename(path)))
        fsync_file(shelf)               # before the names here are gone for good
        fsync_file(folder)
    except OSError as error:
        raise DiskError(f'{folder}: the checkpoints after step {step} cannot be set aside ({error.strerror})') from error
    _write_state(folder, listed(folder))
    return shelf


def new_shelf(folder, step):
    """Makes and returns <folder>/after-<step>, or after-<step>-2 and so on: going back twice overwrites nothing."""
    for number in itertools.count(1):
        shelf = os.path.join(folder, f'after-{step}' + (f'-{number}' if number > 1 else ''))
        with contextlib.suppress(FileExistsError):
            os.mkdir(shelf)
            return shelf
