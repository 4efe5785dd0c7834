"""An old TF1 script of our own that touches every restored family once and saves what came out.

Run by test_legacy_families.py under `python -m legacy run`; nothing here is restored or imported by hand.
"""
import json
import sys

import numpy as np
import tensorflow as tf
import tensorflow.contrib.layers as tcl
from tensorflow.contrib import slim
from tensorflow.contrib.framework.python.ops import arg_scope
from tensorflow.contrib.slim.python.slim import utils as slim_utils
from tensorflow.python.framework import ops
from tensorflow.python.util import nest
from tensorflow.python.ops import array_ops, control_flow_ops, rnn_cell_impl

out, names, shapes = {}, {}, {}
np.random.seed(0)
tf.set_random_seed(7)
IMAGES = np.random.rand(4, 8, 8, 3).astype('float32')
ROWS = np.random.randn(6, 5).astype('float32')
x = tf.placeholder(tf.float32, [None, 8, 8, 3])
rows = tf.placeholder(tf.float32, [None, 5])
fetch = {}


def keep(name, **tensors):
    for key, value in tensors.items():
        fetch[name + '.' + key] = value
        shapes[name + '.'
               + key] = value.get_shape().as_list() if value.get_shape().ndims is not None else None


# tf.layers
with tf.variable_scope('layers'):
    h = tf.layers.conv2d(x, 4, 3, strides=2, padding='same', activation=tf.nn.relu)
    up = tf.layers.conv2d_transpose(h, 2, [4, 4], strides=(2, 2), padding='same', name='up')
    bn = tf.layers.batch_normalization(h, training=True)
    flat = tf.layers.flatten(h)
    dense = tf.layers.dense(flat, 7, kernel_initializer=tf.random_normal_initializer(stddev=0.02))
    pool = tf.layers.max_pooling2d(x, 2, 2)
    mean = tf.layers.average_pooling2d(x, 2, 2)
    first = tf.layers.conv2d(tf.transpose(x, [0, 3, 1, 2]), 4, 3, data_format='channels_first', name='first')
    separable = tf.layers.separable_conv2d(x, 6, 3, padding='same', name='separable')
    drop = tf.layers.dropout(tf.ones([1000]), rate=0.25, training=True)
keep('layers', conv=h, up=up, bn=bn, dense=dense, pool=pool, mean=mean, first=first, drop=drop)
with tf.variable_scope('layers', reuse=True):
    again = tf.layers.conv2d(x, 4, 3, strides=2, padding='same', activation=tf.nn.relu)
keep('layers', again=again)

# tf.contrib.layers
with tf.variable_scope('contrib'):
    bn4 = tcl.batch_norm(x, is_training=True, scope='bn4')
    bn2 = tcl.batch_norm(rows, decay=0.9, scale=True, updates_collections=None, epsilon=1e-5, scope='bn2')
    unfused = tcl.batch_norm(x, decay=0.5, updates_collections=None, fused=False, scope='unfused')
    training = tf.placeholder(tf.bool, [])
    both = tcl.batch_norm(x, is_training=training, updates_collections=None, decay=0.9, scope='both')
    ln = tcl.layer_norm(x, scope='ln')
    inorm = tcl.instance_norm(x, scope='in')
    gn = tcl.group_norm(tf.concat([x, x], 3), groups=2, scope='gn')
    conv = tcl.conv2d(x, 4, 3, stride=2, normalizer_fn=tcl.batch_norm, activation_fn=None)
    deconv = tcl.conv2d_transpose(conv, 2, 4, stride=2, activation_fn=tf.nn.tanh)
    fc = tcl.fully_connected(rows, 3, activation_fn=None, weights_regularizer=tcl.l2_regularizer(0.1))
    linear = tcl.linear(rows, 2, scope='linear')
    xavier = tf.get_variable('xavier', [300, 500], initializer=tcl.xavier_initializer())
    he = tf.get_variable('he', [3, 3, 50, 200], initializer=tcl.variance_scaling_initializer())
    kept = tcl.dropout(tf.ones([1000]), keep_prob=0.8)
keep('contrib', bn4=bn4, bn2=bn2, unfused=unfused, both=both, ln=ln, instance=inorm, gn=gn, conv=conv,
     deconv=deconv, fc=fc, xavier=xavier, he=he, kept=kept, l2=tcl.l2_regularizer(0.1)(xavier),
     l1=tcl.l1_regularizer(0.1)(xavier))

