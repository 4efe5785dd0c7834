"""`python -m legacy checkpoint SRC [--to DST]`: an old checkpoint's tensors beside ours, and a copy under our
names.

Reads both formats of TensorFlow 1: V2 (PREFIX.index and PREFIX.data-*) and V1 (one file, or
NAME-00000-of-0000N). Writes V2, as main.py does: DST/<file name>-<step>.{index,data-00000-of-00001} and the
state file DST/checkpoint. Which tensor is which is checkpoint_names.py's business; here are the files, the
network to compare with, the table.
"""
import dataclasses
import glob
import math
import os
import re
import tempfile

import numpy as np

import checkpoint_names
import plugins
from config import Config
from errors import UserError
from legacy.command import arguments
from tf1 import session, tf

GLOBAL_STEP = 'global_step'
STEP_IN_NAME = re.compile(r'-(\d+)(-[\d?]{5}-of-\d{5})?$')    # V1 in several files: model-1000-00000-of-00002
READ_ERRORS = (tf.errors.OpError, ValueError, RuntimeError,
               IndexError, UnicodeDecodeError)   # of damaged files
BATCH_IN_FOLDER = re.compile(r'_(\d+)_\d+(_\d+)?$')      # upstream: <dataset>_<batch>[_<height>]_<width>


@dataclasses.dataclass(frozen=True)
class Source:
    """A checkpoint to read: `path` as TensorFlow's reader takes it, {name: shape}, {name: dtype}."""
    path: str
    shapes: dict
    dtypes: dict

    @property
    def step(self):
        """The step in the file's name, as `model.b64-1000` and `DCGAN.model-1000` have it, or None."""
        found = STEP_IN_NAME.search(os.path.basename(self.path))
        return int(found.group(1)) if found else None


@dataclasses.dataclass(frozen=True)
class Network:
    """What a checkpoint is compared with: {name: shape} that it must have, and what it may have besides."""
    title: str
    required: dict
    optional: dict = dataclasses.field(default_factory=dict)


def main(argv):
    """Runs the command line; returns the exit status. Raises UserError."""
    args = arguments(
        'checkpoint',
        'List the tensors of a TensorFlow 1 checkpoint beside our names; --to writes a copy under ours.',
        argv,
        ('source', dict(metavar='SRC', help='checkpoint: its prefix, one of its files, or its folder')),
        ('--to', dict(metavar='DST', help='folder to write the renamed checkpoint into')),
        ('--rules', dict(metavar='FILE', help='lines of OLD -> NEW (* is any text, NEW - leaves it out)')),
        (
            '--like',
            dict(
                metavar='RUN',
                help='a run or checkpoint of ours to compare with; '
                'default: the DCGAN whose sizes the tensors show',
            ),
        ),
        ('--partial', dict(action='store_true', help='write even though tensors of our network are missing')),
    )

    source = open_checkpoint(args.source)
    rules = checkpoint_names.read_rules(args.rules) if args.rules else ()
    network = like(open_checkpoint(args.like)) if args.like else infer_network(source.shapes, rules)
    wanted = {**network.required, **network.optional} if network else {}
    match = checkpoint_names.match(source.shapes, wanted, rules)
    print(report(source, network, match))
    if args.to:
        check_whole(source, network, match, args)
        print(f'wrote {write(source, network, match, args.to)}')
    return 0


def check_whole(source, network, match, args):
    """Raises UserError, naming the first tensor, when a copy under our names would lack some of the
    network.
    """
    if network is None:
        raise UserError(
            f'--to {args.to}: not written; {args.source} has not the names of a DCGAN, so name a run of '
            'ours that has the same network: --like RUN'
        )
    lacking = [name for name in match.missing if name in network.required]
    lacking += [row[0] for row in match.mismatched]
    if lacking and not args.partial:
        raise UserError(
            f'--to {args.to}: not written; {len(lacking)} tensors of ours have no value of their shape '
            f'in {source.path}, first {lacking[0]}; map them with --rules FILE, or accept it with '
            '--partial'
        )


# ---------------------------------------------------------------------------------------------------- reading


