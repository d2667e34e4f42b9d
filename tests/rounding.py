"""How far rounding alone can move a number."""

FLOAT32, FLOAT64 = 2.0**-23, 2.0**-52  # the gap between 1 and the next number


def rounding(eps: float, terms: int, total: float) -> float:
    """The most by which two sums of the same terms can differ.

    A sum of n terms takes n - 1 additions, each off by at most half an eps of a partial sum, and no
    partial sum is larger than `total`, the sum of the terms' sizes. Terms that are themselves
    rounded add half an eps of `total` at most. So one sum is off by less than n * eps / 2 * total,
    and two by less than twice as much.
    """
    return eps * terms * total
