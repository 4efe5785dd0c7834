import tensorflow as tf

try:
    image_summary, scalar_summary = tf.image_summary, tf.scalar_summary
    merge_summary, SummaryWriter = tf.merge_summary, tf.train.SummaryWriter
except AttributeError:
    image_summary, scalar_summary = tf.summary.image, tf.summary.scalar
    merge_summary, SummaryWriter = tf.summary.merge, tf.summary.FileWriter


class batch_norm(object):
    def __init__(self, epsilon=1e-5, momentum=0.9, name="batch_norm"):
        self.epsilon, self.momentum, self.name = epsilon, momentum, name

    def __call__(self, x, train=True):
        return tf.contrib.layers.batch_norm(x, decay=self.momentum, updates_collections=None, epsilon=self.epsilon, scale=True,
                                            is_training=train, scope=self.name)


def deconv2d(x, output_shape, name):
    with tf.variable_scope(name):
        w = tf.get_variable('w', [5, 5, output_shape[-1], x.get_shape()[-1]], initializer=tf.random_normal_initializer(stddev=0.02))
        biases = tf.get_variable('biases', [output_shape[-1]], initializer=tf.constant_initializer(0.0))
        deconv = tf.nn.conv2d_transpose(x, w, output_shape=output_shape, strides=[1, 2, 2, 1])
        return tf.reshape(tf.nn.bias_add(deconv, biases), deconv.get_shape())
