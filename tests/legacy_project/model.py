from __future__ import division

import time
from glob import glob

import tensorflow as tf

from ops import *
from utils import *


class TinyGAN(object):
    def __init__(self, sess, batch_size, z_dim):
        self.sess, self.batch_size, self.z_dim = sess, batch_size, z_dim
        self.g_bn0, self.d_bn1 = batch_norm(name='g_bn0'), batch_norm(name='d_bn1')
        self.images = tf.placeholder(tf.float32, [batch_size, 16, 16, 1], name='real_images')
        self.z = tf.placeholder(tf.float32, [None, z_dim], name='z')
        self.G = self.generator(self.z)
        D, D_logits = self.discriminator(self.images)
        D_, D_logits_ = self.discriminator(self.G, reuse=True)
        self.d_loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(D_logits, tf.ones_like(D))) + tf.reduce_mean(
            tf.nn.sigmoid_cross_entropy_with_logits(D_logits_, tf.zeros_like(D_)))
        self.g_loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(D_logits_, tf.ones_like(D_)))
        t_vars = tf.trainable_variables()
        self.d_vars = [var for var in t_vars if 'd_' in var.name]
        self.g_vars = [var for var in t_vars if 'g_' in var.name]
        self.summary = merge_summary([scalar_summary("d_loss", self.d_loss), image_summary("G", self.G)])
        self.saver = tf.train.Saver()

    def generator(self, z):
        with tf.variable_scope("generator"):
            h = tf.layers.dense(z, 4 * 4 * 8, name='g_h0_lin')
            h = tf.nn.relu(self.g_bn0(tf.reshape(h, [-1, 16 / 4, 16 / 4, 8])))
            h = tf.nn.relu(deconv2d(h, [self.batch_size, 8, 8, 4], 'g_h1'))
            return tf.nn.tanh(deconv2d(h, [self.batch_size, 16, 16, 1], 'g_h2'))

    def discriminator(self, image, reuse=False):
        with tf.variable_scope("discriminator") as scope:
            if reuse:
                scope.reuse_variables()
            h = tf.contrib.slim.conv2d(image, 4, 5, stride=2, scope='d_h0')
            h = tf.nn.relu(self.d_bn1(tf.contrib.slim.conv2d(h, 8, 5, stride=2, activation_fn=None, scope='d_h1')))
            logits = tf.contrib.layers.fully_connected(tf.contrib.layers.flatten(h), 1, activation_fn=None, scope='d_h2_lin')
            return tf.nn.sigmoid(logits), logits

    def train(self, config):
        d_optim = tf.train.AdamOptimizer(config.learning_rate, beta1=0.5).minimize(self.d_loss, var_list=self.d_vars)
        g_optim = tf.train.AdamOptimizer(config.learning_rate, beta1=0.5).minimize(self.g_loss, var_list=self.g_vars)
        tf.initialize_all_variables().run()
        writer = SummaryWriter("./logs", self.sess.graph)
        data = sorted(glob(os.path.join(config.data_dir, '*.png')))
        counter, start = 1, time.time()
        for epoch in range(config.epoch):
            for idx in range(0, min(len(data), config.train_size) // config.batch_size):
                batch = np.array([get_image(path) for path in data[idx * config.batch_size:(idx + 1) * config.batch_size]]).astype(np.float)
                batch_z = np.random.uniform(-1, 1, [config.batch_size, self.z_dim]).astype(np.float32)
                _, summary = self.sess.run([d_optim, self.summary], feed_dict={self.images: batch[..., None], self.z: batch_z})
                writer.add_summary(summary, counter)
                self.sess.run(g_optim, feed_dict={self.z: batch_z})
                errD = self.d_loss.eval({self.z: batch_z, self.images: batch[..., None]})
                errG = self.g_loss.eval({self.z: batch_z})
                counter += 1
                print("Epoch: [%2d] [%4d/%4d] d_loss: %.8f, g_loss: %.8f" % (epoch, idx, len(data) / config.batch_size, errD, errG))
                samples = self.sess.run(self.G, feed_dict={self.z: batch_z})
                save_images(samples, [2, 4], './{}/train_{:02d}_{:04d}.png'.format(config.sample_dir, epoch, idx))
                self.saver.save(self.sess, './checkpoint/tiny', global_step=counter)
