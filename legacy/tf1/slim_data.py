"""slim's data pipeline: dataset, tfexample_decoder, dataset_data_provider, parallel_reader, queues.

After tensorflow/contrib/slim/python/slim/data of TensorFlow 1.15: readers and queues, whose threads
`tf.train.start_queue_runners` (or slim.learning.train, MonitoredSession) starts.
"""
import contextlib
import threading
import types

import tensorflow.compat.v1 as tf


class Dataset:
    """Where examples lie and how to read them; keywords become attributes."""

    def __init__(self, data_sources, reader, decoder, num_samples, items_to_descriptions, **kwargs):
        self.__dict__.update(kwargs, data_sources=data_sources, reader=reader, decoder=decoder,
                             num_samples=num_samples, items_to_descriptions=items_to_descriptions)


# ---- parallel_reader ---------------------------------------------------------------------------------------

def get_data_files(data_sources):
    """The files of a path, of a pattern, or of a list of them. ValueError when there is none."""
    if isinstance(data_sources, (list, tuple)):
        files = [file for source in data_sources for file in get_data_files(source)]
    elif any(mark in data_sources for mark in '*?['):
        files = sorted(tf.gfile.Glob(data_sources))
    else:
        files = [data_sources]
    if not files:
        raise ValueError(f'No data files found in {data_sources}')
    return files


class ParallelReader:
    """Several readers of files that fill one queue of (key, value)."""

    def __init__(self, reader_class, common_queue, num_readers=4, reader_kwargs=None):
        if list(common_queue.dtypes) != [tf.string, tf.string]:
            raise TypeError('common_queue.dtypes must be [tf.string, tf.string]')
        self._readers = [reader_class(**(reader_kwargs or {})) for _ in range(num_readers)]
        self.common_queue, self.num_readers = common_queue, num_readers

    def read(self, queue, name=None):
        """The next (key, value) of the files named in `queue`."""
        fill = [self.common_queue.enqueue(reader.read(queue)) for reader in self._readers]
        tf.train.add_queue_runner(tf.train.QueueRunner(self.common_queue, fill))
        return self.common_queue.dequeue(name=name)

    def num_records_produced(self, name=None):
        return tf.add_n([reader.num_records_produced() for reader in self._readers], name=name)

    def num_work_units_completed(self, name=None):
        return tf.add_n([reader.num_work_units_completed() for reader in self._readers], name=name)


def parallel_read(data_sources, reader_class, num_epochs=None, num_readers=4, reader_kwargs=None,
                  shuffle=True, dtypes=None, capacity=256, min_after_dequeue=128, seed=None):
    """(key, value) of a record of the files, in random order when shuffle is true."""
    with tf.name_scope('parallel_read'):
        filenames = tf.train.string_input_producer(
            get_data_files(data_sources), num_epochs=num_epochs, shuffle=shuffle, seed=seed,
            name='filenames')
        dtypes = dtypes or [tf.string, tf.string]
        if shuffle:
            queue = tf.RandomShuffleQueue(capacity, min_after_dequeue, dtypes, seed=seed, name='common_queue')
        else:
            queue = tf.FIFOQueue(capacity, dtypes, name='common_queue')
        tf.summary.scalar(f'fraction_of_{capacity}_full', tf.cast(queue.size(), tf.float32) / capacity)
        return ParallelReader(reader_class, queue, num_readers, reader_kwargs).read(filenames)


def single_pass_read(data_sources, reader_class, reader_kwargs=None, scope=None):
    """(key, value) of a record of the files, once and in order."""
    with tf.name_scope(scope, 'single_pass_read'):
        filenames = tf.train.string_input_producer(
            get_data_files(data_sources), num_epochs=1, shuffle=False, capacity=1, name='filenames')
        return reader_class(**(reader_kwargs or {})).read(filenames)


# ---- tfexample_decoder -------------------------------------------------------------------------------------