# slim and arg_scope
with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=None,
                    weights_initializer=tf.ones_initializer()):
    with arg_scope([slim.conv2d], padding='VALID') as saved:
        s1 = slim.conv2d(x, 2, [3, 3], scope='s1')
    s2 = slim.repeat(x, 2, slim.conv2d, 3, 1, scope='s2')
    s3 = slim.stack(rows, slim.fully_connected, [4, 2], scope='s3')
keep('slim', s1=s1, s2=s2, s3=s3)
names['model_variables'] = [v.name for v in slim.get_model_variables('s2')]
names['scope_key_ops'] = len(saved)

# TensorFlow 0.x
keep('old', concat=tf.concat(1, [rows, rows]), split=tf.split(1, 5, rows)[2], pack=tf.pack([rows, rows]),
     unpack=tf.unpack(tf.constant(ROWS))[1], mul=tf.mul(rows, rows), sub=tf.sub(rows, 1.0), neg=tf.neg(rows),
     select=tf.select(rows > 0, rows, -rows), reduced=tf.reduce_sum(rows, reduction_indices=[1],
                                                                    keep_dims=True),
     xent=tf.nn.sigmoid_cross_entropy_with_logits(tf.constant([3.0]), tf.constant([1.0])),
     softmax=tf.nn.softmax_cross_entropy_with_logits(tf.constant([[1.0, 2.0, 3.0]]), tf.constant([[0.0, 0.0,
                                                                                                   1.0]])),
     named=tf.nn.sigmoid_cross_entropy_with_logits(logits=tf.constant([3.0]), labels=tf.constant([1.0])),
     matmul=tf.batch_matmul(tf.ones([2, 3, 4]), tf.ones([2, 4, 5])), resized=tf.image.resize_images(x, 4, 4),
     new_order=tf.concat([rows, rows], 1))
tag = tf.scalar_summary('loss', tf.reduce_sum(rows))
merged = tf.merge_all_summaries()

# NCHW on a CPU, static shapes of transposed convolutions, sizes from divisions
kernel = tf.constant(np.random.rand(3, 3, 3, 5).astype('float32'))
nchw = tf.nn.conv2d(tf.transpose(x, [0, 3, 1, 2]), kernel, [1, 1, 2, 2], 'SAME', data_format='NCHW')
nhwc = tf.nn.conv2d(x, kernel, [1, 2, 2, 1], 'SAME', dilations=1)
grads = tf.gradients(nchw, x)[0], tf.gradients(nhwc, x)[0]
fixed = tf.nn.conv2d_transpose(tf.placeholder_with_default(np.ones((2, 4, 4, 3), 'float32'), [None, 4, 4, 3]),
                               tf.ones([3, 3, 6, 3]), [2, 8, 8, 6], [1, 2, 2, 1])
keep('format', nchw=nchw, nhwc=nhwc, grad_nchw=grads[0], grad_nhwc=grads[1], fixed=fixed,
     halves=tf.reshape(tf.zeros([12]), [8 / 2, 6 / 2]))
keep('format', absolute=np.abs(rows - 1.0))
names['dimension'] = [int(x.get_shape()[1] / 2), x.get_shape()[3].value, int(np.sqrt(x.get_shape()[1]) * 10),
                      np.prod(x.get_shape()[1:]).value]

# a frozen graph for one picture, loosened for many
picture = tf.fill([1, 4, 3], 2.0)
means = tf.reduce_mean(picture, 1)
picture._shape, means._shape = tf.TensorShape([None, 4, 3]), tf.TensorShape([None, 3])
keep('loosened', product=tf.matmul(tf.squeeze(means), tf.ones([3, 2])), kept=means * 1)

# noise as many as pictures, which are always four
noise = tf.random_uniform((tf.shape(tf.zeros([4, 8]))[0], 3))
doubled = 2 * noise

line_filter, box_filter = tf.random_normal([3, 5, 2]), tf.random_normal([2, 2, 2, 3, 2])
box = tf.reshape(x, [2, 2, 8, 8, 3])
turned = tf.transpose(box, [0, 4, 1, 2, 3])
deepest = [tf.nn.conv3d(box, box_filter, [1, 1, 2, 2, 1], 'SAME'),
           tf.transpose(tf.nn.conv3d(turned, box_filter, [1, 1, 1, 2, 2], 'SAME', 'NCDHW'), [0, 2, 3, 4, 1])]
lines = [tf.nn.conv1d(rows[None], line_filter, 1, 'SAME'), tf.transpose(tf.nn.conv1d(
    tf.transpose(rows)[None], line_filter, 1, 'SAME', data_format='NCHW'), [0, 2, 1])]
