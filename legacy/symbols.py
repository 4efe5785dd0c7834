"""The one table of what old TF1 scripts use that is gone or means something else today.

Each row says how the old script spells it, what puts it back inside `python -m legacy run`, and how it is
written now. `run` resolves names through it, `check` and `convert` report from it, `--explain` prints it.

Names are canonical: `tf.` for tensorflow, `np.` for numpy, the module's own name for others
(`scipy.misc.imread`), `py2:` for Python 2 spellings (`py2:print statement`), a leading dot for methods of any
object (`.has_key`). `canonical()` maps the ways a script can spell a name
(`tensorflow.contrib.layers.python.layers.conv2d`) to the one in the table.

`restore` is
    'module:attribute'  our implementation (`module` below `legacy.`),
    '=path'             the same function under a new name in `tf.compat.v1` (or numpy, scipy …),
    'translate'         a change of the source in memory,
    ''                  not restored: `run` fails when the script gets there, with this row's note.
`kind` is
    'renamed'           only the name is gone,
    'gone'              the function is gone,
    'changed'           the name is there and means something else (arguments, defaults, result).
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Symbol:
    """One old name. `modern` is what to write today, with `import tensorflow.compat.v1 as tf`."""
    name: str
    restore: str
    modern: str
    kind: str = 'gone'
    note: str = ''

    @property
    def restored(self):
        return bool(self.restore)


def _rows(kind, prefix, module, table, note=''):
    """Rows `prefix.name` → `module:name`; each line of `table` is `name  modern form`."""
    for line in filter(None, table.splitlines()):
        name, _, modern = line.strip().partition(' ')
        restore = f'{module}:{name}' if module else ''
        yield Symbol(f'{prefix}.{name}', restore, modern.strip(), kind, note)


def _renamed(prefix, table):
    """Rows for pure renames; each line is `old new`, both below `prefix` unless `new` starts with its own
    module.
    """
    for line in table.strip().splitlines():
        old, new = line.split()
        yield Symbol(f'{prefix}.{old}', '=' + new, f'{prefix}.{new}', 'renamed')


# What TensorFlow ≤ 0.12 called by another name; same arguments.
RENAMED_TF = """
all_variables global_variables
batch_cholesky cholesky
batch_fft fft
batch_fft2d fft2d
batch_ifft ifft
batch_ifft2d ifft2d
batch_matrix_band_part matrix_band_part
batch_matrix_determinant matrix_determinant
batch_matrix_diag matrix_diag
batch_matrix_diag_part matrix_diag_part
batch_matrix_inverse matrix_inverse
batch_matrix_set_diag matrix_set_diag
batch_matrix_solve matrix_solve
batch_matrix_transpose matrix_transpose
batch_matrix_triangular_solve matrix_triangular_solve
batch_self_adjoint_eig self_adjoint_eig
batch_svd svd
complex_abs abs
concat_v2 concat
initialize_local_variables local_variables_initializer
initialize_variables variables_initializer
inv reciprocal
listdiff setdiff1d
merge_all_summaries summary.merge_all
merge_summary summary.merge
mul multiply
neg negative
sub subtract
tensor_summary summary.tensor_summary
select where
image.per_image_whitening image.per_image_standardization
nn.deconv2d nn.conv2d_transpose
"""

TF_LAYERS = """
average_pooling1d tf.nn.avg_pool1d
average_pooling2d tf.nn.avg_pool2d
batch_normalization tf.nn.fused_batch_norm on get_variable
conv1d tf.nn.conv1d on get_variable
conv2d tf.nn.conv2d on get_variable
conv2d_transpose tf.nn.conv2d_transpose on get_variable
conv3d tf.nn.conv3d on get_variable
conv3d_transpose tf.nn.conv3d_transpose on get_variable
dense tf.matmul on get_variable
dropout tf.nn.dropout
flatten tf.reshape(x, [tf.shape(x)[0], n])
max_pooling1d tf.nn.max_pool1d
max_pooling2d tf.nn.max_pool2d
average_pooling3d tf.nn.avg_pool3d
max_pooling3d tf.nn.max_pool3d
separable_conv1d tf.nn.separable_conv2d on get_variable
AveragePooling1D tf.nn.avg_pool1d
AveragePooling3D tf.nn.avg_pool3d
MaxPooling1D tf.nn.max_pool1d
MaxPooling3D tf.nn.max_pool3d
SeparableConv1D tf.nn.separable_conv2d on get_variable
separable_conv2d tf.nn.separable_conv2d on get_variable
AveragePooling2D tf.nn.avg_pool2d
BatchNormalization tf.nn.fused_batch_norm on get_variable
Conv1D tf.nn.conv1d on get_variable
Conv2D tf.nn.conv2d on get_variable
Conv2DTranspose tf.nn.conv2d_transpose on get_variable
Conv3D tf.nn.conv3d on get_variable
Conv3DTranspose tf.nn.conv3d_transpose on get_variable
Dense tf.matmul on get_variable
Dropout tf.nn.dropout
Flatten tf.reshape(x, [tf.shape(x)[0], n])
Layer tf.Module on get_variable
InputSpec tf.TensorSpec
MaxPooling2D tf.nn.max_pool2d
SeparableConv2D tf.nn.separable_conv2d on get_variable
"""

CONTRIB_LAYERS = """
apply_regularization tf.add_n of the regularizer over the weights
avg_pool2d tf.nn.avg_pool2d
batch_norm tf.nn.fused_batch_norm on get_variable
bias_add tf.nn.bias_add on get_variable
conv1d tf.nn.conv1d on get_variable
conv2d tf.nn.conv2d on get_variable
conv2d_in_plane tf.nn.depthwise_conv2d on get_variable
conv2d_transpose tf.nn.conv2d_transpose on get_variable
conv3d tf.nn.conv3d on get_variable
conv3d_transpose tf.nn.conv3d_transpose on get_variable
convolution tf.nn.convolution on get_variable
convolution2d tf.nn.conv2d on get_variable
convolution2d_transpose tf.nn.conv2d_transpose on get_variable
convolution3d tf.nn.conv3d on get_variable
dropout tf.nn.dropout
embed_sequence tf.nn.embedding_lookup
flatten tf.reshape(x, [tf.shape(x)[0], n])
fully_connected tf.matmul on get_variable
group_norm tf.nn.moments on get_variable
instance_norm tf.nn.moments on get_variable
l1_l2_regularizer tf.reduce_sum(tf.abs(w)), tf.nn.l2_loss
l1_regularizer tf.reduce_sum(tf.abs(w))
l2_regularizer tf.nn.l2_loss
layer_norm tf.nn.moments on get_variable
legacy_fully_connected tf.matmul on get_variable
linear tf.matmul on get_variable
max_pool2d tf.nn.max_pool2d
maxout tf.reduce_max over groups of channels
one_hot_encoding tf.one_hot
optimize_loss Optimizer.compute_gradients and apply_gradients
pool tf.nn.pool
relu tf.nn.relu over tf.matmul
relu6 tf.nn.relu6 over tf.matmul
repeat a for loop
scale_gradient tf.stop_gradient arithmetic
separable_conv2d tf.nn.separable_conv2d on get_variable
separable_convolution2d tf.nn.separable_conv2d on get_variable
softmax tf.nn.softmax
spatial_softmax tf.nn.softmax over positions
stack a for loop
sum_regularizer a sum of regularizers
summarize_activation tf.summary.histogram
summarize_activations tf.summary.histogram
summarize_collection tf.summary.histogram
summarize_tensor tf.summary.histogram
summarize_tensors tf.summary.histogram
unit_norm tf.nn.l2_normalize
variance_scaling_initializer tf.variance_scaling_initializer
xavier_initializer tf.glorot_uniform_initializer()
xavier_initializer_conv2d tf.glorot_uniform_initializer()
"""

LAYERS_UTILS = """
append_tensor_alias a dictionary of tensors
channel_dimension Tensor.shape[-1]
collect_named_outputs tf.add_to_collection
constant_value tf.get_static_value
convert_collection_to_dict a dictionary of tensors
convert_data_format 'NHWC'
first_dimension Tensor.shape[0]
gather_tensors_aliases a dictionary of tensors
get_variable_collections a dictionary of lists
last_dimension Tensor.shape[-1]
n_positive_integers a tuple
normalize_padding a string in lower case
normalize_tuple a tuple
smart_cond tf.cond
static_cond tf.cond
two_element_tuple a tuple
"""

CONTRIB_FRAMEWORK = """
add_arg_scope functools.partial
add_model_variable tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, v)
arg_scope functools.partial
arg_scoped_arguments functools.partial
assert_global_step tf.train.get_global_step
assert_same_float_dtype tf.debugging.assert_type
assign_from_checkpoint tf.train.init_from_checkpoint
assign_from_checkpoint_fn tf.train.Saver(variables).restore
assign_from_values Variable.load
assign_from_values_fn Variable.load
create_global_step tf.train.create_global_step
current_arg_scope functools.partial
filter_variables re over tf.global_variables()
get_global_step tf.train.get_global_step
get_model_variables tf.get_collection(tf.GraphKeys.MODEL_VARIABLES, scope)
get_local_variables tf.get_collection(tf.GraphKeys.LOCAL_VARIABLES, scope)
get_name_scope tf.get_default_graph().get_name_scope()
get_or_create_global_step tf.train.get_or_create_global_step
get_trainable_variables tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope)
get_unique_variable tf.get_collection
get_variable_full_name Variable.op.name
get_variables tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope)
get_variables_by_name tf.get_collection
get_variables_by_suffix tf.get_collection
get_variables_to_restore tf.get_collection
has_arg_scope functools.partial
init_from_checkpoint tf.train.init_from_checkpoint
is_tensor tf.is_tensor
list_variables tf.train.list_variables
load_checkpoint tf.train.load_checkpoint
load_variable tf.train.load_variable
local_variable tf.get_variable(collections=[tf.GraphKeys.LOCAL_VARIABLES])
model_variable tf.get_variable
nest tf.nest
variable tf.get_variable
zero_initializer tf.zeros_initializer
"""

CONTRIB_TRAINING = """
HParams types.SimpleNamespace
StopAfterNEvalsHook tf.train.SessionRunHook
SummaryAtEndHook tf.train.SessionRunHook
add_gradients_summaries tf.summary.histogram
checkpoints_iterator tf.train.checkpoints_iterator
clip_gradient_norms tf.clip_by_norm
clip_gradient_norms_fn tf.clip_by_norm
create_train_op Optimizer.compute_gradients and apply_gradients
evaluate_once tf.train.MonitoredSession
evaluate_repeatedly tf.train.checkpoints_iterator
get_or_create_eval_step tf.get_variable
multiply_gradients a multiplication
train tf.train.MonitoredTrainingSession
wait_for_new_checkpoint tf.train.checkpoints_iterator
"""

CONTRIB_GAN = """
ACGANModel collections.namedtuple
CycleGANLoss collections.namedtuple
CycleGANModel collections.namedtuple
GANLoss collections.namedtuple
GANModel collections.namedtuple
GANTrainOps collections.namedtuple
GANTrainSteps collections.namedtuple
InfoGANModel collections.namedtuple
RunTrainOpsHook tf.train.SessionRunHook
StarGANModel collections.namedtuple
acgan_model networks in two variable scopes
cyclegan_loss losses.py
cyclegan_model networks in two variable scopes
gan_loss losses.py
gan_model networks in two variable scopes
gan_train tf.train.MonitoredTrainingSession
gan_train_ops Optimizer.compute_gradients and apply_gradients
get_joint_train_hooks tf.train.SessionRunHook
get_sequential_train_hooks tf.train.SessionRunHook
get_sequential_train_steps a loop
infogan_model networks in two variable scopes
stargan_loss losses.py
stargan_model networks in two variable scopes
"""

GAN_LOSSES = """
acgan_discriminator_loss tf.losses.softmax_cross_entropy
acgan_generator_loss tf.losses.softmax_cross_entropy
combine_adversarial_loss a weighted sum
cycle_consistency_loss tf.losses.absolute_difference
least_squares_discriminator_loss tf.squared_difference
least_squares_generator_loss tf.squared_difference
minimax_discriminator_loss tf.losses.sigmoid_cross_entropy
minimax_generator_loss tf.losses.sigmoid_cross_entropy
modified_discriminator_loss tf.losses.sigmoid_cross_entropy
modified_generator_loss tf.losses.sigmoid_cross_entropy
mutual_information_penalty tf.distributions.Distribution.log_prob
wasserstein_discriminator_loss tf.reduce_mean
wasserstein_generator_loss tf.reduce_mean
wasserstein_gradient_penalty tf.gradients
wasserstein_hinge_discriminator_loss tf.nn.relu
wasserstein_hinge_generator_loss tf.reduce_mean
"""

GAN_FEATURES = """
VBN tf.nn.batch_normalization on get_variable
clip_discriminator_weights tf.clip_by_norm
clip_variables tf.clip_by_norm
compute_spectral_norm tf.matmul on get_variable
condition_tensor tf.matmul on get_variable
condition_tensor_from_onehot tf.nn.embedding_lookup
spectral_norm_regularizer tf.matmul on get_variable
spectral_normalization_custom_getter tf.variable_scope(custom_getter=…)
spectral_normalize tf.matmul on get_variable
tensor_pool tf.RandomShuffleQueue
"""

GAN_EVAL = """
INCEPTION_DEFAULT_IMAGE_SIZE 299
INCEPTION_FINAL_POOL 'pool_3:0'
INCEPTION_FROZEN_GRAPH the name of a file
INCEPTION_INPUT 'Mul:0'
INCEPTION_OUTPUT 'logits:0'
INCEPTION_URL the address of a file
add_cyclegan_image_summaries tf.summary.image
add_gan_model_image_summaries tf.summary.image
add_gan_model_summaries tf.summary.histogram
add_image_comparison_summaries tf.summary.image
add_regularization_loss_summaries tf.summary.scalar
add_stargan_image_summaries tf.summary.image
classifier_score tf.nn.softmax
classifier_score_from_logits tf.nn.softmax
diagonal_only_frechet_classifier_distance_from_activations tf.nn.moments
frechet_classifier_distance tf.svd
frechet_classifier_distance_from_activations tf.svd
frechet_inception_distance tf.svd
get_graph_def_from_disk tf.GraphDef.FromString
get_graph_def_from_resource tf.GraphDef.FromString
get_graph_def_from_url_tarball tf.GraphDef.FromString
image_grid tf.reshape and tf.transpose
image_reshaper tf.concat
inception_score tf.nn.softmax
kernel_classifier_distance tf.matmul
kernel_classifier_distance_and_std tf.matmul
kernel_classifier_distance_and_std_from_activations tf.matmul
kernel_classifier_distance_from_activations tf.matmul
kernel_inception_distance tf.matmul
kernel_inception_distance_and_std tf.matmul
mean_only_frechet_classifier_distance_from_activations tf.reduce_mean
preprocess_image tf.image.resize_bilinear
python_image_grid np.reshape and np.transpose
run_image_classifier tf.import_graph_def
run_inception tf.import_graph_def
sliced_wasserstein_distance tf.nn.top_k
"""

ESTIMATOR = """
EstimatorSpec tf.train.MonitoredTrainingSession
Estimator tf.train.MonitoredTrainingSession
EvalSpec collections.namedtuple
FinalExporter tf.saved_model.Builder
LatestExporter tf.saved_model.Builder
ModeKeys 'train', 'eval', 'infer'
RunConfig types.SimpleNamespace
TrainSpec collections.namedtuple
VocabInfo tf.train.VocabInfo
WarmStartSettings tf.train.warm_start
train_and_evaluate tf.train.MonitoredTrainingSession
"""

SLIM_ONLY = """
evaluation tf.train.Saver and a loop
learning Optimizer.compute_gradients and apply_gradients
losses tf.losses
model_analyzer tf.trainable_variables()
regularizers tf.nn.l2_loss
summaries tf.summary
"""

CONTRIB_DATA = """
Dataset tf.data.Dataset
TFRecordDataset tf.data.TFRecordDataset
TextLineDataset tf.data.TextLineDataset
FixedLengthRecordDataset tf.data.FixedLengthRecordDataset
Iterator tf.data.Iterator
AUTOTUNE tf.data.experimental.AUTOTUNE
assert_element_shape tf.data.Dataset.map(tf.ensure_shape)
batch_and_drop_remainder Dataset.batch(n, drop_remainder=True)
bucket_by_sequence_length tf.data.experimental.bucket_by_sequence_length
choose_from_datasets tf.data.experimental.choose_from_datasets
copy_to_device tf.data.experimental.copy_to_device
dense_to_sparse_batch tf.data.experimental.dense_to_sparse_batch
enumerate_dataset Dataset.enumerate
group_by_window tf.data.experimental.group_by_window
ignore_errors tf.data.experimental.ignore_errors
make_csv_dataset tf.data.experimental.make_csv_dataset
map_and_batch Dataset.map(...).batch(n)
padded_batch_and_drop_remainder Dataset.padded_batch(n, drop_remainder=True)
parallel_interleave Dataset.interleave
prefetch_to_device tf.data.experimental.prefetch_to_device
read_batch_features tf.data.experimental.make_batched_features_dataset
rejection_resample tf.data.experimental.rejection_resample
sample_from_datasets tf.data.experimental.sample_from_datasets
scan tf.data.experimental.scan
shuffle_and_repeat Dataset.shuffle(n).repeat()
sloppy_interleave Dataset.interleave(deterministic=False)
unbatch Dataset.unbatch
unique tf.data.experimental.unique
"""

CONTRIB_DISTRIBUTIONS = """
Bernoulli tf.distributions.Bernoulli
Beta tf.distributions.Beta
Categorical tf.distributions.Categorical
Dirichlet tf.distributions.Dirichlet
Exponential tf.distributions.Exponential
ExpRelaxedOneHotCategorical tf.nn.log_softmax of logits and Gumbel noise
Gamma tf.distributions.Gamma
Laplace tf.distributions.Laplace
Mixture tf.reduce_logsumexp over components
Multinomial tf.distributions.Multinomial
MultivariateNormalCholesky tf.matrix_triangular_solve
MultivariateNormalDiag tf.distributions.Normal, summed over the last axis
MultivariateNormalDiagWithSoftplusScale tf.distributions.Normal, summed over the last axis
MultivariateNormalFull tf.cholesky and tf.matrix_triangular_solve
MultivariateNormalFullCovariance tf.cholesky and tf.matrix_triangular_solve
MultivariateNormalTriL tf.matrix_triangular_solve
Normal tf.distributions.Normal
NormalWithSoftplusScale tf.distributions.Normal
OneHotCategorical tf.one_hot of tf.distributions.Categorical
RelaxedOneHotCategorical tf.nn.softmax of logits and Gumbel noise
Uniform tf.distributions.Uniform
kl tf.distributions.kl_divergence
"""

RNN_CELLS = """
BasicLSTMCell tf.matmul on get_variable
BasicRNNCell tf.matmul on get_variable
DeviceWrapper tf.device
DropoutWrapper tf.nn.dropout around a cell
GRUCell tf.matmul on get_variable
InputProjectionWrapper tf.matmul on get_variable
LSTMCell tf.matmul on get_variable
OutputProjectionWrapper tf.matmul on get_variable
LSTMStateTuple collections.namedtuple
MultiRNNCell a loop over cells
RNNCell a class with state_size and output_size
ResidualWrapper an addition around a cell
"""

NUMPY_ALIASES = """
float float
int int
bool bool
object object
str str
complex complex
long int
unicode str
float_ np.float64
complex_ np.complex128
string_ np.bytes_
unicode_ np.str_
Inf np.inf
Infinity np.inf
infty np.inf
PINF np.inf
NINF -np.inf
NaN np.nan
NAN np.nan
PZERO 0.0
NZERO -0.0
"""

NUMPY_FUNCTIONS = """
alltrue np.all
asfarray np.asarray(x, float)
asscalar x.item()
AxisError np.exceptions.AxisError
bool8 np.bool_
cast np.asarray(x, dtype)
cfloat np.complex128
chararray np.char.chararray
ComplexWarning np.exceptions.ComplexWarning
cumproduct np.cumprod
deprecate warnings.warn
disp print
find_common_type np.result_type
in1d np.isin
int0 np.intp
issctype np.dtype
issubclass_ issubclass
issubsctype np.issubdtype
loads pickle.loads
longcomplex np.clongdouble
longfloat np.longdouble
mat np.asmatrix
msort np.sort(x, axis=0)
maximum_sctype np.dtype
object0 object
obj2sctype np.dtype(x).type
product np.prod
rank np.ndim
RankWarning np.exceptions.RankWarning
round_ np.round
row_stack np.vstack
sctypes np.dtype
singlecomplex np.complex64
sometrue np.any
str0 np.str_
trapz np.trapezoid
typeDict np.dtype
uint0 np.uintp
VisibleDeprecationWarning np.exceptions.VisibleDeprecationWarning
warnings warnings
"""

SCIPY_MISC = """
bytescale a rescale to 0 … 255 in NumPy
fromimage np.asarray(PIL.Image)
imfilter PIL.Image.filter
imread imageio.v2.imread
imresize PIL.Image.resize
imrotate PIL.Image.rotate
imsave imageio.imwrite
imshow PIL.Image.show
toimage PIL.Image.fromarray
comb scipy.special.comb
factorial scipy.special.factorial
logsumexp scipy.special.logsumexp
face scipy.datasets.face
ascent scipy.datasets.ascent
"""


def _tensorflow():
    yield from _renamed('tf', RENAMED_TF)
    yield from _rows('changed', 'tf', 'tf1.renamed', """