def _dense(value, default=None):
    if isinstance(value, tf.SparseTensor):
        return tf.sparse_tensor_to_dense(value, default)
    return value


def _shape_of(keys_to_tensors, shape_keys, shape):
    """The shape that the features `shape_keys` hold, or `shape`."""
    if not shape_keys:
        return shape
    return tf.reshape(tf.stack([_dense(keys_to_tensors[key]) for key in shape_keys]), [-1])


class ItemHandler:
    """Makes an item of the features named by `keys`."""

    def __init__(self, keys):
        self.keys = list(keys) if isinstance(keys, (tuple, list)) else [keys]

    def tensors_to_item(self, keys_to_tensors):
        """The item of {key: tensor}; each kind of handler says how."""
        raise NotImplementedError


class ItemHandlerCallback(ItemHandler):
    """What a function makes of {key: tensor}."""

    def __init__(self, keys, func):
        super().__init__(keys)
        self._function = func

    def tensors_to_item(self, keys_to_tensors):
        return self._function(keys_to_tensors)


class BoundingBox(ItemHandler):
    """[boxes, 4]: ymin, xmin, ymax, xmax."""

    def __init__(self, keys=None, prefix=''):
        keys = keys or ['ymin', 'xmin', 'ymax', 'xmax']
        if len(keys) != 4:
            raise ValueError(f'BoundingBox expects 4 keys but got {len(keys)}')
        super().__init__([(prefix or '') + key for key in keys])

    def tensors_to_item(self, keys_to_tensors):
        sides = [keys_to_tensors[key] for key in self.keys]
        return tf.stack([side.values if isinstance(side, tf.SparseTensor) else side for side in sides], 1)


def _shape_keys(shape_keys, shape):
    if shape_keys and shape is not None:
        raise ValueError('Cannot specify both shape_keys and shape parameters.')
    return [shape_keys] if isinstance(shape_keys, str) else list(shape_keys or [])


class Tensor(ItemHandler):
    """A feature, reshaped to `shape` or to what the features `shape_keys` say."""

    def __init__(self, tensor_key, shape_keys=None, shape=None, default_value=0):
        self._shape_keys = _shape_keys(shape_keys, shape)
        self._key, self._shape, self._default = tensor_key, shape, default_value
        super().__init__([tensor_key] + self._shape_keys)

    def tensors_to_item(self, keys_to_tensors):
        tensor = keys_to_tensors[self._key]
        shape = _shape_of(keys_to_tensors, self._shape_keys, self._shape)
        if isinstance(tensor, tf.SparseTensor):
            return _dense(tf.sparse_reshape(tensor, shape) if shape is not None else tensor, self._default)
        return tf.reshape(tensor, shape) if shape is not None else tensor


class LookupTensor(Tensor):
    """A feature through a tf.lookup table."""

    def __init__(self, tensor_key, table, shape_keys=None, shape=None, default_value=''):
        self._table = table
        super().__init__(tensor_key, shape_keys, shape, default_value)

    def tensors_to_item(self, keys_to_tensors):
        return self._table.lookup(super().tensors_to_item(keys_to_tensors))


class BackupHandler(ItemHandler):
    """What one handler gives, or another where that is empty."""

    def __init__(self, handler, backup):
        for given in (handler, backup):
            if not isinstance(given, ItemHandler):
                raise ValueError(f'Handler is of type {type(given)} instead of ItemHandler')
        self._handler, self._backup = handler, backup
        super().__init__(handler.keys + backup.keys)

    def tensors_to_item(self, keys_to_tensors):
        item = self._handler.tensors_to_item(keys_to_tensors)
        return tf.cond(tf.equal(tf.size(item), 0),
                       lambda: self._backup.tensors_to_item(keys_to_tensors), lambda: item)


