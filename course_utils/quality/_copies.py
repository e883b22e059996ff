"""Find near duplicates: one image in several versions.

1. Each image is shrunk to 64 x 64 gray pixels, and its *perceptual hash* taken: one bit for each
   of the 256 lowest spatial frequencies, set if its coefficient in the cosine transform is above
   the median (``imagehash.phash``). Copies that were resized, compressed again or brightened keep
   nearly all their bits; unrelated images share about half. The mirror image is hashed too.
2. Pairs with at most 80 different bits are candidates.
3. Each candidate is compared closely: the two small images are aligned (shift, rotation and
   scale are found by maximizing the correlation coefficient, Evangelidis & Psarakis 2008,
   ``cv2.findTransformECC``), low frequencies are removed, and the fine structure must correlate by
   at least 0.8 (0.6 if at most 24 bits differ, for small images that were compressed strongly).
   Different photographs of similar things are below that: on 3,670 photographs of flowers all 29
   pairs found are the same image, on 3,781 of clothes every second pair shows two different
   T-shirts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from course_utils.quality._pictures import Picture

#: Two images with more different bits (of 256) than this are not compared closely.
HASH_BITS = 80
#: Correlation of the fine structure from which on two images count as the same image ...
SAME_PICTURE = 0.8
#: ... and the correlation that is enough if at most FEW_BITS differ.
SAME_HASH = 0.6
FEW_BITS = 24
#: Largest number of close comparisons of one image with others.
NEIGHBORS = 50
#: Largest number of close comparisons altogether (about 2 ms each).
CLOSE_COMPARISONS = 20_000


def candidates(bits: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, bool]]:
    """Find all pairs of similar perceptual hashes.

    Parameters
    ----------
    bits : ndarray of bool, shape (N, 2, 256)
        The hash of each image and of its mirror image.

    Yields
    ------
    first, second, distance : ndarray of int
        Positions (first < second) and number of different bits.
    mirrored : bool
        Whether the second image is similar to the mirrored first one.

    Notes
    -----
    With bits of +1 and -1 the dot product of two hashes is 256 minus twice the number of different
    bits, so one matrix product compares 512 images with all others: 50,000 images take less than a
    minute.
    """
    signs = bits.astype(np.float32) * 2 - 1
    length = signs.shape[-1]
    for start in range(0, len(signs), 512):
        rows = signs[start : start + 512, 0]
        for mirrored in (False, True):
            different = (length - rows @ signs[start:, int(mirrored)].T) / 2
            near = different <= HASH_BITS
            near &= np.arange(near.shape[1]) > np.arange(len(near))[:, None]  # each pair once
            for row in np.flatnonzero(near.sum(axis=1) > NEIGHBORS):
                others = np.where(near[row], different[row], np.inf)
                near[row] = False
                near[row, np.argpartition(others, NEIGHBORS)[:NEIGHBORS]] = True
            first, second = np.nonzero(near)
            yield first + start, second + start, different[first, second].astype(int), mirrored


def _fine(image: np.ndarray) -> np.ndarray:
    """Remove the low frequencies of a gray image, float32 (64, 64)."""
    import cv2

    return image - cv2.GaussianBlur(image, (0, 0), 1.5)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    one, other = one - one.mean(), other - other.mean()
    norm = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float((one * other).sum()) / norm if norm > 1e-6 else 0.0


def similarity(one: np.ndarray, other: np.ndarray) -> float:
    """Return how similar two small gray images are: 1 for copies, about 0 for others.

    The images are aligned (shift, rotation, scale, shear), then their fine structure is compared,
    so that neither brightness and contrast nor a slight crop matter.

    Parameters
    ----------
    one, other : ndarray of uint8 or float32, shape (64, 64)

    Returns
    -------
    float
        Correlation coefficient, at most 1.

    References
    ----------
    G. D. Evangelidis and E. Z. Psarakis, "Parametric Image Alignment Using Enhanced Correlation
    Coefficient Maximization", IEEE TPAMI 30 (10), 2008.
    """
    import cv2

    one = np.ascontiguousarray(one, np.float32)
    other = np.ascontiguousarray(other, np.float32)
    straight = _correlation(_fine(one), _fine(other))
    if straight >= 0.95:
        return straight
    warp = np.eye(2, 3, dtype=np.float32)
    whole = np.ones(one.shape, np.uint8)
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
    try:
        _, found = cv2.findTransformECC(one, other, warp, cv2.MOTION_AFFINE, stop, whole, 5)
    except cv2.error:  # they cannot be aligned, so they are not copies
        return straight
    way = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    moved = cv2.warpAffine(other, found, one.shape[::-1], flags=way)
    inside = cv2.warpAffine(np.ones_like(other), found, one.shape[::-1], flags=way) > 0.99
    inside = cv2.erode(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    if inside.mean() < 0.5:  # too little overlap to compare
        return straight
    return max(straight, _correlation(_fine(one)[inside], _fine(moved)[inside]))


def joined(pairs: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Return the sets of numbers that pairs connect, each in rising order, by smallest number."""
    from scipy.cluster.hierarchy import DisjointSet

    pairs = list(pairs)
    groups = DisjointSet(sorted({item for pair in pairs for item in pair}))
    for first, second in pairs:
        groups.merge(first, second)
    return [sorted(group) for group in groups.subsets()]


def near_pairs(pictures: Sequence[Picture]) -> tuple[list[tuple[int, int, str]], bool]:
    """Find images that are near duplicates of each other.

    Returns
    -------
    pairs : list of (int, int, str)
        Positions of two images, and how the second relates to the first. A group of n copies
        gives n - 1 pairs.
    complete : bool
        False if the search stopped after `CLOSE_COMPARISONS` comparisons.
    """
    from scipy.cluster.hierarchy import DisjointSet

    bits = {i: picture.bits for i, picture in enumerate(pictures) if picture.bits is not None}
    usable = list(bits)
    if len(usable) < 2:
        return [], True
    found = list(candidates(np.stack(list(bits.values()))))
    first, second, distance = (np.concatenate([part[k] for part in found]) for k in range(3))
    mirrored = np.concatenate([np.full(len(part[0]), part[3]) for part in found])
    groups, comparisons = DisjointSet(range(len(usable))), 0
    pairs: list[tuple[int, int, str]] = []
    for k in np.lexsort((second, first, mirrored, distance)):
        i, j = int(first[k]), int(second[k])
        if groups.connected(i, j):
            continue
        if comparisons == CLOSE_COMPARISONS:
            return pairs, False
        comparisons += 1
        one, other = pictures[usable[i]].thumb, pictures[usable[j]].thumb
        alike = similarity(one, other[:, ::-1] if mirrored[k] else other)
        if alike >= (SAME_HASH if distance[k] <= FEW_BITS else SAME_PICTURE):
            groups.merge(i, j)
            how = "mirror image of" if mirrored[k] else "same picture as"
            pairs.append((usable[i], usable[j], f"{how} {{}} (similarity {alike:.2f})"))
    return pairs, True