concat tf.concat(values, axis)
split tf.split(value, num_or_size_splits, axis)
reverse tf.reverse(tensor, axis)
""", 'TensorFlow ≤ 0.12 had the axis first; told apart by the types of the arguments')
    yield from _rows('gone', 'tf', 'tf1.renamed', """
audio_summary tf.summary.audio
batch_matmul tf.matmul
histogram_summary tf.summary.histogram
image_summary tf.summary.image
initialize_all_tables tf.tables_initializer()
initialize_all_variables tf.global_variables_initializer()
op_scope tf.name_scope
pack tf.stack
scalar_summary tf.summary.scalar
unpack tf.unstack
variable_op_scope tf.variable_scope
flatten tf.reshape(x, [tf.shape(x)[0], -1])
""")
    yield Symbol('tf.train.SummaryWriter', 'tf1.renamed:SummaryWriter', 'tf.summary.FileWriter', 'renamed')
    yield from _rows('changed', 'tf.nn', 'tf1.renamed', """
sigmoid_cross_entropy_with_logits tf.nn.sigmoid_cross_entropy_with_logits(labels=…, logits=…)
softmax_cross_entropy_with_logits tf.nn.softmax_cross_entropy_with_logits(labels=…, logits=…)
sparse_softmax_cross_entropy_with_logits tf.nn.sparse_softmax_cross_entropy_with_logits(labels=…, logits=…)
""", 'positional arguments were (logits, labels); today they are silently taken as (labels, logits)')
    yield from _rows('changed', 'tf.nn', 'tf1.nn', """
