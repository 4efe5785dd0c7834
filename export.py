"""A trained generator for other programs: a checkpoint, a SavedModel with named signatures, a frozen graph.

Each function takes a sampling.Sampler, whose graph takes any batch size; that in file names is upstream's habit.
"""
import glob
import os
import shutil

import checkpoints
from errors import UserError
from images import printable
from tf1 import tf
from utils import atomic_write


def export(sampler, checkpoint_dir, step, say=print):
    """--export: <checkpoint_dir>/export_b<batch_size>/ with model.b<batch_size>-<step> and saved_model/.

    The checkpoint has the variables of both networks, without the optimisers'; the SavedModel has the signatures
    below. The Sampler must have its discriminator. Returns (checkpoint prefix, SavedModel folder). Raises UserError
    when the disk refuses.
    """
    folder = os.path.join(checkpoint_dir, f'export_b{sampler.cfg.batch_size}')
    with sampler.graph.as_default():
        saver = tf.train.Saver(sampler.variables, max_to_keep=None)
        saved = checkpoints.save(sampler.sess, saver, folder, sampler.cfg.batch_size, step)
    say(f'exported {saved.prefix}')
    path = os.path.join(folder, 'saved_model')
    say(f'exported {path}, a SavedModel with signatures:')
    for name, (inputs, outputs) in write_saved_model(sampler, path).items():
        say(f'  {name}: {_described(inputs)} -> {_described(outputs)}')
    return saved.prefix, path


def freeze(sampler, checkpoint_dir, step, say=print):
    """--freeze: <checkpoint_dir>/frozen_b<batch_size>/model.b<batch_size>-<step>_frz.pb; returns its path."""
    path = os.path.join(checkpoint_dir, f'frozen_b{sampler.cfg.batch_size}', frozen_name(sampler.cfg.batch_size, step))
    write_frozen(sampler, path)
    nodes = ', '.join(tensor.op.name for tensor in (sampler.z, sampler.y) if tensor is not None)
    say(f'froze {path}: feed {nodes}, fetch {sampler.output.op.name}')
    return path


def frozen_name(batch_size, step, filename='model'):
    """Upstream's name of a frozen graph."""
    return f'{filename}.b{batch_size}-{step:06d}_frz.pb'


def signatures(sampler):
    """{name: (inputs, outputs)}, each {name: tensor}.

    generate (also serving_default): z [, y] -> images; discriminate: images [, y] -> score (probability of real),
    logits.
    """
    y = {} if sampler.y is None else {'y': sampler.y}
    generate = ({'z': sampler.z, **y}, {'images': sampler.output})
    with sampler.graph.as_default():
        score = tf.sigmoid(sampler.logits)
    discriminate = ({'images': sampler.images_in, **y}, {'score': score, 'logits': sampler.logits})
    return {tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: generate, 'generate': generate,
            'discriminate': discriminate}


def write_saved_model(sampler, path):
    """Writes a SavedModel folder with the signatures above, in place of an older one; returns them. Raises UserError."""
    named = signatures(sampler)
    aside, old = f'{path}.unfinished', f'{path}.old'
    try:
        for folder in (aside, old):
            shutil.rmtree(folder, ignore_errors=True)
        with sampler.graph.as_default():
            builder = tf.saved_model.Builder(aside)
            definitions = {name: tf.saved_model.predict_signature_def(inputs, outputs)
                           for name, (inputs, outputs) in named.items()}
            builder.add_meta_graph_and_variables(sampler.sess, [tf.saved_model.tag_constants.SERVING], definitions,
                                                 strip_default_attrs=True)
            builder.save()
        for name in glob.glob(os.path.join(glob.escape(aside), '**', '*'), recursive=True):
            if os.path.isfile(name):
                with open(name, 'rb') as file:
                    os.fsync(file.fileno())
        if os.path.exists(path):
            os.replace(path, old)               # a folder cannot be renamed over one that has files
        os.replace(aside, path)
        shutil.rmtree(old, ignore_errors=True)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(aside, ignore_errors=True)
        message = str(error).splitlines()[0][:200]
        raise UserError(f'{printable(path)}: cannot be written ({message}); free some space, or name a folder that you can write to') from error
    return named


def write_frozen(sampler, path):
    """Writes the generator with its weights as constants: one GraphDef, binary, nodes z [, y] -> sampler.output."""
    definition = tf.graph_util.convert_variables_to_constants(
        sampler.sess, sampler.graph.as_graph_def(), [sampler.output.op.name])
    atomic_write(path, lambda file: file.write(definition.SerializeToString()))


def _described(tensors):
    return ', '.join(f'{name} {tensor.shape.as_list()}' for name, tensor in tensors.items())

