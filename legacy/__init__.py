"""Old TensorFlow 1 scripts on today's TensorFlow: run, check and convert them, read their checkpoints."""
