"""keras.datasets and tf.keras.datasets without the network: ~/.keras/datasets first, the sample digits for
MNIST.
"""
import os
import pickle
import sys
import tarfile
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


def _cifar(folder, archive, train, test):
    """A loader of the pickles of `folder`, unpacked or inside `archive`, where Keras 2, Keras 3 and people
    put them.

    Gives ((images, labels), (images, labels)): uint8 [N, 32, 32, 3] and [N, 1].
    """
    def load_data(label_mode='fine'):
        read = _unpacked(folder) or _packed(folder, archive)
        if read is None:
            raise network.refusal(folder, os.path.join(FOLDER, archive))
        return tuple(_images_and_labels([read(name) for name in names], label_mode) for names in (train, test))
    return load_data


def _unpacked(folder):
    """name → the pickle of that name in an unpacked folder; None when there is no such folder."""
    for place in (folder, os.path.join(folder + '-target', folder)):
        place = os.path.join(FOLDER, place)
        if os.path.isdir(place):
            def read(name, place=place):
                with open(os.path.join(place, name), 'rb') as file:
                    return pickle.load(file, encoding='latin1')
            return read
    return None


def _packed(folder, archive):
    """The same from the archive, under its own name or the one Keras 2 gave it."""
    for file in (archive, folder + '.tar.gz'):
        file = os.path.join(FOLDER, file)
        if os.path.isfile(file):
            def read(name, file=file):
                with tarfile.open(file) as tar:
                    return pickle.load(tar.extractfile(f'{folder}/{name}'), encoding='latin1')
            return read
    return None


def _images_and_labels(batches, label_mode):
    images = numpy.concatenate([numpy.asarray(batch['data'], numpy.uint8) for batch in batches])
    labels = numpy.concatenate([batch['labels'] if 'labels' in batch else batch[label_mode + '_labels']
                                for batch in batches])
    return images.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), labels.astype(numpy.uint8).reshape(-1, 1)


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
cifar10 = _module('cifar10', _cifar('cifar-10-batches-py', 'cifar-10-python.tar.gz',
                                    [f'data_batch_{n}' for n in range(1, 6)], ['test_batch']))
cifar100 = _module('cifar100', _cifar('cifar-100-python', 'cifar-100-python.tar.gz', ['train'], ['test']))
imdb = _module('imdb', _from_keras('imdb'))
reuters = _module('reuters', _from_keras('reuters'))
boston_housing = _module('boston_housing', _from_keras('boston_housing'))
MODULE = sys.modules[__name__]