avg_pool tf.nn.avg_pool
avg_pool3d tf.nn.avg_pool3d
bias_add tf.nn.bias_add
conv1d tf.nn.conv1d
conv2d tf.nn.conv2d
conv2d_transpose tf.nn.conv2d_transpose
conv3d tf.nn.conv3d
depthwise_conv2d tf.nn.depthwise_conv2d
fused_batch_norm tf.nn.fused_batch_norm
max_pool tf.nn.max_pool
max_pool3d tf.nn.max_pool3d
separable_conv2d tf.nn.separable_conv2d
""", 'NCHW runs on a CPU (transposed to NHWC); conv2d_transpose keeps the static shape it was given')
    yield Symbol('tf.global_variables_initializer', 'tf1.renamed:global_variables_initializer',
                 'tf.group(tf.global_variables_initializer(), tf.local_variables_initializer())', 'changed',
                 'the lists of tf.train.match_filenames_once were global variables before TensorFlow 1.2')
    yield from _rows('changed', 'tf', 'tf1.nn', """
depth_to_space tf.nn.depth_to_space
space_to_depth tf.nn.space_to_depth
""", 'NCHW runs on a CPU (transposed to NHWC)')
    yield Symbol('tf.image.resize_images', 'tf1.renamed:resize_images',
                 'tf.image.resize_images(images, [height, width])', 'changed',
                 'TensorFlow ≤ 0.11 took height and width as two arguments')
    yield from _rows('gone', 'tf.layers', 'tf1.layers', TF_LAYERS)
    for prefix in ('tf.contrib.rnn', 'tf.nn.rnn_cell'):
        yield from _rows('gone', prefix, 'tf1.rnn', RNN_CELLS)
    yield from _rows('gone', 'tf.contrib.rnn', 'tf1.rnn', """