pooled = [tf.nn.max_pool3d(box, [1, 1, 2, 2, 1], [1, 1, 2, 2, 1], 'SAME'), tf.transpose(tf.nn.max_pool3d(
    turned, [1, 1, 1, 2, 2], [1, 1, 1, 2, 2], 'SAME', data_format='NCDHW'), [0, 2, 3, 4, 1])]
separate = [tf.nn.separable_conv2d(x, tf.ones([2, 2, 3, 1]), tf.ones([1, 1, 3, 2]), [1] * 4, 'SAME'),
            tf.transpose(tf.nn.separable_conv2d(tf.transpose(x, [0, 3, 1, 2]), tf.ones([2, 2, 3, 1]),
                                                tf.ones([1, 1, 3, 2]), [1] * 4, 'SAME', data_format='NCHW'),
                         [0, 2, 3, 1])]
for key, pair in dict(lines=lines, boxes=deepest, pools=pooled, separate=separate).items():
    keep('format', **{key + '_last': pair[0], key + '_first': pair[1]})

# recurrent cells
cell = tf.nn.rnn_cell.BasicLSTMCell(3)
lstm, state = tf.nn.dynamic_rnn(cell, rows[None], dtype=tf.float32)
with tf.variable_scope('gru'):
    gru, _ = tf.nn.dynamic_rnn(tf.contrib.rnn.GRUCell(2), rows[None], dtype=tf.float32)
keep('rnn', lstm=lstm, gru=gru)

with tf.variable_scope('normalised'):
    cell = tf.contrib.rnn.LayerNormBasicLSTMCell(3)
    normalised, _ = tf.nn.dynamic_rnn(cell, rows[None], dtype=tf.float32)
with tf.variable_scope('projected'):
    cell = tf.nn.rnn_cell.OutputProjectionWrapper(tf.nn.rnn_cell.GRUCell(2), 4)
    projected, _ = tf.nn.dynamic_rnn(cell, rows[None], dtype=tf.float32)
    line = rnn_cell_impl._linear([rows, rows], 2, True)
keep('rnn', normalised=normalised, projected=projected, linear=line)

# names inside TensorFlow that moved, and what goes by other names
loop = control_flow_ops.while_loop(lambda n, total: n < 4, lambda n, total: (n + 1, total + n), [1, 0])
moved = control_flow_ops.with_dependencies([tf.no_op()], array_ops.pack([loop[1], loop[0]]))
with slim.arg_scope([slim.conv2d], outputs_collections='ends'):
    slim.conv2d(x, 2, 3, scope='end')
end_points = slim_utils.convert_collection_to_dict('ends')
signal = tf.contrib.signal.frame(tf.range(6), 4, 2)
keep('moved', loop=moved, signal=signal)
names['moved'] = [isinstance(rows, ops.Tensor), nest.is_sequence([rows]), sorted(end_points),
                  slim_utils.two_element_tuple(3),
                  slim_utils.last_dimension(x.get_shape(), min_rank=4)]
thin = tf.layers.separable_conv1d(tf.reshape(rows, [1, 6, 5]), 2, 3, padding='same', name='thin')
deep = tf.layers.max_pooling3d(tf.reshape(x, [2, 2, 8, 8, 3]), 2, 2)
keep('layers', thin=thin, deep=deep)

# Keras layers on tensors
keras = tf.keras.layers
with tf.variable_scope('keras'):
    k = keras.Conv2D(4, 3, strides=2, padding='same', activation='relu')(x)
    kbn = keras.BatchNormalization()
    k1, k0 = kbn(k, training=True), kbn(k)
    k = tf.contrib.keras.layers.PReLU(shared_axes=[1, 2])(k1)
    k = keras.UpSampling2D()(keras.LeakyReLU(0.2)(k))
    k = keras.Dense(2)(keras.Flatten()(keras.Conv2DTranspose(1, 4, strides=2, padding='same')(k)))
stacked = tf.keras.Sequential([keras.Dense(4, activation='tanh', input_shape=(5,)), keras.Dense(2)])
start = tf.keras.Input((5,))
functional = tf.keras.Model(start, keras.Dense(3)(keras.Dense(4)(start)))
keep('keras', out=k, train=k1, infer=k0, stacked=stacked(
    rows), again=stacked(rows), functional=functional(rows))
names['keras'] = [len(kbn.updates), len(stacked.weights), len(functional.trainable_weights),
                  [v.name for v in kbn.weights]]

