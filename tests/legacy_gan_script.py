"""An old script of our own in the style of TFGAN's tutorials: digits by GAN, on slim's data pipeline.

Run by test_legacy_estimator.py under `python -m legacy run`; it makes its own TFRecord of digits first.
"""
from __future__ import absolute_import
from __future__ import division
from __future__ import print_function

import os

import numpy as np
import tensorflow as tf
from tensorflow.contrib import gan as tfgan
from tensorflow.contrib.gan.python.losses.python import losses_impl as tfgan_losses
from tensorflow.examples.tutorials.mnist import input_data

slim = tf.contrib.slim
layers = tf.contrib.layers
ds = tf.contrib.distributions

tf.flags.DEFINE_string('train_log_dir', 'log', 'Where checkpoints and summaries go.')
tf.flags.DEFINE_integer('batch_size', 16, 'Images in a batch.')
tf.flags.DEFINE_integer('max_number_of_steps', 4, 'Global steps.')
FLAGS = tf.flags.FLAGS


def write_records(path):
    digits = input_data.read_data_sets('MNIST_data')
    with tf.Session() as sess, tf.python_io.TFRecordWriter(path) as writer:
        image = tf.placeholder(tf.uint8, [28, 28, 1])
        png = tf.image.encode_png(image)
        for pixels, label in zip(*digits.train.next_batch(64)):
            encoded = sess.run(png, {image: (pixels.reshape(28, 28, 1) * 255).astype(np.uint8)})
            features = {
                'image/encoded': tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded])),
                'image/format': tf.train.Feature(bytes_list=tf.train.BytesList(value=[b'png'])),
                'image/class/label': tf.train.Feature(int64_list=tf.train.Int64List(value=[int(label)])),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())


def provide_data(path, batch_size):
    decoder = slim.tfexample_decoder.TFExampleDecoder(
        {'image/encoded': tf.FixedLenFeature((), tf.string, default_value=''),
         'image/format': tf.FixedLenFeature((), tf.string, default_value='raw'),
         'image/class/label': tf.FixedLenFeature([1], tf.int64, default_value=[0])},
        {'image': slim.tfexample_decoder.Image(shape=[28, 28, 1], channels=1),
         'label': slim.tfexample_decoder.Tensor('image/class/label', shape=[])})
    dataset = slim.dataset.Dataset(
        data_sources=path, reader=tf.TFRecordReader, decoder=decoder, num_samples=64,
        items_to_descriptions={'image': 'a digit', 'label': 'which'}, num_classes=10)
    provider = slim.dataset_data_provider.DatasetDataProvider(
        dataset, num_readers=1, shuffle=True, common_queue_capacity=2 * batch_size,
        common_queue_min=batch_size)
    [image, label] = provider.get(['image', 'label'])
    image = (tf.to_float(image) - 128.0) / 128.0
    images, labels = tf.train.batch([image, label], batch_size=batch_size, num_threads=1,
                                    capacity=5 * batch_size)
    return images, slim.one_hot_encoding(labels, dataset.num_classes)


def generator(inputs):
    noise, labels = inputs
    with slim.arg_scope([layers.fully_connected, layers.conv2d_transpose], activation_fn=tf.nn.relu,
                        normalizer_fn=layers.batch_norm, weights_regularizer=layers.l2_regularizer(2.5e-5)):
        net = layers.fully_connected(noise, 32)
        net = tfgan.features.condition_tensor_from_onehot(net, labels, embedding_size=8)
        net = layers.fully_connected(net, 7 * 7 * 4)
        net = tf.reshape(net, [-1, 7, 7, 4])
        net = layers.conv2d_transpose(net, 4, [4, 4], stride=2)
        net = layers.conv2d_transpose(net, 4, [4, 4], stride=2)
        return layers.conv2d(net, 1, 4, normalizer_fn=None, activation_fn=tf.tanh)


def discriminator(images, inputs):
    _, labels = inputs
    with slim.arg_scope([layers.conv2d, layers.fully_connected], activation_fn=tf.nn.leaky_relu,
                        normalizer_fn=None, weights_regularizer=layers.l2_regularizer(2.5e-5)):
        net = layers.conv2d(images, 4, [4, 4], stride=2)
        net = layers.conv2d(net, 8, [4, 4], stride=2)
        net = layers.flatten(net)
        net = tfgan.features.condition_tensor_from_onehot(net, labels, embedding_size=8)
        net = layers.fully_connected(net, 16, normalizer_fn=layers.layer_norm)
        return layers.linear(net, 1)


def main(_):
    if not tf.gfile.Exists(FLAGS.train_log_dir):
        tf.gfile.MakeDirs(FLAGS.train_log_dir)
    records = os.path.join(FLAGS.train_log_dir, 'digits.tfrecord')
    write_records(records)
    with tf.Graph().as_default():
        with tf.name_scope('inputs'):
            with tf.device('/cpu:0'):
                images, labels = provide_data(records, FLAGS.batch_size)
        noise = tf.random_normal([FLAGS.batch_size, 8])
        gan_model = tfgan.gan_model(generator, discriminator, real_data=images,
                                    generator_inputs=(noise, labels))
        tfgan.eval.add_gan_model_image_summaries(gan_model, 4)
        with tf.name_scope('loss'):
            gan_loss = tfgan.gan_loss(
                gan_model, generator_loss_fn=tfgan_losses_on_tuples(), gradient_penalty_weight=1.0,
                add_summaries=True)
            tfgan.eval.add_regularization_loss_summaries(gan_model)
        with tf.name_scope('train'):
            train_ops = tfgan.gan_train_ops(
                gan_model, gan_loss, generator_optimizer=tf.train.AdamOptimizer(1e-3, 0.5),
                discriminator_optimizer=tf.train.AdamOptimizer(1e-4, 0.5), summarize_gradients=True,
                aggregation_method=tf.AggregationMethod.EXPERIMENTAL_ACCUMULATE_N)
        status = tf.string_join(['Starting train step: ', tf.as_string(tf.train.get_or_create_global_step())],
                                name='status_message')
        last = tfgan.gan_train(
            train_ops, hooks=[tf.train.StopAtStepHook(num_steps=FLAGS.max_number_of_steps),
                              tf.train.LoggingTensorHook([status], every_n_iter=2)],
            logdir=FLAGS.train_log_dir, save_summaries_steps=2,
            get_hooks_fn=tfgan.get_joint_train_hooks(tfgan.GANTrainSteps(1, 2)))
        print('trained to step', last)
        for variable in gan_model.generator_variables + gan_model.discriminator_variables:
            print('variable', variable.op.name, variable.shape.as_list())
        assert isinstance(gan_model, tfgan.GANModel)


def tfgan_losses_on_tuples():
    assert tfgan_losses.wasserstein_generator_loss is tfgan.losses.wargs.wasserstein_generator_loss
    return tfgan.losses.wasserstein_generator_loss


if __name__ == '__main__':
    tf.app.run()