LayerNormBasicLSTMCell tf.matmul and tf.nn.moments on get_variable
LSTMBlockCell tf.matmul on get_variable
static_rnn tf.nn.static_rnn
static_bidirectional_rnn tf.nn.static_bidirectional_rnn
""")
    for prefix in ('tf.contrib.rnn', 'tf.nn.rnn_cell'):
        yield Symbol(prefix + '._RNNCell', 'tf1.rnn:RNNCell', 'a class with state_size and output_size')
        yield Symbol(prefix + '._linear', 'tf1.rnn:linear', 'tf.matmul on get_variable')
        yield Symbol(prefix + '._Linear', 'tf1.rnn:Linear', 'tf.matmul on get_variable')
    yield Symbol('tf.nn.rnn', 'tf1.rnn:static_rnn', 'tf.nn.static_rnn', 'renamed')
    yield from _rows('gone', 'tf.contrib.layers', 'tf1.contrib_layers', CONTRIB_LAYERS)
    yield from _rows('gone', 'tf.contrib.layers.utils', 'tf1.layers_utils', LAYERS_UTILS)
    yield from _rows('gone', 'tf.contrib.framework', 'tf1.framework', CONTRIB_FRAMEWORK)
    yield from _rows('gone', 'tf.contrib.slim', 'tf1.slim', SLIM_ONLY)
    yield from _rows('gone', 'tf.contrib.slim', 'tf1.slim_data', """
