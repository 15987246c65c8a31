"""A product of matrices, and what numpy sorts."""

import numpy

numbers = numpy.arange(300 * 300, dtype=float).reshape(300, 300) % 7919
print(numbers.dot(numbers.T).sum(), numpy.sort(numbers.ravel() * 31 % 1009)[:3])
