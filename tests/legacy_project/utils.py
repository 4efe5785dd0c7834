from __future__ import division

import os
import pprint

import numpy as np
import scipy.misc
import tensorflow as tf
import tensorflow.contrib.slim as slim

import some_module_nobody_has                # as scripts import what they never use

pp = pprint.PrettyPrinter()


def show_all_variables():
    slim.model_analyzer.analyze_vars(tf.trainable_variables(), print_info=True)


def get_image(path):
    return np.array(scipy.misc.imresize(scipy.misc.imread(path, flatten=True).astype(np.float), [16, 16])) / 127.5 - 1.


def save_images(images, size, path):
    h, w = images.shape[1], images.shape[2]
    img = np.zeros((int(h * size[0]), int(w * size[1])))
    for idx, image in enumerate(images):
        i, j = idx % size[1], idx // size[1]
        img[j * h:j * h + h, i * w:i * w + w] = image[:, :, 0]
    return scipy.misc.imsave(path, (img + 1.) / 2)
