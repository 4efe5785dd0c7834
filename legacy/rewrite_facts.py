"""What rewriting knows besides symbols.py: which helper, which arguments are sizes, what today's TensorFlow
has.
"""
import functools
import importlib.util
import os
import re

# Modules that helpers.py offers as a whole, by the table's name for the package they stand for.
PACKAGES = {
    'tf.layers': 'layers', 'tf.contrib.layers': 'contrib_layers', 'tf.contrib.slim': 'slim',
    'tf.contrib.framework': 'framework', 'tf.contrib.data': 'contrib_data', 'tf.contrib.rnn': 'rnn',
    'tf.contrib.distributions': 'distributions', 'tf.contrib.opt': 'opt', 'tf.contrib.image': 'image',
    'tf.examples.tutorials.mnist.input_data': 'input_data', 'scipy.misc': 'scipy_misc',
    'keras.datasets': 'keras_datasets', 'tf.keras.datasets': 'keras_datasets',
    'tf.contrib.layers.utils': 'layers_utils', 'tf.contrib.summary': 'contrib_summary',
    'tf.keras.layers': 'keras_layers', 'tf.keras.models': 'keras_layers',
    'tf.contrib.gan': 'contrib_gan', 'tf.contrib.gan.losses': 'gan_tuple_losses',
    'tf.contrib.gan.losses.wargs': 'gan_losses', 'tf.contrib.gan.features': 'gan_features',
    'tf.contrib.gan.eval': 'gan_eval', 'tf.contrib.gan.estimator': 'gan_estimator',
    'tf.contrib.training': 'training', 'tf.estimator': 'estimator',
    'tf.estimator.inputs': 'estimator_inputs', 'tf.estimator.export': 'estimator_inputs',
}
# Functions of TensorFlow <= 0.12 that only need another name and other keywords.
RENAMED_CALLS = {
    'tf.pack': ('tf.stack', {}),
    'tf.unpack': ('tf.unstack', {}),
    'tf.scalar_summary': ('tf.summary.scalar', {'tags': 'name', 'values': 'tensor'}),
    'tf.histogram_summary': ('tf.summary.histogram', {'tag': 'name'}),
    'tf.image_summary': ('tf.summary.image', {'tag': 'name', 'max_images': 'max_outputs'}),
    'tf.audio_summary': ('tf.summary.audio', {'tag': 'name'}),
    'tf.train.SummaryWriter': ('tf.summary.FileWriter', {}),
    'tf.initialize_all_variables': ('tf.global_variables_initializer', {}),
    'tf.initialize_all_tables': ('tf.tables_initializer', {}),
    'tf.batch_matmul': ('tf.matmul', {'x': 'a', 'y': 'b', 'adj_x': 'adjoint_a', 'adj_y': 'adjoint_b'}),
}
IMAGEIO = {'imageio.' + name for name in ('imwrite', 'imsave', 'mimwrite', 'mimsave', 'get_writer')}
SCOPES = {'tf.op_scope': 'tf.name_scope', 'tf.variable_op_scope': 'tf.variable_scope'}
LOGITS_FIRST = {f'tf.nn.{name}_cross_entropy_with_logits' for name in (
    'sigmoid', 'softmax', 'sparse_softmax')}
AXIS_NAMES = {'axis', 'dim', 'concat_dim', 'split_dim'}
# Changed, but as good as before for a source that keeps to what TensorFlow 1 documented.
LEFT_ALONE = {'tf.app', 'tf.flags', 'tf.image.resize_images',
    'tf.reverse', 'tf.concat', 'tf.split'} | LOGITS_FIRST
