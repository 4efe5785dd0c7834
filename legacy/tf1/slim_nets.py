"""tf.contrib.slim.nets.vgg and .alexnet: the classifiers whose features old scripts compare.

VGG: Simonyan & Zisserman 2014, arXiv:1409.1556; AlexNet without its response normalisation: Krizhevsky 2014,
arXiv:1404.5997. Variables, scopes and end points are named as in TensorFlow 1.15
(`vgg_19/conv1/conv1_1/weights`, `vgg_19/fc8/biases`), so published checkpoints load.
"""
import tensorflow.compat.v1 as tf

from legacy.tf1.contrib_layers import conv2d, dropout, fully_connected, l2_regularizer, max_pool2d, repeat
from legacy.tf1.framework import arg_scope
from legacy.tf1.layers_utils import convert_collection_to_dict


def vgg_arg_scope(weight_decay=0.0005):
    """The arg_scope the networks were trained under: relu, SAME, zero biases, L2 decay of the weights."""
    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.relu,
                   weights_regularizer=l2_regularizer(weight_decay),
                   biases_initializer=tf.zeros_initializer()):
        with arg_scope([conv2d], padding='SAME') as scope:
            return scope


def alexnet_v2_arg_scope(weight_decay=0.0005):
    """relu, SAME convolutions, VALID pools, biases of 0.1, L2 decay of the weights."""
    with arg_scope([conv2d, fully_connected], activation_fn=tf.nn.relu,
                   weights_regularizer=l2_regularizer(weight_decay),
                   biases_initializer=tf.constant_initializer(0.1)):
        with arg_scope([conv2d], padding='SAME'), arg_scope([max_pool2d], padding='VALID') as scope:
            return scope


def _classifier(net, kernel_size, num_classes, keep_prob, is_training, **last):
    """The three fully connected layers, as convolutions, so that other image sizes than 224 work."""
    net = conv2d(net, 4096, kernel_size, padding='VALID', scope='fc6')
    net = dropout(net, keep_prob, is_training=is_training, scope='dropout6')
    net = conv2d(net, 4096, [1, 1], scope='fc7')
    net = dropout(net, keep_prob, is_training=is_training, scope='dropout7')
    return conv2d(net, num_classes, [1, 1], activation_fn=None, normalizer_fn=None, scope='fc8', **last)


def _logits(net, collection, spatial_squeeze, scope):
    """(logits, end points): [B, classes] with `spatial_squeeze`, else [B, h, w, classes]."""
    end_points = convert_collection_to_dict(collection)
    if spatial_squeeze:
        net = tf.squeeze(net, [1, 2], name='fc8/squeezed')
        end_points[scope + '/fc8'] = net
    return net, end_points


def _vgg(name, layers_per_block):
    def network(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
                scope=name):
        with tf.variable_scope(scope, name, [inputs]) as sc:
            collection = sc.name + '_end_points'
            with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=collection):
                net, channels = inputs, (64, 128, 256, 512, 512)
                for block, (count, size) in enumerate(zip(layers_per_block, channels), 1):
                    net = repeat(net, count, conv2d, size, [3, 3], scope=f'conv{block}')
                    net = max_pool2d(net, [2, 2], scope=f'pool{block}')
                net = _classifier(net, [7, 7], num_classes, dropout_keep_prob, is_training)
            return _logits(net, collection, spatial_squeeze, sc.name)
    network.__name__ = network.__qualname__ = name
    network.__doc__ = f'{name}: images [B,224,224,3] → (logits [B,num_classes], end points by scope).'
    network.default_image_size = 224
    return network


vgg_a = _vgg('vgg_a', (1, 1, 2, 2, 2))
vgg_16 = vgg_d = _vgg('vgg_16', (2, 2, 3, 3, 3))
vgg_19 = vgg_e = _vgg('vgg_19', (2, 2, 4, 4, 4))


def alexnet_v2(inputs, num_classes=1000, is_training=True, dropout_keep_prob=0.5, spatial_squeeze=True,
               scope='alexnet_v2'):
    """Images [B,224,224,3] → (logits [B,num_classes], end points by scope)."""
    with tf.variable_scope(scope, 'alexnet_v2', [inputs]) as sc:
        collection = sc.name + '_end_points'
        with arg_scope([conv2d, fully_connected, max_pool2d], outputs_collections=[collection]):
            net = conv2d(inputs, 64, [11, 11], 4, padding='VALID', scope='conv1')
            net = max_pool2d(net, [3, 3], 2, scope='pool1')
            net = conv2d(net, 192, [5, 5], scope='conv2')
            net = max_pool2d(net, [3, 3], 2, scope='pool2')
            net = conv2d(net, 384, [3, 3], scope='conv3')
            net = conv2d(net, 384, [3, 3], scope='conv4')
            net = conv2d(net, 256, [3, 3], scope='conv5')
            net = max_pool2d(net, [3, 3], 2, scope='pool5')
            with arg_scope([conv2d], weights_initializer=tf.truncated_normal_initializer(0.0, 0.005),
                           biases_initializer=tf.constant_initializer(0.1)):
                net = _classifier(net, [5, 5], num_classes, dropout_keep_prob, is_training,
                                  biases_initializer=tf.zeros_initializer())
        return _logits(net, collection, spatial_squeeze, sc.name)


alexnet_v2.default_image_size = 224