class SparseTensor(ItemHandler):
    """A SparseTensor of the features of its indices and values; dense when asked."""

    def __init__(self, indices_key=None, values_key=None, shape_key=None, shape=None, densify=False,
                 default_value=0):
        self._indices, self._values = indices_key or 'indices', values_key or 'values'
        self._shape_key, self._shape = shape_key, shape
        self._densify, self._default = densify, default_value
        super().__init__([self._indices, self._values] + ([shape_key] if shape_key else []))

    def tensors_to_item(self, keys_to_tensors):
        indices, values = keys_to_tensors[self._indices], keys_to_tensors[self._values]
        shape = _dense(keys_to_tensors[self._shape_key]) if self._shape_key else self._shape
        shape = indices.dense_shape if shape is None else shape
        rows = tf.concat([indices.indices[:, :-1], tf.reshape(tf.cast(indices.values, tf.int64), [-1, 1])], 1)
        tensor = tf.SparseTensor(rows, values.values, shape)
        return _dense(tensor, self._default) if self._densify else tensor


class Image(ItemHandler):
    """[H,W,channels]: an encoded image, or raw values where the feature of its format is `raw`."""

    def __init__(self, image_key=None, format_key=None, shape=None, channels=3, dtype=tf.uint8,
                 repeated=False, dct_method=''):
        self._image, self._format = image_key or 'image/encoded', format_key or 'image/format'
        self._shape, self._channels, self._dtype, self._repeated = shape, channels, dtype, repeated
        self._dct_method = dct_method
        super().__init__([self._image, self._format])

    def tensors_to_item(self, keys_to_tensors):
        images, form = keys_to_tensors[self._image], keys_to_tensors[self._format]
        if self._repeated:
            return tf.map_fn(lambda image: self._decode(image, form), images, dtype=self._dtype)
        return self._decode(images, form)

    def _decode(self, image, form):
        def encoded():
            if self._dct_method:
                pixels = tf.image.decode_jpeg(image, self._channels, dct_method=self._dct_method)
            else:
                pixels = tf.image.decode_image(image, self._channels)
            return tf.cast(pixels, self._dtype)

        raw = tf.logical_or(tf.equal(form, 'raw'), tf.equal(form, 'RAW'))
        image = tf.cond(raw, lambda: tf.decode_raw(image, self._dtype), encoded)
        if self._shape is not None:
            return tf.reshape(image, self._shape)
        image.set_shape([None, None, self._channels])
        return image


class TFExampleDecoder:
    """Items of serialized tf.Example protos: features by key, and the handler of each item."""

    def __init__(self, keys_to_features, items_to_handlers):
        self._features, self._handlers = keys_to_features, items_to_handlers

    def list_items(self):
        return list(self._handlers)

    def decode(self, serialized_example, items=None):
        """[item] of one serialized example."""
        example = tf.parse_single_example(serialized_example, self._features)
        for key in sorted(self._features):
            if isinstance(self._features[key], tf.FixedLenFeature):
                example[key] = tf.reshape(example[key], self._features[key].shape)
        return [self._handlers[item].tensors_to_item({key: example[key] for key in self._handlers[item].keys})
                for item in items or self._handlers]


# ---- data providers ----------------------------------------------------------------------------------------

class DataProvider:
    """Tensors by the names of items."""

    def __init__(self, items_to_tensors, num_samples):
        self._tensors, self._num_samples = items_to_tensors, num_samples

    def get(self, items):
        """[tensor] of items. ValueError for one that there is not."""
        for item in items:
            if item not in self._tensors:
                raise ValueError(f'Item {item!r} is not among {sorted(self._tensors)}')
        return [self._tensors[item] for item in items]

    def list_items(self):
        return list(self._tensors)

    def num_samples(self):
        return self._num_samples