# Which arguments of a function are sizes, counts or positions, by position; keywords are known by name
# (SIZES).
SIZE_POSITIONS = {
    **dict.fromkeys(
        (
            'np.zeros', 'np.ones', 'np.empty', 'np.full', 'np.eye', 'tf.zeros', 'tf.ones', 'tf.fill',
            'tf.random_normal', 'tf.random_uniform', 'tf.truncated_normal',
        ),
        (0,),
    ),
    **dict.fromkeys(
        (
            'np.reshape', 'np.tile', 'np.repeat', 'np.random.rand', 'tf.reshape', 'tf.tile', 'tf.one_hot',
            'tf.placeholder', 'tf.get_variable', 'tf.image.resize_images', 'tf.image.resize_bilinear',
            'tf.image.resize_bicubic', 'tf.image.resize_nearest_neighbor', 'tf.random_crop', 'tf.pad',
            'tf.broadcast_to',
        ),
        (1,),
    ),
    **dict.fromkeys(
        (
            'np.linspace', 'tf.constant', 'tf.lin_space', 'tf.linspace', 'tf.nn.conv2d', 'np.random.normal',
            'np.random.uniform', 'np.random.randint', 'np.random.choice',
        ),
        (2,),
    ),
    **dict.fromkeys(
        (
            'tf.slice', 'tf.strided_slice', 'tf.nn.max_pool', 'tf.nn.avg_pool', 'tf.split',
            'tf.image.resize_image_with_crop_or_pad',
        ),
        (1, 2),
    ),
    'tf.nn.conv2d_transpose': (2, 3),
    'tf.image.crop_to_bounding_box': (1, 2, 3, 4),
    'tf.image.pad_to_bounding_box': (1, 2, 3, 4),
}
LAYER_SIZES = {
    **dict.fromkeys(('dense', 'fully_connected', 'linear', 'relu'), (1,)),
    **dict.fromkeys(
        (
            'conv1d', 'conv2d', 'conv3d', 'convolution2d', 'conv2d_transpose', 'convolution2d_transpose',
            'separable_conv2d',
        ),
        (1, 2, 3),
    ),
    **dict.fromkeys(('max_pool2d', 'avg_pool2d', 'max_pooling2d', 'average_pooling2d'), (1, 2)),
}
# Functions whose result is a float, or an array or tensor of floats.
FLOATS = re.compile(
    r'np\.(sqrt|mean|std|exp|log|random\.(rand|randn|normal|uniform))$|math\.|time\.'
    r'|tf\.nn\.(?!top_k)'
    r'|tf\.(sqrt|to_float|reduce_mean|exp|log|add_n|matmul|tanh|sigmoid|truncated_normal|random_\w+)$'
)
DOWNLOADS = re.compile(r'(^|\.)(urlretrieve|urlopen|wget|download)$')
ABSOLUTE = re.compile(r'(/[\w.-]+/[\w./*-]+|~/\S+|[A-Z]:\\\S+)$')


@functools.lru_cache(None)
def api_names(folder):
    """The names that a module of tf.compat.v1 offers, read from its source: importing TensorFlow takes
    seconds.
    """
    spec = importlib.util.find_spec('tensorflow')
    path = os.path.join(spec.submodule_search_locations[0],
                        '_api', 'v2', 'compat', 'v1', folder) if spec else ''
    if not os.path.isfile(os.path.join(path, '__init__.py')):
        return None
    with open(os.path.join(path, '__init__.py'), encoding='utf-8') as file:
        names = set(re.findall(r'^from \S+ import (?:\w+ as )?(\w+)', file.read(), re.M))
    return names | set(os.listdir(path)) | {'keras', 'python', 'contrib', 'estimator', '__file__'}


def expected_version():
    """The TensorFlow version that `run` shows old scripts, read from its source: importing it takes
    seconds.
    """
    with open(os.path.join(os.path.dirname(__file__), 'tf1', 'renamed.py'), encoding='utf-8') as file:
        return re.search(r"^__version__ = '(.+)'$", file.read(), re.M).group(1)


def exists(name):
    """Whether a canonical `tf.a.b` is in tf.compat.v1; parts below a class or function are taken for
    granted.
    """
    folder = ''
    for part in name.split('.')[1:]:
        names = api_names(folder)
        if names is None:
            return True
        if part not in names:
            return False
        folder = os.path.join(folder, part)
    return True


def size_positions(name):
    """Positions of the arguments of a NumPy or TensorFlow function that are sizes, counts or positions."""
    if name in SIZE_POSITIONS:
        return SIZE_POSITIONS[name]
    package, _, function = name.rpartition('.')
    return LAYER_SIZES.get(function, ()) if package in PACKAGES else ()


def installed(top):
    try:
        return importlib.util.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
