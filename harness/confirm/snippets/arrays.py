"""Read the arrays that a script contains as text."""

import ml_dtypes
import numpy as np
import tensorflow as tf


def read_array(dtype, shape, numbers):
    """Read an array from the text of its numbers."""
    return np.array(numbers.split(), "float64").astype(dtype).reshape(shape)


def read_bfloat16(shape, numbers):
    """Read an array of bfloat16, which NumPy has of ml_dtypes."""
    return read_array(ml_dtypes.bfloat16, shape, numbers)


def read_bfloat16_of_tensorflow(shape, numbers):
    """Read an array of bfloat16, which NumPy has of TensorFlow."""
    return read_array(tf.bfloat16.as_numpy_dtype, shape, numbers)


def read_bfloat16_as_float32(shape, numbers):
    """Read numbers of bfloat16 into an array of float32, for NumPy knows no bfloat16."""
    return read_array("float32", shape, numbers)