data_decoder a class with list_items and decode
data_provider a class with get
dataset types.SimpleNamespace
dataset_data_provider tf.data.TFRecordDataset
parallel_reader tf.data.TFRecordDataset
queues tf.train.start_queue_runners
tfexample_decoder tf.parse_single_example
""")
    yield Symbol('tf.contrib.slim.prefetch_queue', 'tf1.slim_data:prefetching', 'tf.data.Dataset.prefetch')
    yield from _rows('gone', 'tf.contrib.slim.nets.vgg', 'tf1.slim_nets', """
vgg_a tf.nn.conv2d on get_variable
vgg_16 tf.nn.conv2d on get_variable
vgg_19 tf.nn.conv2d on get_variable
vgg_d tf.nn.conv2d on get_variable
vgg_e tf.nn.conv2d on get_variable
vgg_arg_scope keyword arguments
""")
    yield from _rows('gone', 'tf.contrib.slim.nets.alexnet', 'tf1.slim_nets', """
alexnet_v2 tf.nn.conv2d on get_variable
alexnet_v2_arg_scope keyword arguments
""")
    yield from _rows('gone', 'tf.contrib.data', 'tf1.contrib_data', CONTRIB_DATA)
    yield from _rows('gone', 'tf.contrib.distributions', 'tf1.distributions', CONTRIB_DISTRIBUTIONS)
    for name in ('Distribution', 'ReparameterizationType', 'FULLY_REPARAMETERIZED', 'NOT_REPARAMETERIZED',
                 'RegisterKL', 'StudentT', 'DirichletMultinomial', 'kl_divergence'):
        yield Symbol('tf.contrib.distributions.' + name, '=distributions.' + name,
                     'tf.distributions.' + name, 'renamed')
    yield from _rows('gone', 'tf.contrib.bayesflow.stochastic_tensor', 'tf1.stochastic', """
StochasticTensor tf.distributions.Distribution.sample
SampleValue tf.distributions.Distribution.sample
SampleAndReshapeValue tf.distributions.Distribution.sample
MeanValue tf.distributions.Distribution.mean
value_type tf.distributions.Distribution.sample
get_current_value_type tf.distributions.Distribution.sample
""")
    yield from _rows('gone', 'tf.contrib.graph_editor', 'tf1.graph_editor', """
copy_with_input_replacements a function called again on other tensors
graph_replace a function called again on other tensors
""")
    yield Symbol('tf.contrib.losses', 'tf1.slim:losses', 'tf.losses')
    for name in (
        'layers', 'models', 'Model', 'Sequential', 'Input', 'initializers', 'activations', 'regularizers',
        'constraints', 'optimizers', 'backend',
    ):
        for prefix in ('tf.keras.', 'keras.'):
            yield Symbol(
                prefix + name, f'tf1.keras_view:{name}', 'tf.nn on get_variable', 'changed',
                'in a TensorFlow 1 graph, where Keras 3 does not work: layers called on tensors; no fit',
            )
    yield Symbol('tf.contrib.seq2seq.sequence_loss', 'tf1.rnn:sequence_loss',
                 'tf.nn.sparse_softmax_cross_entropy_with_logits')
    yield Symbol('tf.logging._logger', 'tf1.renamed:LOGGER', "logging.getLogger('tensorflow')")
    yield Symbol('tf.contrib.metrics', '=metrics', 'tf.metrics')
    for name, today in (('constant_value', 'get_static_value'), ('make_ndarray', 'make_ndarray'),
                        ('make_tensor_proto', 'make_tensor_proto')):
        yield Symbol('tf.contrib.util.' + name, '=' + today, 'tf.' + today, 'renamed')
    yield Symbol('tf.contrib.signal', '=signal', 'tf.signal')
    yield Symbol('tf.contrib.lookup', '=lookup', 'tf.lookup')
    yield Symbol('tf.contrib.summary', 'tf1.contrib_summary:MODULE', 'tf.compat.v2.summary')
    yield from _rows('gone', 'tf.contrib.training', 'tf1.training', CONTRIB_TRAINING)
    yield from _rows('gone', 'tf.contrib.gan', 'tf1.contrib_gan', CONTRIB_GAN)
    yield Symbol('tensorflow_gan', 'tf1.contrib_gan:MODULE', 'helpers.contrib_gan',
                 note='as tf.contrib.gan had it; the package needs tf.estimator')
    yield from _rows('gone', 'tf.contrib.gan.losses', 'tf1.gan_tuple_losses', GAN_LOSSES + """
stargan_discriminator_loss_wrapper a function of the discriminator's outputs
stargan_generator_loss_wrapper a function of the discriminator's outputs
stargan_gradient_penalty_wrapper tf.gradients
""")
    yield from _rows('gone', 'tf.contrib.gan.losses.wargs', 'tf1.gan_losses', GAN_LOSSES)
    yield from _rows('gone', 'tf.contrib.gan.features', 'tf1.gan_features', GAN_FEATURES)
    yield from _rows('gone', 'tf.contrib.gan.eval', 'tf1.gan_eval', GAN_EVAL)
    yield from _rows('gone', 'tf.contrib.gan.estimator', 'tf1.gan_estimator', """
GANEstimator tf.train.MonitoredTrainingSession
StarGANEstimator tf.train.MonitoredTrainingSession
SummaryType enum.IntEnum
""")
    yield from _rows('gone', 'tf.estimator', 'tf1.estimator', ESTIMATOR)
    yield from _rows('gone', 'tf.estimator.inputs', 'tf1.estimator_inputs', """
numpy_input_fn tf.data.Dataset
pandas_input_fn tf.data.Dataset
""")
    yield from _rows('gone', 'tf.estimator.export', 'tf1.estimator_inputs', """
ServingInputReceiver collections.namedtuple
TensorServingInputReceiver collections.namedtuple
build_parsing_serving_input_receiver_fn tf.parse_example
build_raw_serving_input_receiver_fn tf.placeholder
""")
    for name in ('CheckpointSaverHook', 'CheckpointSaverListener', 'FeedFnHook', 'FinalOpsHook',
                 'GlobalStepWaiterHook', 'LoggingTensorHook', 'NanLossDuringTrainingError', 'NanTensorHook',
                 'ProfilerHook', 'SecondOrStepTimer', 'SessionRunArgs', 'SessionRunContext', 'SessionRunHook',
                 'SessionRunValues', 'StepCounterHook', 'StopAtStepHook', 'SummarySaverHook'):
        yield Symbol('tf.estimator.' + name, '=train.' + name, 'tf.train.' + name, 'renamed')
    yield Symbol('tf.contrib.opt', 'tf1.opt:MODULE', 'tf.train')
    yield Symbol('tf.contrib.learn.datasets', 'input_data:datasets', 'data.read_mnist')
    yield Symbol('tf.contrib.learn.ModeKeys', 'input_data:ModeKeys', 'tf.estimator.ModeKeys')
    yield from _rows('gone', 'tf.contrib.image', 'tf1.image', """
