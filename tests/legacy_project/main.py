import os

import numpy as np
import tensorflow as tf

from model import TinyGAN
from utils import pp, show_all_variables

flags = tf.app.flags
flags.DEFINE_integer("epoch", 25, "Epoch to train [25]")
flags.DEFINE_integer("train_size", np.inf, "The size of train images [np.inf]")
flags.DEFINE_float("learning_rate", "0.0002", "Learning rate of for adam [0.0002]")
flags.DEFINE_integer("batch_size", 8, "The size of batch images [8]")
flags.DEFINE_string("data_dir", "/somewhere/else/digits", "Where the digits are")
flags.DEFINE_string("sample_dir", "samples", "Directory name to save the image samples [samples]")
flags.DEFINE_boolean("crop", True, "True for cropping")
FLAGS = flags.FLAGS


def main(_):
    pp.pprint(FLAGS.__flags)
    if not os.path.exists(FLAGS.sample_dir):
        os.makedirs(FLAGS.sample_dir)
    np.random.seed(3)
    tf.set_random_seed(3)
    config = tf.ConfigProto()
    config.gpu_options.allow_growth = True
    with tf.Session(config=config) as sess:
        gan = TinyGAN(sess, FLAGS.batch_size, z_dim=10)
        show_all_variables()
        gan.train(FLAGS)


if __name__ == '__main__':
    tf.app.run()