def open_checkpoint(path):
    """A Source from a prefix, any file of a checkpoint, or a folder (a run, or where its checkpoints are).

    Raises UserError when there is none or it cannot be read.
    """
    prefix = _locate(os.path.expanduser(path))
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        shapes, dtypes = reader.get_variable_to_shape_map(), reader.get_variable_to_dtype_map()
    except READ_ERRORS as error:
        reason = str(error).splitlines()[0]
        raise UserError(f'{path}: TensorFlow cannot read it as a checkpoint ({reason})') from error
    return Source(prefix, {name: tuple(shape) for name, shape in shapes.items()},
                  {name: dtype.name for name, dtype in dtypes.items()})


def read_tensors(source, names):
    """{name: array} of the named tensors of a Source. Raises UserError when the data are damaged."""
    reader = tf.train.NewCheckpointReader(source.path)
    try:
        return {name: reader.get_tensor(name) for name in names}
    except READ_ERRORS as error:
        raise UserError(
            f'{source.path}: damaged, a tensor cannot be read ({str(error).splitlines()[0]})') from error


def _locate(path):
    """The name by which TensorFlow's reader knows the checkpoint that `path` points to."""
    if os.path.isdir(path):
        for folder in (path, os.path.join(path, 'checkpoint')):
            newest = os.path.isdir(folder) and _newest(folder)
            if newest:
                return newest
        raise UserError(f'{path}: no checkpoint in this folder; expected NAME-STEP.index with its data file, '
                        f'or a file of the older format (found {_listing(path)})')
    prefix = re.sub(r'\.(index|meta|data-\d+-of-\d+)$', '', path)
    if os.path.isfile(prefix + '.index'):
        if not glob.glob(glob.escape(prefix) + '.data-*'):
            raise UserError(f'{prefix}.index is there, its data file {prefix}.data-00000-of-00001 is not; '
                            'copy all files of the checkpoint')
        return prefix
    shards = re.sub(r'-[\d?]{5}-of-(\d{5})$', r'-?????-of-\1',
                    prefix)       # the name TensorFlow's reader takes
    if glob.glob(glob.escape(shards).replace('[?]', '?')) or os.path.isfile(prefix):
        return shards
    folder = os.path.dirname(path) or '.'
    raise UserError(f'{path}: no such checkpoint (found in {folder}: {_listing(folder)})')


def _newest(folder):
    """The checkpoint that the state file names, else the one with the highest step, else None.

    The state file's path is trusted only for its last part: old ones are absolute paths of another machine.
    """
    try:
        state = tf.train.get_checkpoint_state(folder)
    except (tf.errors.OpError, UnicodeDecodeError):
        state = None
    found = {}
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        base = re.sub(r'\.index$', '', name)
        if name.endswith('.index') or (os.path.isfile(path) and STEP_IN_NAME.search(name)):
            found[base] = os.path.join(folder, base)
    named = os.path.basename(state.model_checkpoint_path).replace('?????', '00000') if state else None
    if named in found:
        return _locate(found[named])
    if not found:
        return None
    step = lambda base: int(STEP_IN_NAME.search(base).group(1)) if STEP_IN_NAME.search(base) else -1
    return _locate(found[max(sorted(found), key=step)])


def _listing(folder):
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return (
        ', '.join(names[:5]) + (f' and {len(names) - 5} more' if len(names) > 5 else '')
        if names
        else 'nothing'
    )


# -------------------------------------------------------------------------------- the network to compare with


def like(source):
    """The Network of one of our own checkpoints: every tensor in it is required, but for its optimiser and
    step.
    """
    training = {name for name in source.shapes if _is_training_state(name)}
    return Network(
        source.path, {name: shape for name, shape in source.shapes.items() if name not in training},
        {name: source.shapes[name] for name in training},
    )