angles_to_projective_transforms tf.stack
dense_image_warp tf.gather of four pixels
interpolate_bilinear tf.gather of four pixels
rotate tf.raw_ops.ImageProjectiveTransformV3
transform tf.raw_ops.ImageProjectiveTransformV3
translate tf.raw_ops.ImageProjectiveTransformV3
""")
    yield Symbol('tf.contrib', '', 'none', note='this part of tf.contrib is not restored')
    yield Symbol('tf.examples.tutorials.mnist.input_data', 'input_data:MODULE', 'data.read_mnist',
                 note='reads local IDX files; else the sample digits')
    yield Symbol('tf.examples.tutorials.mnist', 'input_data:PACKAGE', 'data.read_mnist')
    yield Symbol('tf.app', 'flags:app', 'absl.app', 'changed',
                 'unknown arguments are tolerated, as before TensorFlow 1.5')
    yield Symbol('tf.flags', 'flags:MODULE', 'absl.flags', 'changed',
                 'as before TensorFlow 1.5: `--flag False` is false, FLAGS.__flags holds values, '
                 'read before parsing, '
                 'unknown flags tolerated')
    yield Symbol('tf.keras.datasets', 'keras_datasets:MODULE', 'data.read_mnist', 'changed',
                 'never downloads')
    yield Symbol('tf.__version__', 'tf1.renamed:__version__', 'tf.__version__', 'changed',
                 'scripts ask for "1."')
    yield Symbol('tf.VERSION', 'tf1.renamed:__version__', 'tf.__version__', 'changed')


def _python():
    for name, modern in (('print statement', 'print(...)'), ('except X, e', 'except X as e'),
                         ('raise X, message', 'raise X(message)'), ('exec statement', 'exec(...)'),
                         ('backticks', 'repr(...)'), ('<> operator', '!='), ('0777 literal', '0o777'),
                         ('10L literal', '10'), ('ur"" literal', 'u""'), ('tuple parameters',
                                                                          'unpack in the body'),
                         ('tabs mixed with spaces', 'spaces'), ('implicit relative import',
                                                                'from . import x'), ('/ on integers', '//'),
                         ('map, filter, zip, range as lists', 'list(map(...))')):
        yield Symbol('py2:' + name, 'translate', modern, 'gone')
    yield from _rows('gone', 'builtins', 'python2', """
xrange range
raw_input input
unicode str
basestring str
long int
reduce functools.reduce
unichr chr
cmp (a > b) - (a < b)
execfile exec(open(path).read())
file open
reload importlib.reload
apply f(*args)
buffer memoryview
intern sys.intern
coerce none
""")
    for name, modern in (
            ('.has_key', 'in'), ('.iteritems', '.items'), ('.itervalues', '.values'), ('.iterkeys', '.keys'),
            ('.viewitems', '.items'), ('.viewvalues', '.values'), ('.viewkeys', '.keys'),
            ('.next', 'next(x)'),
            ('.tostring', '.tobytes'), ('.decode', 'none: text is text'), ('.itemset', 'x[i] = v'),
            ('.textsize', '.textbbox'), ('.getsize', '.getbbox'), ('.as_matrix', '.to_numpy'),
            ('.ptp', 'np.ptp'), ('.newbyteorder', 'x.view(dtype)')):
        yield Symbol(name, 'python2:METHODS', modern, 'gone', 'put back when the object no longer has it')
    for old, new in (('cPickle', 'pickle'), ('urllib2', 'urllib.request'), ('urlparse', 'urllib.parse'),
                     ('Queue', 'queue'), ('StringIO', 'io'), ('cStringIO', 'io'), ('ConfigParser',
                                                                                   'configparser'),
                     ('httplib', 'http.client'), ('__builtin__', 'builtins'), ('commands', 'subprocess'),
                     ('thread', '_thread'), ('Tkinter', 'tkinter'), ('tkMessageBox', 'tkinter.messagebox'),
                     ('copy_reg', 'copyreg'), ('HTMLParser', 'html.parser'), ('cookielib', 'http.cookiejar'),
                     ('SocketServer', 'socketserver'), ('exceptions', 'builtins'), ('sets', 'builtins'),
                     ('itertools.izip', 'zip'), ('itertools.imap', 'map'), ('itertools.ifilter', 'filter'),
                     ('itertools.izip_longest', 'itertools.zip_longest'), ('string.letters',
                                                                           'string.ascii_letters'),
                     ('string.lowercase', 'string.ascii_lowercase'), ('string.uppercase',
                                                                      'string.ascii_uppercase'),
                     ('string.maketrans', 'str.maketrans'), ('string.join', 'str.join'), ('string.replace',
                                                                                          'str.replace'),
                     ('string.split', 'str.split'), ('string.strip', 'str.strip'), ('string.atoi', 'int'),
                     ('string.atof', 'float'), ('sys.maxint', 'sys.maxsize'), ('sys.setdefaultencoding',
                                                                               'none'), ('os.getcwdu',
                                                                                         'os.getcwd'),
                     ('os.errno', 'errno'), ('time.clock', 'time.perf_counter'), ('inspect.getargspec',
                                                                                  'inspect.getfullargspec'),
                     ('fractions.gcd', 'math.gcd'), ('collections.Iterable', 'collections.abc.Iterable'),
                     ('collections.Mapping', 'collections.abc.Mapping'), ('collections.MutableMapping',
                                                                          'collections.abc.MutableMapping'),
                     ('collections.Sequence', 'collections.abc.Sequence'), ('collections.Callable',
                                                                            'collections.abc.Callable'),
                     ('collections.Iterator', 'collections.abc.Iterator'), ('collections.Hashable',
                                                                            'collections.abc.Hashable'),
                     ('urllib.urlretrieve', 'urllib.request.urlretrieve'), ('urllib.urlopen',
                                                                            'urllib.request.urlopen'),
                     ('urllib.urlencode', 'urllib.parse.urlencode'), ('urllib.quote', 'urllib.parse.quote'),
                     ('urllib.unquote', 'urllib.parse.unquote'), ('urllib.URLopener',
                                                                  'urllib.request.URLopener'),
                     ('types.StringType', 'str'), ('types.IntType', 'int'), ('types.FloatType', 'float'),
                     ('types.ListType', 'list'), ('types.DictType', 'dict'), ('types.TupleType', 'tuple'),
                     ('types.NoneType', 'type(None)'), ('types.StringTypes', 'str'), ('types.BooleanType',
                                                                                      'bool')):
        yield Symbol(old, 'python2:STDLIB', new, 'renamed')
    for name in ('os.system', 'os.popen', 'subprocess.Popen', 'subprocess.call', 'subprocess.check_call',
                 'subprocess.check_output', 'subprocess.run', 'urllib.request.urlretrieve',
                 'urllib.request.urlopen'):
        yield Symbol(name, 'python2:STDLIB', name, 'changed',
                     'downloads are refused, Python scripts run as this one')
    for name in (
        'csv.reader', 'csv.writer', 'csv.DictReader', 'csv.DictWriter', 'random.sample', 'random.shuffle',
        'random.seed',
    ):
        yield Symbol(name, 'python2:STDLIB', name, 'changed', 'takes what it took in Python 2')
    for name in ('load', 'loads', 'dump'):
        yield Symbol('pickle.' + name, f'python2:pickle_{name}', 'pickle.' + name, 'changed',
                     'files of Python 2 and files opened as text are read')
    yield Symbol('importlib.import_module', 'python2:import_module', 'importlib.import_module', 'changed',
                 'finds the modules that import statements find')


def _libraries():
    yield from _rows('gone', 'np', 'numpy1', NUMPY_ALIASES)
    yield from _rows('gone', 'np', 'numpy1', NUMPY_FUNCTIONS)
    yield from _rows('changed', 'np', 'numpy1', """
