"""tf.contrib.data: what moved to tf.data and tf.data.experimental, and the few that became methods."""
import tensorflow.compat.v1 as tf

_NEW = tf.data.experimental
TFRecordDataset, TextLineDataset = tf.data.TFRecordDataset, tf.data.TextLineDataset
FixedLengthRecordDataset, Iterator = tf.data.FixedLengthRecordDataset, tf.data.Iterator
AUTOTUNE = _NEW.AUTOTUNE
choose_from_datasets, sample_from_datasets = _NEW.choose_from_datasets, _NEW.sample_from_datasets
copy_to_device, prefetch_to_device = _NEW.copy_to_device, _NEW.prefetch_to_device
dense_to_sparse_batch = getattr(_NEW, 'dense_to_sparse_batch', None) or _NEW.dense_to_ragged_batch
bucket_by_sequence_length, group_by_window = _NEW.bucket_by_sequence_length, _NEW.group_by_window
enumerate_dataset, ignore_errors = _NEW.enumerate_dataset, _NEW.ignore_errors
unique, scan = _NEW.unique, _NEW.scan
make_csv_dataset, read_batch_features = _NEW.make_csv_dataset, _NEW.make_batched_features_dataset
parallel_interleave, rejection_resample = _NEW.parallel_interleave, _NEW.rejection_resample
shuffle_and_repeat, map_and_batch = _NEW.shuffle_and_repeat, _NEW.map_and_batch
unbatch = _NEW.unbatch


def _old_names(plain):
    """Dataset.map and friends with the arguments of contrib: num_threads, output_buffer_size."""
    def method(self, map_func, num_threads=None, output_buffer_size=None, num_parallel_calls=None):
        result = plain(self, map_func, num_parallel_calls=num_parallel_calls or num_threads)
        return result.prefetch(output_buffer_size) if output_buffer_size else result
    return method


class Dataset(tf.data.Dataset):
    """tf.contrib.data.Dataset: the constructors of tf.data.Dataset, map with contrib's arguments."""

    @staticmethod
    def _old(dataset):
        made = type('Dataset', (type(dataset),), {'map': _old_names(type(dataset).map)})
        dataset.__class__ = made
        return dataset

    from_tensors = staticmethod(lambda tensors: Dataset._old(tf.data.Dataset.from_tensors(tensors)))
    from_tensor_slices = staticmethod(lambda tensors: Dataset._old(tf.data.Dataset.from_tensor_slices(
                tensors)))
    from_generator = staticmethod(lambda *args, **kwargs: Dataset._old(tf.data.Dataset.from_generator(*args,
                **kwargs)))
    range = staticmethod(lambda *args: Dataset._old(tf.data.Dataset.range(*args)))
    zip = staticmethod(lambda datasets: Dataset._old(tf.data.Dataset.zip(datasets)))
    list_files = staticmethod(lambda pattern, shuffle=None,
                              seed=None: Dataset._old(tf.data.Dataset.list_files(pattern, shuffle, seed)))


def batch_and_drop_remainder(batch_size):
    return lambda dataset: dataset.batch(batch_size, drop_remainder=True)


def padded_batch_and_drop_remainder(batch_size, padded_shapes, padding_values=None):
    return lambda dataset: dataset.padded_batch(batch_size, padded_shapes, padding_values,
                                                drop_remainder=True)


def assert_element_shape(expected_shapes):
    return lambda dataset: dataset.map(lambda *x: tf.nest.map_structure(
        tf.ensure_shape, x[0] if len(x) == 1 else x, expected_shapes))


def sloppy_interleave(map_func, cycle_length, block_length=1):
    return parallel_interleave(map_func, cycle_length, block_length, sloppy=True)
