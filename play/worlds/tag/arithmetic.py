"""Exponential and logarithm from additions, multiplications and divisions alone.

Libraries of mathematics differ in the last bit, and so would records that are replayed on another
machine, or by compiled code. Every operation here is rounded in one way only (IEEE 754), so the
results are the same everywhere. They are within three units in the last place of the exact ones.
"""

import math

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.693147180369123816490  # its last 21 bits are zero, so that multiples are exact
LN2_LOW = 1.90821492927058770002e-10
EXPONENTIAL = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))
TANGENT = tuple(1.0 / k for k in range(35, 0, -2))
INVISIBLE = 40.0  # e ** -40 is less than a quarter of the last bit of 40


def power_of_two(n: int) -> float:
    """2.0 ** n, exactly, for |n| up to 1000."""
    factor = 2.0 if n > 0 else 0.5
    value = 1.0
    count = n if n > 0 else -n
    while count > 0:
        if count % 2 == 1:
            value *= factor
        factor *= factor
        count //= 2
    return value


def exponential(y: float) -> float:
    """E ** y for |y| up to 600: halvings of the argument's range, then the series to y ** 13."""
    shifted = y * LOG2_E + 0.5
    n = int(shifted)
    if shifted < n:
        n -= 1  # int() rounds towards zero
    r = (y - n * LN2_HIGH) - n * LN2_LOW
    total = 0.0
    for coefficient in EXPONENTIAL:
        total = total * r + coefficient
    return total * power_of_two(n)


def log_of_one_plus(x: float) -> float:
    """ln(1 + x) for x in [0, 1], by the series of the area hyperbolic tangent."""
    s = x / (2.0 + x)
    square = s * s
    total = 0.0
    for coefficient in TANGENT:
        total = total * square + coefficient
    return 2.0 * s * total


def softplus(u: float) -> float:
    """ln(1 + e ** u); further than `INVISIBLE` from zero it is 0 or u itself."""
    if u > INVISIBLE:
        return u
    if u < -INVISIBLE:
        return 0.0
    if u > 0.0:
        return u + log_of_one_plus(exponential(-u))
    return log_of_one_plus(exponential(u))


KERNELS = (power_of_two, exponential, log_of_one_plus, softplus)
"""Functions that numba compiles, each after those that it calls."""

LOOPS = ()
"""Nothing here runs over environments."""