amax np.amax
amin np.amin
argmax np.argmax
argmin np.argmin
argsort np.argsort
array np.array
asarray np.asarray
cumsum np.cumsum
max np.max
mean np.mean
median np.median
min np.min
prod np.prod
sort np.sort
std np.std
sum np.sum
var np.var
concatenate np.concatenate
dstack np.dstack
fromstring np.frombuffer
hstack np.hstack
linspace np.linspace
load np.load
ones np.ones
reshape np.reshape
stack np.stack
vstack np.vstack
zeros np.zeros
histogram np.histogram
""", 'ragged lists, generators, float sizes, pickled files, binary strings and bytes out of range '
                     'are taken as NumPy 1 took them')
    yield Symbol('np.random.random_integers', 'numpy1:random_integers', 'np.random.randint(low, high + 1)')
    yield from _rows('gone', 'scipy.misc', 'scipy_misc', SCIPY_MISC)
    yield Symbol('scipy.ndimage.imread', 'scipy_misc:imread', 'imageio.v2.imread')
    yield Symbol('scipy.io.wavfile.write', 'scipy_misc:wavfile_write', 'wavfile.write(name, int(rate), data)',
                 'changed', 'the rate could be a float')
    yield Symbol('scipy.stats.threshold', 'scipy_misc:threshold', 'np.where')
    for name, filters in (('LANCZOS', 'ANTIALIAS'),):
        yield Symbol('.' + filters, 'python2:METHODS', 'PIL.Image.' + name, 'renamed')
    for module, modern in (('matplotlib', 'matplotlib'), ('mpl_toolkits', 'mpl_toolkits'), ('cv2', 'PIL'),
                           ('moviepy', 'imageio'), ('skimage', 'PIL'), ('sklearn', 'scikit-learn'),
                           ('progressbar', 'tqdm'), ('dateutil', 'datetime'), ('easydict',
                                                                               'types.SimpleNamespace'),
                           ('colorlog', 'logging'), ('colorama', 'ANSI codes'), ('terminaltables', 'print'),
                           ('natsort', 'sorted with a key'), ('click', 'argparse'),
                           ('yaml', 'PyYAML'), ('oyaml', 'PyYAML'), ('toml', 'tomllib'),
                           ('IPython', 'IPython'), ('seaborn', 'matplotlib'),
                           ('tensorflow_probability', 'tf.distributions')):
        yield Symbol(module, 'absent:' + module, modern, 'gone',
                     'used as it is where installed; otherwise a small part is put in its place')
    yield Symbol('keras.datasets', 'keras_datasets:MODULE', 'data.read_mnist', 'changed', 'never downloads')
    yield from _rows('changed', 'imageio', 'imageio2', """
