"""The parts of TensorFlow 1 that are gone, on `get_variable` and native ops, with TensorFlow 1's names and
defaults.
"""
