"""keras.datasets and tf.keras.datasets without the network: ~/.keras/datasets first, the sample digits for
MNIST.
"""
import os
import sys
import types

import numpy

from legacy import input_data, network

FOLDER = os.path.join(os.path.expanduser('~'), '.keras', 'datasets')


def _mnist(path='mnist.npz'):
    """((60000 or, of the sample, 8000 images, labels), (test images, labels)), uint8 [N, 28, 28]."""
    file = os.path.join(FOLDER, os.path.basename(path))
    if os.path.isfile(file):
        with numpy.load(file, allow_pickle=True) as f:
            return (f['x_train'], f['y_train']), (f['x_test'], f['y_test'])
    train, test = input_data.load_or_sample(FOLDER, 'keras.datasets.mnist')
    return tuple(train), tuple(test)


def _fashion_mnist():
    folder = os.path.join(FOLDER, 'fashion-mnist')
    found = input_data.load_raw(folder)
    if found is None:
        raise network.refusal('fashion-mnist', os.path.join(folder, 'train-images-idx3-ubyte.gz'))
    return tuple(map(tuple, found))


def _from_keras(name):
    """The real loader where its file is there already, else the refusal."""
    def load_data(*args, **kwargs):
        import importlib
        module = importlib.import_module('keras.datasets.' + name)
        try:
            return module.load_data(*args, **kwargs)
        except network.DownloadRefused:
            raise
        except Exception as error:                    # Keras wraps the refusal in its own error
            raise network.refusal(f'keras.datasets.{name}', os.path.join(FOLDER, name)) from error
    return load_data


def _module(name, load_data):
    module = types.ModuleType('keras.datasets.' + name)
    module.load_data = load_data
    return module


mnist = _module('mnist', _mnist)
fashion_mnist = _module('fashion_mnist', _fashion_mnist)
cifar10 = _module('cifar10', _from_keras('cifar10'))
cifar100 = _module('cifar100', _from_keras('cifar100'))
imdb = _module('imdb', _from_keras('imdb'))
reuters = _module('reuters', _from_keras('reuters'))
boston_housing = _module('boston_housing', _from_keras('boston_housing'))
MODULE = sys.modules[__name__]