# training
with tf.variable_scope('train'):
    w = tf.get_variable('w', initializer=tf.constant([3.0, 4.0]))
    step = tf.contrib.framework.get_or_create_global_step()
    optimize = tcl.optimize_loss(tf.reduce_sum(w * w) / 2, step, 0.1, 'SGD', clip_gradients=1.0,
                                 variables=[w], update_ops=[])
with tf.variable_scope('reused') as scope:
    v = tf.get_variable('v', initializer=tf.constant([1.0]))
    scope.reuse_variables()
    ema = tf.train.ExponentialMovingAverage(0.5)
    averaged = ema.apply([v])                               # slots below a reused scope
    adam = tf.train.AdamOptimizer(0.1).minimize(v * v, var_list=[v])
with tf.variable_scope('entered'):
    again = tf.get_variable('w', [2], initializer=tf.ones_initializer())
tf.train.AdamOptimizer(0.1).minimize(tf.reduce_sum(again), var_list=[again])
with tf.variable_scope('entered', reuse=True):
    tf.get_variable('w', [2])
tf.train.AdamOptimizer(0.1).minimize(-tf.reduce_sum(again), var_list=[again])
with tf.variable_scope('opt'):
    u = tf.get_variable('u', initializer=tf.constant([[3.0, 4.0], [0.3, 0.4]]))
    averaging = tf.contrib.opt.MovingAverageOptimizer(tf.train.GradientDescentOptimizer(0.5), 0.9)
    average_step = averaging.minimize(tf.reduce_sum(u), var_list=[u])
    names['swapped'] = averaging.swapping_saver() is not None
    w2 = tf.get_variable('w2', initializer=tf.constant([[3.0, 4.0], [0.3, 0.4]]))
    still = tf.train.GradientDescentOptimizer(0.0)
    clipping = tf.contrib.opt.VariableClippingOptimizer(still, {w2: [1]}, 1.0)
    clip_step = clipping.minimize(tf.reduce_sum(w2), var_list=[w2])
normal = tf.contrib.distributions.Normal(mu=0.0, sigma=2.0)
diagonal = tf.contrib.distributions.MultivariateNormalDiag([0.0, 1.0], [1.0, 2.0])
keep('distributions', normal=normal.log_prob(1.0), diagonal=diagonal.log_prob([1.0, 1.0]))
ds, st = tf.contrib.distributions, tf.contrib.bayesflow.stochastic_tensor
corners = [ds.MultivariateNormalDiag([float(n), 0.0], [0.01, 0.02]) for n in range(3)]
mixture = ds.Mixture(cat=ds.Categorical(logits=tf.log([0.2, 0.3, 0.5])), components=corners)
triangular = ds.MultivariateNormalTriL([1.0, 2.0], [[1.0, 0.0], [0.5, 2.0]])
covariance = ds.MultivariateNormalFullCovariance([1.0, 2.0], [[1.0, 0.5], [0.5, 4.25]])
relaxed = ds.RelaxedOneHotCategorical(0.5, probs=[0.2, 0.8])
keep('distributions', mixture=mixture.sample(500), mixture_log=mixture.log_prob([1.0, 0.01]),
     mixture_mean=mixture.mean(), triangular=triangular.log_prob([[0.0, 0.0], [1.0, 1.0]]),
     covariance=covariance.log_prob([0.0, 0.0]), relaxed=relaxed.sample(20),
     relaxed_log=relaxed.log_prob([0.3, 0.7]), one_hot=ds.OneHotCategorical(p=[0.2, 0.8]).sample(20),
     kl=ds.kl(diagonal, ds.MultivariateNormalDiag(mu=[0.0, 0.0], diag_stdev=[1.0, 1.0])),
     bernoulli=ds.Bernoulli(p=0.25).pmf(1), uniform=ds.Uniform(a=1.0, b=5.0).pdf(2.0), sigma=normal.sigma,
     noise=st.StochasticTensor(ds.MultivariateNormalDiag(mu=[2.0], diag_stdev=[0.001])) * 3.0)
with st.value_type(st.MeanValue):
    keep('distributions', mean=tf.square(st.StochasticTensor(ds.Normal(3.0, 1.0))))