def infer_network(shapes, rules=()):
    """The Network of plugin dcgan or mnist with the sizes that a checkpoint's shapes show; None if it is
    neither.

    The tensors tell the area of the smallest map, not its height and width: the squarest is taken, all others
    have variables of the same shapes.
    """
    named = {}
    for name, in_file in sorted(checkpoint_names.apply_rules(shapes, rules).items()):
        named.setdefault(checkpoint_names.canonical(name), shapes[in_file])
    shape = lambda layer, rank: named[layer] if len(named.get(layer, ())) == rank else None
    first, g_h1 = shape('generator/g_h0_lin/Matrix', 2), shape('generator/g_h1/w', 4)
    g_h3, g_h4 = shape('generator/g_h3/w', 4), shape('generator/g_h4/w', 4)
    g_h1_lin, d_h2_lin = shape('generator/g_h1_lin/Matrix', 2), shape('discriminator/d_h2_lin/Matrix', 2)
    d_h0, d_h1 = shape('discriminator/d_h0_conv/w', 4), shape('discriminator/d_h1_conv/w', 4)
    if first and g_h1 and g_h4 and d_h0:                                # any image size, four strides
        c_dim, gf_dim = g_h4[2], g_h1[2] // 4
        y_dim = d_h0[2] - c_dim
        return _network(
            'dcgan', 16, first[1] // (8 * gf_dim), c_dim=c_dim, y_dim=y_dim, z_dim=first[0] - y_dim,
            gf_dim=gf_dim, df_dim=d_h0[3],
        )
    if first and g_h1_lin and g_h3 and d_h0 and d_h1 and d_h2_lin:      # conditional digits, two strides
        c_dim = g_h3[2]
        y_dim = d_h0[2] - c_dim
        gf_dim = (g_h3[3] - y_dim) // 2
        return _network(
            'mnist', 4, g_h1_lin[1] // (2 * gf_dim), c_dim=c_dim, y_dim=y_dim, z_dim=first[0] - y_dim,
            gf_dim=gf_dim, df_dim=d_h1[3] - y_dim, gfc_dim=first[1], dfc_dim=d_h2_lin[1],
        )
    return None


