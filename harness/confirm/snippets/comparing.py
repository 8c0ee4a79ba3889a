"""Compare the result of a call with the formula, and print how it differs."""

import numpy as np

from .weights import WrongWeights


def is_near(y, expected):
    """Return where an array is the exact one, of integers."""
    return np.abs(y - expected) < 0.25


def is_within(y, expected, bound):
    """Return where an array is off by no more than its cell may be."""
    return np.abs(y - expected) <= bound


def is_within_or_alike(y, expected, bound):
    """Return the same where infinities and NaN are expected; within an infinite bound all is right."""
    alike = (y == expected) | (np.isnan(y) & np.isnan(expected))
    return (np.abs(y - expected) <= bound) | alike | np.isinf(bound)


def find_difference(y, dtype, right):
    """Return how an array differs from the formula, a word and where, or None.

    `right` holds the function that says where an array is right, the expected array, and a bound if any.
    """
    is_right, expected, *bound = right
    if y.shape != expected.shape:
        return "shape", f"{y.shape}, the formula says {expected.shape}"
    if y.dtype.name != dtype:
        return "dtype", f"{y.dtype.name}, not {dtype}"
    y = y.astype("float64")
    wrong = ~is_right(y, expected, *bound)
    if not wrong.any():
        return None
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = f"{wrong.sum()} of {wrong.size} wrong, first at {first}"
    where = f"{place}: {y[first]}, the formula says {expected[first]}"
    return "value" if np.isfinite(y).all() else "nonfinite", where


def find_wrong_claim(claims, expected_claims):
    """Return what Keras claimed wrongly before the call, a word and what, or None."""
    words = ("inferred-shape", "inferred-shape", "parameters")
    for word, claim, right in zip(words, claims, expected_claims):
        if claim is None or right is None or isinstance(claim, Exception):
            continue
        claimed = tuple(claim) if isinstance(right, tuple) else claim
        if claimed != right:
            return word, f"{claimed}, the formula says {right}"
    return None


def compare(arrays, dtype, expected, claims, expected_claims):
    """Return how the output, the gradients and the claims differ from the formula: a word and where."""
    for place, (y, right) in enumerate(zip(arrays, expected)):
        found = find_difference(y, dtype, right)
        if found and place:
            return "gradient", f"{found[0]} of gradient {place}: {found[1]}"
        if found:
            return found
    for claim in claims:
        if isinstance(claim, Exception) and arrays[0].size:  # What is empty may be refused.
            raise claim
    return find_wrong_claim(claims, expected_claims) or ("same", "")


def check(case, call, subject, shape, x, weights, dtype, expected, expected_claims):
    """Print that the call begins, then what it gives and how that differs from the formula.

    `subject` is what makes the layer, or the operation. Nothing is expected of what must be refused.
    """
    print(f"\n@ {case}", flush=True)
    claims = []
    try:
        arrays = call(subject, shape, x, weights, claims)
        if expected is None:
            word, where = "returned", f"shape {arrays[0].shape}"
        else:
            word, where = compare(arrays, dtype, expected, claims, expected_claims)
    except WrongWeights as error:
        word, where = "weights", str(error)
    except Exception as error:
        text = " ".join(str(error).split())
        before = ": ".join(find_wrong_claim(claims, expected_claims) or ())
        print(f"\n@ {case}\traised\t{type(error).__name__}\t{text}\t{before}", flush=True)
        return
    print(f"\n@ {case}\t{word}\t{where}\t", flush=True)