class DatasetDataProvider(DataProvider):
    """The next example of a Dataset, read by several readers and shuffled in a queue."""

    def __init__(self, dataset, num_readers=1, reader_kwargs=None, shuffle=True, num_epochs=None,
                 common_queue_capacity=256, common_queue_min=128, record_key='record_key', seed=None,
                 scope=None):
        with tf.name_scope(scope, 'dataset_data_provider'):
            key, data = parallel_read(
                dataset.data_sources, dataset.reader, num_epochs, num_readers, reader_kwargs, shuffle,
                capacity=common_queue_capacity, min_after_dequeue=common_queue_min, seed=seed)
            items = dataset.decoder.list_items()
            tensors = dict(zip(items, dataset.decoder.decode(data, items)))
            if record_key in tensors:
                raise ValueError('The item name used for `record_key` cannot also be used for a dataset '
                                 f'item: {record_key}')
            tensors[record_key] = key
        super().__init__(tensors, dataset.num_samples)


# ---- queues ------------------------------------------------------------------------------------------------

def prefetch_queue(tensors, capacity=8, num_threads=1, dynamic_pad=False, shared_name=None, name=None):
    """A queue that holds `capacity` values of the tensors (list or dictionary) ahead."""
    names = list(tensors) if isinstance(tensors, dict) else None
    values = [tf.convert_to_tensor(value) for value in (tensors.values() if names else tensors)]
    dtypes, shapes = [value.dtype for value in values], [value.shape for value in values]
    with tf.name_scope(name, 'prefetch_queue', values):
        kind = tf.PaddingFIFOQueue if dynamic_pad else tf.FIFOQueue
        # values whose shape is not known can only be queued without shapes
        known = dynamic_pad or all(shape.is_fully_defined() for shape in shapes)
        queue = kind(capacity, dtypes, shapes if known else None, names=names, shared_name=shared_name)
        enqueue = queue.enqueue(dict(zip(names, values)) if names else values)
        tf.train.add_queue_runner(tf.train.QueueRunner(queue, [enqueue] * num_threads))
        tf.summary.scalar(f'fraction_of_{capacity}_full', tf.cast(queue.size(), tf.float32) / capacity)
        if not known:
            _keep_shapes(queue, names, shapes)
        return queue


def _keep_shapes(queue, names, shapes):
    """Lets `queue.dequeue` give its values the shapes that are known of them."""
    plain = queue.dequeue

    def dequeue(name=None):
        values = plain(name)
        found = [values[n] for n in names] if names else values if isinstance(values, list) else [values]
        for value, shape in zip(found, shapes):
            value.set_shape(shape)
        return values
    queue.dequeue = dequeue


@contextlib.contextmanager
def QueueRunners(session):
    """The threads of all queues, for a block."""
    coordinator = tf.train.Coordinator()
    threads = []
    for runner in tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS):
        threads += runner.create_threads(session, coord=coordinator, daemon=True, start=True)
    try:
        yield [thread for thread in threads if isinstance(thread, threading.Thread)]
    finally:
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=120, ignore_live_threads=True)


def _module(name, **members):
    module = types.ModuleType('tensorflow.contrib.slim.' + name)
    module.__dict__.update(members)
    return module


dataset = _module('dataset', Dataset=Dataset)
data_provider = _module('data_provider', DataProvider=DataProvider)
data_decoder = _module('data_decoder', DataDecoder=type('DataDecoder', (), {}))
dataset_data_provider = _module('dataset_data_provider', DatasetDataProvider=DatasetDataProvider)
parallel_reader = _module('parallel_reader', ParallelReader=ParallelReader, get_data_files=get_data_files,
                          parallel_read=parallel_read, single_pass_read=single_pass_read)
prefetching = _module('prefetch_queue', prefetch_queue=prefetch_queue)
queues = _module('queues', QueueRunners=QueueRunners)
tfexample_decoder = _module(
    'tfexample_decoder', BackupHandler=BackupHandler, BoundingBox=BoundingBox, Image=Image,
    ItemHandler=ItemHandler, ItemHandlerCallback=ItemHandlerCallback, LookupTensor=LookupTensor,
    SparseTensor=SparseTensor, TFExampleDecoder=TFExampleDecoder, Tensor=Tensor)
