"""tf.contrib.summary: summaries that a writer records as the graph runs, from where they are today."""
import sys

import tensorflow.compat.v1 as tf
from tensorflow.python.ops import summary_ops_v2 as _today

(
    scalar, histogram, image, audio, generic, graph, flush, initialize, create_file_writer,
    always_record_summaries, never_record_summaries, record_summaries_every_n_global_steps,
    should_record_summaries, summary_writer_initializer_op, import_event, eval_dir,
) = [
    getattr(_today, name)
    for name in (
        'scalar', 'histogram', 'image', 'audio', 'generic', 'graph', 'flush', 'initialize',
        'create_file_writer', 'always_record_summaries', 'never_record_summaries',
        'record_summaries_every_n_global_steps', 'should_record_summaries', 'summary_writer_initializer_op',
        'import_event', 'eval_dir',
    )
]
all_summary_ops = _today.all_v2_summary_ops
SummaryWriter = _today.SummaryWriter
create_summary_file_writer = create_file_writer
get_or_create_global_step = tf.train.get_or_create_global_step
MODULE = sys.modules[__name__]