def _network(plugin_name, stride, cells, c_dim, y_dim, **sizes):
    """Builds a plugin's two networks, `cells` pixels in the smallest map, and lists their variables."""
    height = next(side for side in range(math.isqrt(cells), 0, -1) if cells % side == 0)
    plugin = plugins.load(plugin_name)
    cfg = Config(plugin=plugin_name, output_height=stride * height,
                 output_width=stride * (cells // height), **sizes)
    cfg = dataclasses.replace(cfg.resolved(), c_dim=c_dim, y_dim=y_dim)
    with tf.Graph().as_default():
        y = tf.zeros([1, y_dim]) if y_dim else None
        with tf.variable_scope('generator'):
            images = plugin.generator(tf.zeros([1, cfg.z_dim]), y, cfg, False)
        with tf.variable_scope('discriminator'):
            plugin.discriminator(images, y, cfg, False)
        required = {variable.op.name: tuple(variable.shape.as_list()) for variable in tf.global_variables()}
        trainable = [variable.op.name for variable in tf.trainable_variables()]
    optional = {name + slot: required[name] for name in trainable for slot in ('/Adam', '/Adam_1')}
    optional.update({f'beta{k}_power{player}': () for k in (1, 2)
                    for player in ('', '_1')}, **{GLOBAL_STEP: ()})
    title = ', '.join([f'plugin {plugin_name}', *(f'{name} {value}' for name, value in sizes.items()),
                       f'{c_dim} channels', *([f'{y_dim} classes'] if y_dim else []),
                       f'{cfg.output_height}x{cfg.output_width} images or as large'])
    return Network(title, required, optional)


def _is_training_state(name):
    return name == GLOBAL_STEP or bool(re.search(r'(^|/)beta[12]_power(_\d+)?$|/Adam(_1)?$', name))


# ------------------------------------------------------------------------------------------------- the report


def report(source, network, match):
    """The table of a checkpoint's tensors beside ours, as text."""
    ours = {file: name for name, file in match.mapping}
    wrong = {file: (name, shape) for name, file, shape, _ in match.mismatched}
    rows = [('tensor', 'shape', 'type', 'ours')]
    for name in sorted(source.shapes):
        if name in wrong:
            target = f'{wrong[name][0]} expects {_shape(wrong[name][1])}'
        elif name in ours:
            target = '=' if ours[name] == name else ours[name]
        else:
            target = '-'
        rows.append((name, _shape(source.shapes[name]), source.dtypes[name], target))
    rows += [('-', _shape(network.required[name]), '', f'{name} missing')
             for name in match.missing if network and name in network.required]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = ['  '.join([*(cell.ljust(width) for cell, width in zip(row, widths)), row[3]]).rstrip()
             for row in rows]
    count = sum(math.prod(shape) for shape in source.shapes.values())
    lines.append(f'{source.path}: {len(source.shapes)} tensors, {count:,} numbers, step {_step(source)}')
    if network:
        missing = sum(name in network.required for name in match.missing)
        lines.append(
            f'{network.title}: {len(match.mapping)} matched ({len(match.renamed)} renamed), '
            f'{missing} missing, {len(match.mismatched)} of another shape, {len(match.unused)} not ours'
        )
    else:
        lines.append('not the names of a DCGAN: nothing to compare with; give --like RUN (a run of ours)')
    return '\n'.join(lines)


def _shape(shape):
    return 'x'.join(map(str, shape)) or 'scalar'


def _step(source):
    """The training step: the tensor global_step, else the number in the file's name, else unknown (None)."""
    if GLOBAL_STEP in source.shapes:
        return int(read_tensors(source, [GLOBAL_STEP])[GLOBAL_STEP])
    return source.step


# ---------------------------------------------------------------------------------------------------- writing


def write(source, network, match, folder):
    """Writes the matched tensors under our names into `folder`; returns the prefix of the new checkpoint.

    The step goes along (0 if neither the tensors nor the file's name tell it). What the file does not have is
    left out.
    Raises UserError when the folder already has checkpoints or cannot be written.
    """
    tensors = {name: value for (name, _), value in
               zip(match.mapping, _values(source, [file for _, file in match.mapping]))}
    step = _step(source) or 0
    tensors[GLOBAL_STEP] = np.asarray(step, np.int64)
    prefix = os.path.join(folder, f'model.b{_batch_size(source)}-{step}')
    if os.path.exists(os.path.join(folder, 'checkpoint')):
        raise UserError(f'--to {folder}: there is a checkpoint already; name a folder without one')
    try:
        os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='.writing-', dir=folder) as aside:
            draft = os.path.join(aside, os.path.basename(prefix))
            _save(draft, tensors)
            _check_same(draft, tensors)
            for ending in ('.data-00000-of-00001', '.index'):    # the index last: it makes the checkpoint visible
                _into_place(draft + ending, prefix + ending)
            state = os.path.join(aside, 'checkpoint')
            with open(state, 'w', encoding='utf-8') as file:
                name = os.path.basename(prefix)
                file.write(f'model_checkpoint_path: "{name}"\nall_model_checkpoint_paths: "{name}"\n')
            _into_place(state, os.path.join(folder, 'checkpoint'))
    except OSError as error:
        raise UserError(f'--to {folder}: cannot be written ({error.strerror or error})') from error
    return prefix


def _values(source, names):
    tensors = read_tensors(source, names)
    return [tensors[name] for name in names]


def _save(prefix, tensors):
    """Writes {name: array} as one V2 checkpoint; arrays are fed, so their size is not bound by that of a
    graph.
    """
    names = sorted(tensors)
    with tf.Graph().as_default() as graph:
        fed = [tf.placeholder(tensors[name].dtype, tensors[name].shape) for name in names]
        saved = tf.raw_ops.SaveV2(prefix=prefix, tensor_names=names,
                                  shape_and_slices=[''] * len(names), tensors=fed)
        with session(graph) as sess:
            sess.run(saved, dict(zip(fed, (tensors[name] for name in names))))


def _check_same(prefix, tensors):
    reader = tf.train.NewCheckpointReader(prefix)
    for name, value in tensors.items():
        if not np.array_equal(reader.get_tensor(name), value, equal_nan=value.dtype.kind == 'f'):
            raise UserError(f'{prefix}: {name} reads back other than it was written; is the disk sound?')


def _into_place(draft, path):
    with open(draft, 'rb') as file:
        os.fsync(file.fileno())
    os.replace(draft, path)


def _batch_size(source):
    """The batch size that the names tell: model.b64-1000, or upstream's folder <dataset>_64_64_64; 64
    otherwise.
    """
    found = re.match(r'model\.b(\d+)-', os.path.basename(source.path)) or \
        BATCH_IN_FOLDER.search(os.path.basename(os.path.dirname(os.path.abspath(source.path))))
    return int(found.group(1)) if found else 64