scores, marks = tf.constant(np.random.randn(2, 3, 4).astype('f')), tf.constant([[0, 1, 2], [3, 0, 1]])
counted = tf.constant([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
keep('sequence', scores=scores, loss=tf.contrib.seq2seq.sequence_loss(scores, marks, counted),
     rows=tf.contrib.seq2seq.sequence_loss(scores, marks, counted, average_across_batch=False))
tf.logging._logger.setLevel('WARN')

# the graph again on other tensors: three steps of descent, seen through
graph_replace = tf.contrib.graph_editor.graph_replace
slope = tf.get_variable('slope', initializer=tf.constant([1.0, 2.0]))
valley = tf.reduce_sum(tf.square(slope * [1.0, 0.5]))
descent = {slope.value(): slope - 0.1 * tf.gradients(valley, slope)[0]}
steps = graph_replace(descent, graph_replace(descent, descent))
before_copies = len(tf.all_variables())
unrolled = graph_replace(valley, steps)
keep('graph_editor', unrolled=unrolled, through=tf.gradients(unrolled, slope)[0], valley=valley)
names['copied_variables'] = len(tf.all_variables()) - before_copies
try:
    graph_replace(valley, {unrolled: valley})
except ValueError as error:
    names['unconnected'] = str(error)
shifted, parts = tf.contrib.graph_editor.copy_with_input_replacements([valley.op], {valley.op.inputs[0]:
                                                                                    tf.ones([7])})
keep('graph_editor', copied=parts.transformed(valley))
import keras
keras_step = keras.optimizers.Adam(lr=0.1, beta_1=0.5).get_updates([slope], [], valley)
names['keras_step'] = [(u.op.type, u.op.inputs[0].name) for u in keras_step]

clips = {'rmin': 0.5, 'rmax': 2.0, 'dmax': 3.0}
renormed = tf.layers.batch_normalization(rows, training=True, renorm=True, renorm_clipping=clips,
                                         name='renorm', renorm_momentum=0.9)
renorm_updates = tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)[-2:]
del tf.get_collection_ref(tf.GraphKeys.UPDATE_OPS)[-2:]
with tf.variable_scope('slim_renorm'):
    tcl.batch_norm(x, renorm=True, updates_collections=None, is_training=training)
data = tf.data.Dataset.from_tensor_slices(np.arange(10)).apply(tf.contrib.data.batch_and_drop_remainder(4))
batches = data.prefetch(np.int64(2)).make_one_shot_iterator().get_next()

names['variables'] = [v.name for v in tf.all_variables()]
names['trainable'] = [v.name for v in tf.trainable_variables()]
names['updates'] = sorted(u.name for u in tf.get_collection(tf.GraphKeys.UPDATE_OPS))
names['regularization'] = len(tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES))
with tf.Session() as sess:
    sess.run(tf.initialize_all_variables())
    variables = {v.name: value for v, value in zip(tf.all_variables(), sess.run(tf.all_variables()))}
    feed = {x: IMAGES, rows: ROWS, training: True, picture: np.ones([5, 4, 3])}
    out.update(sess.run(fetch, feed))
    sess.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS), feed)
    out['train.loss'] = sess.run(optimize)
    out['train.w'] = sess.run(w)
    sess.run(adam)
    sess.run(averaged)
    sess.run([average_step, clip_step])
    out['opt.average'], out['opt.clipped'] = sess.run([averaging._ema.average(u), w2])
    out['train.v'], out['train.ema'] = sess.run([v, ema.average(v)])
    out['renorm.first'] = sess.run([renormed, renorm_updates], {rows: ROWS})[0]
    out['renorm.second'] = sess.run([renormed, renorm_updates], {rows: 3 * ROWS + 1})[0]
    out['keras.step'] = sess.run([keras_step, slope])[1]
    out['batch.as_built'] = sess.run(doubled)
    out['batch.fed'] = sess.run(doubled, {noise: np.ones([6, 3])})
    try:
        sess.run(doubled, {noise: np.ones([6, 2])})
    except ValueError as error:
        names['batch'] = str(error)
    out['infer.both'] = sess.run(both, {x: IMAGES, training: False})
    out['data'] = sess.run(batches)
    names['summary'] = [value.tag for value in tf.Summary.FromString(sess.run(merged, feed)).value]
    after = {v.name: value for v, value in zip(tf.all_variables(), sess.run(tf.all_variables()))}
np.savez(sys.argv[1], images=IMAGES, rows=ROWS, **{'out/' + k: v for k, v in out.items()},
         **{'before/' + k: v for k, v in variables.items()}, **{'after/' + k: v for k, v in after.items()})
names['shapes'] = shapes
names['version'] = tf.__version__
with open(sys.argv[1] + '.json', 'w') as f:
    json.dump(names, f)