imread imageio.v2.imread
mimread imageio.v2.mimread
imwrite imageio.imwrite of uint8
imsave imageio.imwrite of uint8
mimwrite imageio.mimwrite of uint8, duration=1000 / fps
mimsave imageio.mimwrite of uint8, duration=1000 / fps
get_writer imageio.get_writer, duration=1000 / fps
save imageio.get_writer
""", 'images of floats were brought to bytes, fps and duration were in seconds')
    yield Symbol('h5py.File', 'h5py2:File', "h5py.File(name, 'a')", 'changed',
                 'a file was opened to write, and made, without a mode')
    for name in (
        'gaussian', 'hann', 'hanning', 'hamming', 'blackman', 'kaiser', 'bartlett', 'boxcar', 'triang',
    ):
        today = {'hanning': 'hann'}.get(name, name)
        yield Symbol(
            'scipy.signal.' + name, '=signal.windows.' + today, 'scipy.signal.windows.' + today, 'renamed'
        )
    for name, today in (('simps', 'simpson'), ('cumtrapz', 'cumulative_trapezoid'), ('trapz', 'trapezoid')):
        yield Symbol('scipy.integrate.' + name, '=integrate.' + today, 'scipy.integrate.' + today, 'renamed')


SYMBOLS = {row.name: row for part in (_tensorflow, _python, _libraries) for row in part()}

# How a script may spell a prefix → the prefix in the table, longest first.
ALIASES = {
    'tensorflow.compat.v1': 'tf',
    'tensorflow.python.platform.flags': 'tf.flags',
    'tensorflow.python.platform.app': 'tf.app',
    'tensorflow': 'tf',
    'numpy': 'np',
    'tf.python.platform.flags': 'tf.flags',
    'tf.python.platform.app': 'tf.app',
    'tf.app.flags': 'tf.flags',
    **{f'tf.contrib.gan.{file}': 'tf.contrib.gan' for file in ('train', 'namedtuples')},
    **{f'tf.contrib.gan.{part}.{file}': f'tf.contrib.gan.{part}' for part, files in (
        ('losses', 'python tuple_losses tuple_losses_impl'),
        ('features', 'python clip_weights clip_weights_impl conditioning_utils conditioning_utils_impl '
                     'random_tensor_pool random_tensor_pool_impl spectral_normalization '
                     'spectral_normalization_impl virtual_batchnorm virtual_batchnorm_impl'),
        ('eval', 'python classifier_metrics classifier_metrics_impl eval_utils eval_utils_impl summaries '
                 'summaries_impl sliced_wasserstein sliced_wasserstein_impl'),
        ('estimator', 'python gan_estimator gan_estimator_impl stargan_estimator stargan_estimator_impl'),
    ) for file in files.split()},
    'tf.contrib.gan.losses.losses_impl': 'tf.contrib.gan.losses.wargs',
    'tf.contrib.gan.losses.losses_wargs': 'tf.contrib.gan.losses.wargs',
    'tf.contrib.gan.python': 'tf.contrib.gan',
    'tf.contrib.training.python.training.training': 'tf.contrib.training',
    'tf.contrib.training.python.training.evaluation': 'tf.contrib.training',
    'tf.contrib.training.python.training.hparam': 'tf.contrib.training',
    **{f'tf.python.estimator.{file}': 'tf.estimator' for file in (
        'estimator', 'model_fn', 'run_config', 'training', 'mode_keys')},
    'tf.python.estimator.inputs.numpy_io': 'tf.estimator.inputs',
    'tf.python.estimator.inputs.pandas_io': 'tf.estimator.inputs',
    'tf.python.estimator.inputs': 'tf.estimator.inputs',
    'tf.python.estimator': 'tf.estimator',
    'tf.contrib.slim.python.slim.data': 'tf.contrib.slim',
    'tf.contrib.slim.layers': 'tf.contrib.layers',
    'tf.contrib.slim.python.slim.learning': 'tf.contrib.slim.learning',
    'tf.contrib.slim.python.slim.evaluation': 'tf.contrib.slim.evaluation',
    'tf.contrib.layers.python.layers.layers': 'tf.contrib.layers',
    'tf.contrib.layers.python.layers.initializers': 'tf.contrib.layers',
    'tf.contrib.layers.python.layers.regularizers': 'tf.contrib.layers',
    'tf.contrib.layers.python.layers.normalization': 'tf.contrib.layers',
    'tf.contrib.layers.python.layers': 'tf.contrib.layers',
    'tf.contrib.layers.python.ops': 'tf.contrib.layers',
    'tf.contrib.layers.initializers': 'tf.contrib.layers',
    'tf.contrib.layers.regularizers': 'tf.contrib.layers',
    'tf.contrib.layers.optimizers': 'tf.contrib.layers',
    'tf.contrib.layers.layers': 'tf.contrib.layers',
    'tf.contrib.framework.python.ops.variables': 'tf.contrib.framework',
    'tf.contrib.framework.python.ops.arg_scope': 'tf.contrib.framework',
    'tf.contrib.framework.python.ops': 'tf.contrib.framework',
    'tf.contrib.slim.python.slim': 'tf.contrib.slim',
    'tf.contrib.learn.python.learn.datasets': 'tf.contrib.learn.datasets',
    'tf.contrib.learn.python.learn': 'tf.contrib.learn',
    'tf.contrib.keras.python.keras': 'tf.keras',
    'tf.contrib.keras.api.keras': 'tf.keras',
    'tf.contrib.keras': 'tf.keras',
    'tf.python.keras': 'tf.keras',
    **{f'{keras}.engine{part}': f'{keras}.layers' for keras in ('tf.keras', 'keras')
       for part in ('', '.topology', '.base_layer', '.input_spec')},
    'tf.contrib.rnn.python.ops.rnn_cell': 'tf.contrib.rnn',
    'tf.contrib.rnn.python.ops.core_rnn_cell': 'tf.contrib.rnn',
    'tf.nn.rnn_cell_impl': 'tf.nn.rnn_cell',
    'tf.models.rnn': 'tf.nn',
    'tf.contrib.data.python.ops': 'tf.contrib.data',
    'tf.contrib.distributions.python.ops.relaxed_onehot_categorical': 'tf.contrib.distributions',
    'tf.contrib.distributions.python.ops': 'tf.contrib.distributions',
    'tf.contrib.graph_editor.transform': 'tf.contrib.graph_editor',
    'tf.contrib.image.python.ops.dense_image_warp': 'tf.contrib.image',
    'tf.contrib.image.python.ops.image_ops': 'tf.contrib.image',
    'tf.python.layers.base': 'tf.layers',
    'tf.python.layers.core': 'tf.layers',
    'tf.python.layers.convolutional': 'tf.layers',
    'tf.python.layers.normalization': 'tf.layers',
    'tf.python.layers.pooling': 'tf.layers',
    'tf.python.layers.layers': 'tf.layers',
    'tf.python.layers.utils': 'tf.contrib.layers.utils',
    'tf.contrib.slim.utils': 'tf.contrib.layers.utils',
    'tf.contrib.slim.python.slim.utils': 'tf.contrib.layers.utils',
    'tf.pywrap_tensorflow': 'tf.python.pywrap_tensorflow',
    'tf.python.ops.rnn_cell_impl': 'tf.nn.rnn_cell',
    'tf.python.ops.rnn_cell': 'tf.nn.rnn_cell',
}

# slim is contrib.layers, contrib.framework and a few names of its own; contrib.layers falls back to nothing.
FALLBACKS = {'tf.contrib.slim': ('tf.contrib.layers', 'tf.contrib.framework')}


_LONGEST_FIRST = sorted(ALIASES, key=len, reverse=True)


def canonical(name):
    """The table's spelling of a dotted name: `tensorflow.contrib.slim.python.slim.x` →
    `tf.contrib.slim.x`.
    """
    for _ in range(6):
        for old in _LONGEST_FIRST:
            if name == old or name.startswith(old + '.'):
                name = ALIASES[old] + name[len(old):]
                break
        else:
            break
    return name


def lookup(name):
    """The row for a dotted name in any spelling, exact; None when the table does not have it."""
    name = canonical(name)
    if name in SYMBOLS:
        return SYMBOLS[name]
    for prefix, others in FALLBACKS.items():
        if name.startswith(prefix + '.'):
            for other in others:
                row = SYMBOLS.get(other + name[len(prefix):])
                if row is not None:
                    return row
    return None


def covering(name):
    """The row for a name or for the nearest package above it (`tf.contrib.crf.x` → `tf.contrib`), or None."""
    name = canonical(name)
    while name:
        row = lookup(name)
        if row is not None:
            return row
        name = name.rpartition('.')[0]
    return None


def is_prefix(name):
    """True when the table has rows below this dotted name (`tf.contrib.layers`)."""
    name = canonical(name)
    below = name + '.'
    return name in FALLBACKS or any(row.startswith(below) for row in SYMBOLS)
