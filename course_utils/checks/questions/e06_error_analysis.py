"""Check the answers to exercise 06; what they are told is in e06.toml."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from course_utils.checks import chance, compare
from course_utils.checks._question import Exercise, IncorrectAnswer, Question, wrong
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 06.1: by hand ------------------------------------------------------------

_NAMES = ("daisy", "roses", "tulips")


def _pair(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.texts(compare.attempted(subject, "confused")) or []
    if subject.kind("confused") == "set":
        raise wrong("a set")
    names = tuple(" ".join(name.lower().split()) for name in got)
    names = tuple({"rose": "roses", "tulip": "tulips"}.get(name, name) for name in names)
    if len(names) != 2 or not set(names) <= set(_NAMES):
        raise wrong("other: two names")
    if names[0] == names[1]:
        raise wrong("right answers counted")
    if names != ("tulips", "roses"):
        exchanged = names == ("roses", "tulips")
        raise wrong("true and predicted exchanged" if exchanged else "other: only once")
    mistakes = [
        Mistake("share of the errors", 2 / 5),
        Mistake("share of all pictures", 2 / 12),
        Mistake("share of the predicted class", 2 / 6),
        Mistake("number instead of share", 2),
        Mistake("share of the wrong ones", 1),
        Mistake("percent", 50),
    ]
    compare.number(subject, "share", 2 / 4, mistakes, rtol=2e-3)


def _worst(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = [
        Mistake("most certain error", 5),
        Mistake("nearest to being right", 3),
        Mistake("counted from 0", 6),
        Mistake("least confident", 11),
    ]
    compare.number(subject, "worst", 7, mistakes, whole=True)
    loss = -np.log(0.04)  # picture 7
    mistakes = [
        Mistake("logarithm to base 10", -np.log10(0.04)),
        Mistake("logarithm to base 2", -np.log2(0.04)),
        Mistake("sign forgotten", -loss),
        Mistake("probability of the predicted class", -np.log(0.52)),
        Mistake("logarithm forgotten", 0.04, 0.96),
        Mistake("loss of another picture", -np.log(0.06)),
        Mistake(
            "other classes counted",
            -np.log(0.04 * 0.44 * 0.52),
            loss - np.log(0.56) - np.log(0.48),
        ),
        Mistake("mean instead of one", loss / 12),
    ]
    compare.number(subject, "worst_loss", loss, mistakes, rtol=0.0, atol=1e-3, decimals=True)


# --- 06.2: confused pairs ------------------------------------------------------------

_Row = tuple[Any, ...]


def _listed(
    labels: Array,
    predicted: Array,
    names: Sequence[Any],
    *,
    key: Callable[[int, int, int], Any] = lambda t, p, count: -count,
    keep: Callable[[int, int, int], bool] = lambda t, p, count: t != p and count > 0,
) -> list[_Row]:
    """List the pairs that `keep` accepts, sorted by `key` of true class, prediction and count."""
    table = compare.pair_counts(labels, predicted, (len(names), len(names)))
    places = [(t, p, int(table[t, p])) for t in range(len(names)) for p in range(len(names))]
    chosen = sorted((place for place in places if keep(*place)), key=lambda place: key(*place))
    return [(names[t], names[p], count) for t, p, count in chosen]


def _with(**how: Any) -> Callable[..., list[_Row]]:
    return lambda y, p, n: _listed(y, p, n, **how)


def _sizes(labels: Array, names: Sequence[str]) -> Array:
    """Count the pictures of each class; 1 where there is none, to divide by."""
    return np.maximum(np.bincount(labels, minlength=len(names)), 1)


def _by_share(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """List the pairs with the largest share of the true class first."""
    sizes = _sizes(labels, names)
    return _listed(labels, predicted, names, key=lambda t, p, c: -c / sizes[t])


def _as_shares(rows: Callable[..., list[_Row]]) -> Callable[..., list[_Row]]:
    """Put shares of the true class in place of the counts."""

    def answer(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
        sizes = dict(zip(names, _sizes(labels, names), strict=True))
        return [(t, p, count / sizes[t]) for t, p, count in rows(labels, predicted, names)]

    return answer


def _wrapping(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """Count in numbers of 8 bits, which go up to 255."""
    rows = _listed(
        labels,
        predicted,
        names,
        key=lambda t, p, c: -(c % 256),
        keep=lambda t, p, c: t != p and c % 256 > 0,
    )
    return [(t, p, count % 256) for t, p, count in rows]


def _both_ways(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """Add up both directions of two classes."""
    differing = labels != predicted
    low, high = np.sort([labels, predicted], axis=0)[:, differing]
    return _listed(low, high, names)


def _without_absent(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """Number the classes without those that do not occur."""
    known = np.unique(np.concatenate([labels, predicted]))
    return _listed(np.searchsorted(known, labels), np.searchsorted(known, predicted), names)


def _by_first(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """Sort ties by the first occurrence of the pairs."""
    pairs = list(zip(labels.tolist(), predicted.tolist(), strict=True))
    return _listed(labels, predicted, names, key=lambda t, p, c: (-c, pairs.index((t, p))))


_PAIRS_MISTAKES = [
    Mistake(
        "true and predicted exchanged",
        lambda y, p, n: [(b, a, count) for a, b, count in _listed(y, p, n)],
        lambda y, p, n: _listed(p, y, n),
    ),
    Mistake(
        "right answers counted",
        _with(keep=lambda t, p, c: c > 0),
        _with(keep=lambda t, p, c: True),
    ),
    Mistake("zero counts kept", _with(keep=lambda t, p, c: t != p)),
    Mistake(
        "least frequent first",
        _with(key=lambda t, p, c: c),
        lambda y, p, n: _listed(y, p, n)[::-1],
    ),
    Mistake("not sorted", _with(key=lambda t, p, c: 0)),
    Mistake("numbers instead of names", lambda y, p, n: _listed(y, p, range(len(n)))),
    Mistake("shares instead of counts", _as_shares(_by_share), _as_shares(_listed)),
    Mistake("counts wrap around", _wrapping),
    Mistake("absent class left out", _without_absent),
    Mistake("both directions added", _both_ways),
    Mistake("sorted by share", _by_share),
    Mistake("single errors left out", _with(keep=lambda t, p, c: t != p and c > 1)),
    Mistake("one direction only", _with(keep=lambda t, p, c: t < p and c > 0)),
    Mistake(
        "a class forgotten",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t != q and c > 0 and q < len(n) - 1),
    ),
    Mistake(
        "three classes assumed", _with(keep=lambda t, p, c: t != p and c > 0 and max(t, p) < 3)
    ),
    Mistake("list cut off", lambda y, p, n: _listed(y, p, n)[:10]),
    Mistake("one pair only", lambda y, p, n: _listed(y, p, n)[:1]),
    Mistake(
        "ties in another order: alphabet",
        lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: (-c, n[t], n[q])),
    ),
    Mistake("ties in another order: as met", _by_first),
    Mistake("ties in another order: reversed", _with(key=lambda t, p, c: (-c, -t, -p))),
    Mistake("ties in another order: predicted class", _with(key=lambda t, p, c: (-c, p, t))),
    Mistake("ties in another order: text", _with(key=lambda t, p, c: (-c, str((t, p))))),
]


def _rows(got: Any) -> list[_Row]:
    """Return the pairs as a list of tuples; the rows may be tuples, lists or a table."""
    rows = compare.listed(got)
    if rows is None:
        is_ = "something else" if isinstance(got, Ref) else compare.describe(got)
        raise wrong("other: no list", got=is_)
    return [_row(row) for row in rows]


def _row(one: Any) -> _Row:
    entries = compare.listed(one)
    if entries is None or len(entries) != 3 or isinstance(entries[2], bool):
        raise wrong("other: not three")
    if [isinstance(part, str) for part in entries] == [False, True, True]:
        raise wrong("number first")
    true, predicted, count = entries
    if isinstance(count, str) and count.removesuffix(".0").isdigit():  # a table of texts
        count = float(count)
    return true, predicted, count


def _check_pairs(
    subject: StudentWork, cases: Sequence[Case], right: Callable[..., list[_Row]] = _listed
) -> None:
    try:
        compare.function(subject, "confused_pairs", cases, right, _PAIRS_MISTAKES, form=_rows)
    except IncorrectAnswer as error:
        if error.mistake is None:
            _explain(subject, cases, right)
        raise


def _explain(subject: StudentWork, cases: Sequence[Case], right: Callable[..., list[_Row]]) -> None:
    """Raise what is wrong with a list: not repeatable, too short or long, or in another order."""
    for case in cases:
        got, again = [_rows(subject.call("confused_pairs", *case.args)) for _ in range(2)]
        if not compare.close(got, again):
            raise wrong("not repeatable")
        want = right(*case.args)
        if len(got) != len(want):
            raise wrong("other: number of pairs", label=case.label, got=len(got), want=len(want))
        if not compare.close(got, want):
            if sorted(map(str, got)) == sorted(map(str, want)):
                raise wrong("another order", label=case.label)
            return


_FLOWERS = (
    *("tulips", "roses", "daisy", "asters", "lilies", "poppies", "irises"),
    *("violets", "orchids", "peonies", "dahlias", "lupins"),
)


def _confusions(rng: np.random.Generator, classes: int, counts: Sequence[int], label: str) -> Case:
    """Draw confused pairs, each with the given number of pictures, and right answers."""
    pairs = [(t, p) for t in range(classes) for p in range(classes) if t != p]
    chosen = rng.permutation(len(pairs))[: len(counts)]
    rows = [pairs[k] for k, n in zip(chosen, counts, strict=True) for _ in range(n)]
    rows += [(t, t) for t in range(classes) for _ in range(int(rng.integers(2, 7)))]
    table = rng.permutation(np.array(rows))
    names = [str(name) for name in rng.permutation(_FLOWERS[:classes])]
    if names == sorted(names):  # so that the alphabet is another order
        names.reverse()
    return Case((table[:, 0], table[:, 1], names), label)


def _frequent_cases(rng: np.random.Generator) -> list[Case]:
    small = (np.array([0, 0, 0, 1, 1, 1, 2]), np.array([0, 1, 1, 1, 2, 1, 2]), ["b", "c", "a"])
    absent = (np.array([0, 2, 2, 0, 2]), np.array([2, 2, 0, 2, 2]), ["b", "c", "a"])
    while True:  # until the counts are in another order than the shares
        cases = [
            Case(small, "the labels 0 0 0 1 1 1 2, predicted 0 1 1 1 2 1 2"),
            Case(absent, "the labels 0 2 2 0 2, predicted 2 2 0 2 2"),
            _confusions(rng, 4, (7, 5, 4, 2, 1), "four classes"),
            _confusions(rng, 5, (9, 8, 6, 5, 3, 2), "five classes"),
            _confusions(rng, 3, (300, 270, 12, 3), "three classes and 600 pictures"),
            _confusions(rng, 7, tuple(range(22, 0, -1)), "seven classes"),
        ]
        if _by_share(*cases[-1].args) != _listed(*cases[-1].args):
            return cases


def _frequent_first(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _frequent_cases(rng)
    _check_pairs(subject, cases)
    compare.leaves_arguments(subject, "confused_pairs", cases)


def _ties(subject: StudentWork, rng: np.random.Generator) -> None:
    first = _frequent_cases(rng)
    right = compare.as_told_before(
        subject, "confused_pairs", first, _listed, _PAIRS_MISTAKES, form=_rows
    )
    named_rightly = rng.integers(0, 3, 12)
    equal = "pairs that are equally frequent"
    cases = [
        _confusions(rng, 4, (3, 3, 3, 2, 2, 2, 1, 1), equal),
        _confusions(rng, 5, (4, 4, 4, 4, 1, 1, 1, 1), equal),
        _confusions(rng, 7, (2,) * 20 + (1,) * 20, equal),
        _confusions(rng, 12, (2,) * 30 + (1,) * 30, f"twelve classes, and {equal}"),
        Case(
            (named_rightly, named_rightly.copy(), ["roses", "daisy", "tulips"]),
            "a network without errors",
        ),
    ]
    _check_pairs(subject, cases, right)


# --- 06.3: out of fold ------------------------------------------------------------


def _fold_numbers(subject: StudentWork, labels: Array, folds: int, seed: int) -> Array:
    """Return what `make_folds` gives, if it can be fold numbers."""
    got = compare.result_of(subject, "make_folds", labels, folds, seed)
    try:
        array = np.asarray(got)
    except ValueError:
        array = np.zeros((0, 0))
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise wrong("places instead of fold numbers")
    if len(array) != len(labels):
        raise wrong("other: one number each", want=len(labels), got=len(array))
    return array


def _require_numbered(found: Array, folds: int) -> None:
    """Check that the folds are numbered from 0 and none is empty."""
    numbers = sorted(set(found.tolist()))
    if numbers == list(range(1, folds + 1)):
        raise wrong("folds counted from 1")
    if not set(numbers) <= set(range(folds)):
        first, last = numbers[0], numbers[-1]
        raise wrong("wrong number of folds", folds=folds, top=folds - 1, first=first, last=last)
    if len(numbers) < folds:
        raise wrong("wrong number of folds: empty")


def _label_lists(rng: np.random.Generator) -> list[tuple[Array, int]]:
    """Return labels (mixed, sorted by class, with unequal classes) and numbers of folds."""
    unequal = np.repeat(np.arange(4), rng.permutation([31, 12, 20, 7]))
    return [
        (rng.permutation(np.repeat(np.arange(3), 20)), 5),
        (np.repeat(np.arange(3), (14, 17, 12)), 4),
        (rng.permutation(unequal), 3),
        (unequal, 2),
    ]


def _stratified(subject: StudentWork, rng: np.random.Generator) -> None:
    uneven, in_order_of_class, blind, only_with_four = False, True, True, True
    for labels, folds in _label_lists(rng):
        seed = int(rng.integers(1000))
        found = _fold_numbers(subject, labels, folds, seed)
        _require_numbered(found, folds)
        if _unevenness(labels, found) > 1:
            uneven = True
            only_with_four &= labels.max() > 2
            halves = np.arange(len(labels)) % 2
            blind &= np.array_equal(found, _fold_numbers(subject, halves, folds, seed))
        in_order_of_class &= _unevenness(np.sort(labels), found) <= 1
        if subject.changed():
            raise wrong("arguments changed: labels")
    if not uneven:
        return
    if only_with_four:
        raise wrong("three classes assumed")
    if blind:
        raise wrong("not stratified: all together")
    raise wrong("order of the pictures lost: folds" if in_order_of_class else "not stratified")


def _unevenness(labels: Array, folds: Array) -> int:
    """Return the largest difference between two folds, over all classes."""
    folds = folds.astype(int)
    table = compare.pair_counts(labels, folds, (labels.max() + 1, folds.max() + 1))
    return int(np.ptp(table, axis=1).max())


def _together(folds: Array) -> list[int]:
    """Number the folds in the order of their first occurrence."""
    known: dict[int, int] = {}
    return [known.setdefault(int(fold), len(known)) for fold in folds]


#: Number of seeds that are tried: enough that what is always or never the same is not chance.
_SEEDS = 100


def _by_seed(subject: StudentWork, rng: np.random.Generator) -> None:
    labels, folds = rng.permutation(np.repeat(np.arange(3), (24, 20, 28))), 4
    one = int(rng.integers(10**6))
    seeds = [one + step for step in (0, 1, 2, 10, 100, 256, 1000, 65536, 10**6)]
    seeds += [int(seed) for seed in rng.integers(0, 2**31, _SEEDS - len(seeds))]
    found = [_fold_numbers(subject, labels, folds, seed).astype(int) for seed in seeds]
    for seed, before in ((one, found[0]), (0, _fold_numbers(subject, labels, folds, 0))):
        if not np.array_equal(_fold_numbers(subject, labels, folds, seed), before):
            raise wrong("not repeatable: 0" if seed == 0 else "not repeatable")
    alike = len({tuple(_together(numbers)) for numbers in found})
    if alike == 1:
        raise wrong("seed ignored")
    times = np.sum([numbers[:, None] == numbers[None, :] for numbers in found], axis=0)
    if alike < len(set(seeds)) or _hardly_random(labels, folds, times):
        raise wrong("seed hardly matters")


def _hardly_random(labels: Array, folds: int, times: Array) -> bool:
    """Tell whether two pictures of a class are together for more seeds than by chance, or for none.

    `times` says for each pair of pictures for how many seeds they are together.
    """
    for k in np.unique(labels):
        places = np.flatnonzero(labels == k)
        size = len(places)
        pairs = times[np.ix_(places, places)][~np.eye(size, dtype=bool)]
        sizes = np.bincount(np.arange(size) % folds)
        share = float((sizes * (sizes - 1)).sum() / (size * (size - 1)))
        most = _SEEDS * share + chance.spread(_SEEDS * share * (1 - share))
        if pairs.max() > most or pairs.min() == 0:
            return True
    return False


_Predict = Callable[[Array], Array]
_CLASSES = 3


def _by_neighbors(images: Array, labels: Array) -> _Predict:
    known = images.reshape(len(images), -1)

    def predict(new: Array) -> Array:
        distance = ((new.reshape(len(new), -1)[:, None] - known[None]) ** 2).sum(axis=2)
        nearest = labels[np.argsort(distance, axis=1, kind="stable")[:, :3]]
        return np.stack([(nearest == k).mean(axis=1) for k in range(_CLASSES)], axis=1)

    return predict


def _by_shares(images: Array, labels: Array) -> _Predict:
    shares = np.bincount(labels, minlength=_CLASSES) / len(labels)
    return lambda new: np.tile(shares, (len(new), 1))


#: The two ways to learn that the notebook gives, by name.
_FITS = {"by_neighbors": _by_neighbors, "by_shares": _by_shares}

_Chosen = Callable[[Array, int], Array]


def _others(fold: Array, k: int) -> Array:
    return fold != k


def _held_out(fold: Array, k: int) -> Array:
    return fold == k


def _everything(fold: Array, k: int) -> Array:
    return np.ones(len(fold), bool)


def _out_of_fold(
    fit: Ref,
    images: Array,
    labels: Array,
    fold: Array,
    *,
    learns: _Chosen = _others,
    judges: _Chosen = _held_out,
    numbers: Callable[[int], Iterable[int]] = range,
) -> Array:
    """Return out-of-fold predictions; other choices of `learns` and `judges` are mistakes."""
    result = np.zeros((len(labels), _CLASSES))
    for k in numbers(int(fold.max()) + 1):
        seen, judged = learns(fold, k), judges(fold, k)
        result[judged] = _FITS[fit.key](images[seen], labels[seen])(images[judged])
    return result


def _bent(**how: Any) -> Callable[..., Array]:
    return lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold, **how)


def _reordered(order: Callable[[Array], Array]) -> Callable[..., Array]:
    return lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold)[order(fold)]


def _of_all_networks(fit: Ref, images: Array, labels: Array, fold: Array) -> Array:
    """Sum the predictions of the networks of all folds for all pictures."""
    result = np.zeros((len(labels), _CLASSES))
    for k in range(int(fold.max()) + 1):
        result += _FITS[fit.key](images[fold != k], labels[fold != k])(images)
    return result


def _with_first_labels(fit: Ref, images: Array, labels: Array, fold: Array) -> Array:
    """Learn from the right pictures, with the labels of the first ones."""
    result = np.zeros((len(labels), _CLASSES))
    for k in range(int(fold.max()) + 1):
        rest = fold != k
        result[~rest] = _FITS[fit.key](images[rest], labels[: rest.sum()])(images[~rest])
    return result


def _by_fold(fold: Array) -> Array:
    return np.argsort(fold, kind="stable")


def _next_fold(fold: Array, k: int, step: int = 1) -> Array:
    return fold == (k + step) % (fold.max() + 1)


_FOLD_MISTAKES = [
    Mistake("held-out pictures learned", _bent(learns=_everything)),
    Mistake("train and held-out exchanged", _bent(learns=_held_out)),
    Mistake("order of the pictures lost", _reordered(_by_fold)),
    Mistake(
        "a fold forgotten",
        _bent(numbers=lambda n: range(n - 1)),
        _bent(numbers=lambda n: range(1, n)),
    ),
    Mistake(
        "one network for all",
        _bent(judges=_everything, numbers=lambda n: [0]),
        _bent(judges=_everything, numbers=lambda n: [n - 1]),
    ),
    Mistake(
        "mean of all networks",
        lambda fit, x, y, fold: _of_all_networks(fit, x, y, fold) / (fold.max() + 1),
        _of_all_networks,
    ),
    Mistake("only the fold before", _bent(learns=lambda fold, k: _next_fold(fold, k, -1))),
    Mistake("only the fold after", _bent(learns=_next_fold)),
    Mistake("train and held-out exchanged: others judged", _bent(learns=_held_out, judges=_others)),
    Mistake("only the folds before", _bent(learns=lambda fold, k: fold < k if k else fold != k)),
    Mistake(
        "a second fold left out",
        _bent(
            learns=lambda fold, k: (fold != k) & (~_next_fold(fold, k) | (fold.max() < 2)),
        ),
    ),
    Mistake(
        "each picture by itself",
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, np.arange(len(y))),
    ),
    Mistake(
        "order of the pictures lost: wrong way back",
        _reordered(lambda fold: _by_fold(fold)[_by_fold(fold)]),
    ),
    Mistake(
        "classes instead of probabilities",
        lambda fit, x, y, fold: np.eye(_CLASSES)[_out_of_fold(fit, x, y, fold).argmax(axis=1)],
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold).argmax(axis=1),
    ),
    Mistake("labels of other pictures", _with_first_labels),
    Mistake(
        "fit ignored",
        lambda fit, x, y, fold: _out_of_fold(Ref("by_neighbors"), x, y, fold),
    ),
]


def _pictures(
    rng: np.random.Generator, fit: str, sizes: Sequence[int], label: str, sort: bool = False
) -> Case:
    """Draw pictures without a pattern, with the given number in each fold."""
    fold = np.repeat(np.arange(len(sizes)), sizes)
    fold = fold if sort else rng.permutation(fold)
    labels = rng.choice(_CLASSES, len(fold), p=(0.5, 0.3, 0.2))
    images = rng.uniform(0, 255, (len(fold), 2, 2, 3))
    return Case((Ref(fit), images, labels, fold), label)


def _unseen_cases(rng: np.random.Generator) -> list[Case]:
    return [
        _pictures(rng, "by_neighbors", (12, 12, 12), "pictures in three folds", sort=True),
        _pictures(rng, "by_neighbors", (9, 8, 9, 8, 8), "pictures in five folds"),
    ]


def _unseen(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _unseen_cases(rng)
    compare.function(subject, "out_of_fold", cases, _out_of_fold, _FOLD_MISTAKES)
    compare.leaves_arguments(subject, "out_of_fold", cases[:1])


def _any_fit(subject: StudentWork, rng: np.random.Generator) -> None:
    first = _unseen_cases(rng)
    right = compare.as_told_before(subject, "out_of_fold", first, _out_of_fold, _FOLD_MISTAKES)
    cases = [
        _pictures(rng, "by_neighbors", (14, 20), "pictures in two folds"),
        _pictures(rng, "by_shares", (5, 11, 8, 7), "another way to learn, and unequal folds"),
        _pictures(rng, "by_shares", (6, 9, 7, 5, 8, 6, 7), "another way to learn, and seven folds"),
        _pictures(rng, "by_neighbors", (5,) * 12, "pictures in twelve folds"),
    ]
    compare.function(subject, "out_of_fold", cases, right, _FOLD_MISTAKES)


# --- 06.4: suspect labels ------------------------------------------------------------


def _per_class(how: Callable[[Array, Array, int], Any]) -> Callable[[Array, Array], Array]:
    return lambda p, y: np.array([how(p, y, k) for k in range(p.shape[1])])


_thresholds = _per_class(lambda p, y, k: p[y == k, k].mean())


def _own(table: Array, labels: Array) -> Array:
    """Return the entry of the label from each row of a table."""
    return np.asarray(table[np.arange(len(labels)), labels])


def _mean(values: Array) -> float:
    """Return the mean, or 0 of nothing, without a warning."""
    return float(values.sum() / max(len(values), 1))


_THRESHOLD_MISTAKES = [
    Mistake(
        "right answers only",
        _per_class(lambda p, y, k: _mean(p[(y == k) & (p.argmax(axis=1) == k), k])),
    ),
    Mistake("over all pictures", lambda p, y: p.mean(axis=0)),
    Mistake(
        "one threshold for all",
        lambda p, y: np.full(p.shape[1], _own(p, y).mean()),
        lambda p, y: _own(p, y).mean(),
    ),
    Mistake(
        "predicted instead of labeled",
        _per_class(lambda p, y, k: _mean(p[p.argmax(axis=1) == k, k])),
    ),
    Mistake(
        "confidence instead of the class", _per_class(lambda p, y, k: p[y == k].max(axis=1).mean())
    ),
    Mistake(
        "whole rows averaged",
        _per_class(lambda p, y, k: p[y == k].mean()),
        _per_class(lambda p, y, k: p[y == k].mean(axis=0)),
    ),
    Mistake(
        "equal classes assumed",
        _per_class(lambda p, y, k: p[y == k, k].sum() / (len(y) / p.shape[1])),
    ),
    Mistake("median", _per_class(lambda p, y, k: np.median(p[y == k, k]))),
    Mistake("sum", _per_class(lambda p, y, k: p[y == k, k].sum())),
    Mistake("divided by all pictures", _per_class(lambda p, y, k: p[y == k, k].sum() / len(y))),
    Mistake("the other pictures", _per_class(lambda p, y, k: p[y != k, k].mean())),
]


def _reaches(probabilities: Array, thresholds: Array) -> Array:
    """Tell whether each class reaches its threshold, for each picture."""
    return np.asarray(probabilities >= thresholds - 1e-9)


def _except_own(table: Array, labels: Array, value: bool = False) -> Array:
    """Set each label's own class to a value in a table of True and False."""
    return np.where(np.arange(table.shape[1]) == labels[:, None], value, table)


def _other_reaches(probabilities: Array, labels: Array, thresholds: Array) -> Array:
    return np.asarray(_except_own(_reaches(probabilities, thresholds), labels).any(axis=1))


def _not_top(probabilities: Array, labels: Array) -> Array:
    """Tell whether the label is not the most probable class."""
    return np.asarray(probabilities.argmax(axis=1) != labels)


def _disputed(probabilities: Array, labels: Array, thresholds: Array | None = None) -> Array:
    limits = _thresholds(probabilities, labels) if thresholds is None else thresholds
    return _other_reaches(probabilities, labels, limits) & _not_top(probabilities, labels)


def _by_limits(how: Callable[[Array, Array, Array], Any]) -> Callable[[Array, Array], Any]:
    """Return a wrong answer from the probabilities, the labels and the right thresholds."""
    return lambda p, y: how(p, y, _thresholds(p, y))


def _second(p: Array) -> Array:
    """Return the second largest probability of each row, as a column."""
    return np.sort(p, axis=1)[:, -2:-1]


_DISPUTED_MISTAKES = [
    Mistake(
        "one condition is enough",
        _by_limits(lambda p, y, t: _other_reaches(p, y, t) | _not_top(p, y)),
    ),
    Mistake(
        "two classes assumed",  # the class 1 - label, as lesson 06 has it for its two classes
        _by_limits(lambda p, y, t: _own(_reaches(p, t), 1 - y) & _not_top(p, y)),
    ),
    Mistake("thresholds ignored", _not_top),
    Mistake("most probable class not asked", _by_limits(_other_reaches)),
    Mistake(
        "own class counted",
        _by_limits(lambda p, y, t: _reaches(p, t).any(axis=1)),
        _by_limits(lambda p, y, t: _reaches(p, t).any(axis=1) & _not_top(p, y)),
    ),
    Mistake(
        "most probable class must reach",
        _by_limits(lambda p, y, t: _own(_reaches(p, t), p.argmax(axis=1)) & _not_top(p, y)),
    ),
    Mistake(
        "more probable than the label",
        _by_limits(lambda p, y, t: (_reaches(p, t) & (p > _own(p, y)[:, None])).any(axis=1)),
    ),
    Mistake(
        "two classes asked",
        _by_limits(
            lambda p, y, t: (
                (_except_own(_reaches(p, t), y) & (p >= _second(p))).any(axis=1) & _not_top(p, y)
            )
        ),
    ),
    Mistake(
        "all others must reach",
        _by_limits(
            lambda p, y, t: _except_own(_reaches(p, t), y, True).all(axis=1) & _not_top(p, y)
        ),
    ),
    Mistake(
        "below one half", _by_limits(lambda p, y, t: _other_reaches(p, y, t) & (_own(p, y) < 0.5))
    ),
    Mistake(
        "own threshold taken",
        _by_limits(lambda p, y, t: (_own(p, y) < t[y]) & _not_top(p, y)),
        _by_limits(lambda p, y, t: _own(p, y) < t[y]),
    ),
    Mistake(
        "threshold of the label taken", _by_limits(lambda p, y, t: _disputed(p, y, t[y][:, None]))
    ),
    Mistake(
        "one threshold for all: disputed",
        lambda p, y: _disputed(p, y, _own(p, y).mean()),
        _by_limits(lambda p, y, t: _disputed(p, y, t.mean())),
    ),
    Mistake("fixed threshold", lambda p, y: _disputed(p, y, np.asarray(0.5))),
    Mistake("over all pictures: disputed", lambda p, y: _disputed(p, y, p.mean(axis=0))),
    Mistake("the opposite", lambda p, y: ~_disputed(p, y)),
    Mistake("places instead of True and False", lambda p, y: np.flatnonzero(_disputed(p, y))),
    Mistake("number instead of True and False", lambda p, y: _disputed(p, y).sum()),
]

#: Told apart only where a probability is exactly its threshold.
_STRICT = Mistake("more than the threshold", _by_limits(lambda p, y, t: _disputed(p, y, t + 2e-9)))


def _judged(rng: np.random.Generator, pictures: int, classes: int) -> Case:
    """Draw predictions in which classes differ in confidence and some labels are wrong."""
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, pictures - classes)])
    sure = rng.permutation(np.linspace(0.2, 3.0, classes))  # a network is unsure of some classes
    logits = rng.normal(0, 1.2, (pictures, classes))
    logits[np.arange(pictures), truth] += sure[truth]
    powers = np.exp(logits)
    mislabeled = rng.random(pictures) < 0.15
    mislabeled[:classes] = False  # so that each class keeps a picture
    labels = np.where(mislabeled, (truth + rng.integers(1, classes, pictures)) % classes, truth)
    table = powers / powers.sum(axis=1, keepdims=True)
    order = rng.permutation(pictures)
    return Case((table[order], labels[order]), f"{pictures} pictures of {classes} classes")


def _limits(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [_judged(rng, 30, 2), _judged(rng, 60, 3), _judged(rng, 200, 5), _judged(rng, 900, 8)]
    compare.function(subject, "thresholds", cases, _thresholds, _THRESHOLD_MISTAKES)
    compare.leaves_arguments(subject, "thresholds", cases[:2])


def _disputed_cases(rng: np.random.Generator) -> list[Case]:
    """Draw predictions for which each known mistake gives another result."""
    known = [answer for mistake in _DISPUTED_MISTAKES for answer in mistake.answers]
    for _ in range(100):
        cases = [_judged(rng, 40, 2), _judged(rng, 300, 3), _judged(rng, 600, 5)]
        cases.append(_judged(rng, 900, 8))
        if all(_has_margin(*case.args) for case in cases) and all(
            any(not compare.close(answer(*case.args), _disputed(*case.args)) for case in cases)
            for answer in known
        ):
            break
    return cases


def _has_margin(probabilities: Array, labels: Array) -> bool:
    """Tell whether no other class is so near to its threshold that float32 would decide."""
    distance = np.abs(probabilities - _thresholds(probabilities, labels))
    distance[np.arange(len(labels)), labels] = 1
    return bool(distance.min() > 1e-6)


def _disputes(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _disputed_cases(rng)
    try:
        mistakes = [*_DISPUTED_MISTAKES, _STRICT]
        compare.function(subject, "disputed", cases, _disputed, mistakes)
    except (IncorrectAnswer, StudentError):
        # Wrong thresholds have cost their own part, whether they are called or computed again.
        if not _right_for_right_thresholds(subject, cases, _disputed) and not all(
            _right_for_own_thresholds(subject, *case.args) for case in cases
        ):
            raise
    with compare.standing_in(subject, "thresholds", [case.args for case in cases], _thresholds):
        compare.leaves_arguments(subject, "disputed", cases[:2])


def _right_for_right_thresholds(
    subject: StudentWork, cases: list[Case], disputed: Callable[..., Array]
) -> bool:
    """Tell whether `disputed` is right if it gets the right thresholds where it calls for them."""
    with compare.standing_in(subject, "thresholds", [case.args for case in cases], _thresholds):
        try:
            compare.function(subject, "disputed", cases, disputed)
        except (IncorrectAnswer, StudentError):
            return False
    return True


def _right_for_own_thresholds(
    subject: StudentWork, probabilities: Array, labels: Array, *, some: bool = True
) -> bool:
    """Tell whether `disputed` is right for the thresholds of the student's own function.

    With `some`, it must be True for some pictures and False for others, or nothing is tested.
    """
    try:
        own = np.asarray(subject.call("thresholds", probabilities, labels), float)
        got = subject.call("disputed", probabilities, labels)
    except (StudentWorkError, TypeError, ValueError):
        return False
    if own.shape != probabilities.shape[1:] or not np.all((own > 0) & (own < 1)):
        return False
    want = _disputed(probabilities, labels, own)
    return bool((0 < want.sum() < len(want) or not some) and compare.close(got, want))


def _exactly(subject: StudentWork, rng: np.random.Generator) -> None:
    # Quarters and eighths have no rounding: thresholds 0.75 and 0.5, which are met exactly.
    table = np.array([[7, 1], [5, 3], [3, 5], [3, 5], [6, 2]]) / 8
    labels = np.array([0, 0, 1, 1, 1])
    three = np.array([[6, 1, 1], [2, 4, 2], [2, 4, 2], [1, 1, 6], [4, 2, 2]]) / 8
    order, columns = rng.permutation(5), rng.permutation(3)
    turned = np.argsort(columns)
    cases = [
        Case((table[order], labels[order]), "a probability that is exactly its threshold"),
        Case(
            (three[order][:, columns], turned[np.array([0, 0, 1, 2, 2])[order]]),
            "probabilities that are exactly their threshold",
        ),
    ]
    # What another part has told costs nothing more: another mistake, or wrong thresholds.
    first = _disputed_cases(rng)
    right = compare.as_told_before(subject, "disputed", first, _disputed, _DISPUTED_MISTAKES)
    try:
        compare.function(subject, "disputed", cases, right, [_STRICT])
    except (IncorrectAnswer, StudentError):
        if _right_for_right_thresholds(subject, cases, right):
            return
        own = [_right_for_own_thresholds(subject, *case.args, some=False) for case in cases]
        if not all(own):
            raise
        limits = [subject.call("thresholds", *case.args) for case in cases]
        wants = [_thresholds(*case.args) for case in cases]
        if all(map(compare.close, limits, wants)):
            raise


# --- 06.5: what looking finds, what cleaning gains ------------------------------------------------

_Ids = Sequence[str]


def _hits(suspects: _Ids, mislabeled: _Ids) -> int:
    return len(set(suspects) & set(mislabeled))


def _counting(hits: Callable[[_Ids, _Ids, int], int]) -> Callable[..., tuple[float, float]]:
    """Return precision and recall for a way to count the hits."""
    return lambda s, w, n: (hits(s, w, n) / n, hits(s, w, n) / len(w))


_found = _counting(lambda s, w, n: _hits(s[:n], w))

_LOOKING_MISTAKES = [
    Mistake("precision and recall exchanged", lambda s, w, n: _found(s, w, n)[::-1]),
    Mistake(
        "divided by all pictures",
        lambda s, w, n: (_hits(s[:n], w) / len(s), _hits(s[:n], w) / len(w)),
        lambda s, w, n: (_hits(s[:n], w) / n, _hits(s[:n], w) / len(s)),
    ),
    Mistake(
        "all suspects taken",
        lambda s, w, n: _found(s, w, len(s)),
        _counting(lambda s, w, n: _hits(s, w)),
    ),
    Mistake(
        "one too many",
        lambda s, w, n: _found(s, w, n + 1),
        _counting(lambda s, w, n: _hits(s[: n + 1], w)),
    ),
    Mistake("one too few", _counting(lambda s, w, n: _hits(s[: n - 1], w))),
    Mistake("first one left out", _counting(lambda s, w, n: _hits(s[1 : n + 1], w))),
    Mistake("wrong labels cut off", _counting(lambda s, w, n: _hits(s[:n], w[:n]))),
    Mistake(
        "divided by what can be found",
        lambda s, w, n: (_hits(s[:n], w) / n, _hits(s[:n], w) / min(n, len(w))),
    ),
    Mistake("compared place by place", _counting(lambda s, w, n: sum(map(operator.eq, s[:n], w)))),
    Mistake(
        "parts of names found",
        _counting(lambda s, w, n: sum(suspect in " ".join(w) for suspect in s[:n])),
    ),
    Mistake("the last suspects", lambda s, w, n: _found(s[::-1], w, n)),
    Mistake("numbers instead of shares", lambda s, w, n: (_hits(s[:n], w), _hits(s[:n], w))),
    Mistake("percent", _counting(lambda s, w, n: 100 * _hits(s[:n], w))),
    Mistake("right labels counted", _counting(lambda s, w, n: n - _hits(s[:n], w))),
]


def _after_looking(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = []
    for pictures, n, inside, outside in (
        (20, 6, 3, 2),
        (60, 12, 7, 4),
        (40, 5, 2, 9),
        (30, 30, 5, 0),
        (9, 3, 2, 0),
        (150, 80, 41, 20),
    ):
        ids = [f"flower{200 + k}" for k in rng.permutation(600)[:pictures]]
        # The first and the last that are looked at are wrong, so that it shows where looking ends.
        # The second one is right, and its id is a part of that of a wrong one.
        ids[:2] = ["flower1234", "flower12"]
        places = [0, n - 1, *(2 + rng.permutation(n - 3)[: inside - 2])]
        if outside:  # and so is the one behind them
            places += [n, *(n + 1 + rng.permutation(pictures - n - 1)[: outside - 1])]
        mislabeled = [ids[k] for k in rng.permutation(places)]
        mislabeled.remove(ids[0])
        mislabeled.append(ids[0])  # found, but not among the first n of `wrong` where it is long
        cases.append(Case((ids, mislabeled, n), f"the first {n} of {pictures} suspects"))
    cases.append(Case((ids[::-1], ids[:2], 1), "one suspect whose label is right"))
    compare.function(subject, "after_looking", cases, _found, _LOOKING_MISTAKES)
    compare.leaves_arguments(subject, "after_looking", cases[:2])


def _standard_error(gains: Array) -> float:
    return float(gains.std(ddof=1) / np.sqrt(len(gains)))


def _of_gains(
    mean: Callable[[Array], Any] = np.mean, error: Callable[[Array], Any] = _standard_error
) -> Callable[[Array, Array], tuple[Any, Any]]:
    """Return a function that computes a mean and an error of the gains in percentage points."""
    return lambda b, a: (mean(100 * (a - b)), error(100 * (a - b)))


_gain = _of_gains()


def _rounded(places: int, which: tuple[int, ...]) -> Callable[[Array, Array], tuple[Any, ...]]:
    return lambda b, a: tuple(
        round(one, places) if k in which else one for k, one in enumerate(_gain(b, a))
    )


_GAIN_MISTAKES = [
    Mistake(
        "pairs torn apart",
        lambda b, a: (_gain(b, a)[0], _gain(np.sort(b), np.sort(a))[1]),
    ),
    Mistake("error not in points", _of_gains(error=lambda d: _standard_error(d) / 100)),
    Mistake("median instead of mean", _of_gains(mean=np.median)),
    Mistake(
        "divided by the root of n - 1",
        _of_gains(error=lambda d: d.std(ddof=1) / np.sqrt(len(d) - 1)),
    ),
    Mistake(
        "two pairs assumed",
        _of_gains(error=lambda d: d.std(ddof=1) / np.sqrt(2)),
        _of_gains(error=lambda d: np.ptp(d) / 2),
    ),
    Mistake(
        "rounded: numbers",
        *(_rounded(places, which) for places in (0, 1, 2) for which in ((0,), (1,), (0, 1))),
    ),
    Mistake(
        "unpaired",
        lambda b, a: (
            _gain(b, a)[0],
            100 * np.sqrt((b.var(ddof=1) + a.var(ddof=1)) / len(b)),
        ),
        lambda b, a: (_gain(b, a)[0], _standard_error(100 * a)),
    ),
    Mistake("not divided by the root of n", _of_gains(error=lambda d: d.std(ddof=1))),
    Mistake("divided by n", _of_gains(error=lambda d: d.std(ddof=1) / len(d))),
    Mistake("ddof forgotten", _of_gains(error=lambda d: d.std() / np.sqrt(len(d)))),
    Mistake("ddof forgotten: not divided", _of_gains(error=np.std)),
    Mistake(
        "variance instead of deviation",
        _of_gains(error=lambda d: d.var(ddof=1) / np.sqrt(len(d))),
    ),
    Mistake("shares instead of points", lambda b, a: _gain(b / 100, a / 100)),
    Mistake("before and after exchanged", lambda b, a: _gain(a, b)),
    Mistake(
        "relative gain",
        lambda b, a: _gain(b / b.mean(), a / b.mean()),
        lambda b, a: _gain(b / b, a / b),
    ),
    Mistake(
        "signs dropped",
        _of_gains(lambda d: np.abs(d).mean(), lambda d: _standard_error(np.abs(d))),
    ),
    Mistake("sign of the mean dropped", _of_gains(mean=lambda d: abs(d.mean()))),
    Mistake("sum instead of mean", _of_gains(mean=np.sum)),
    Mistake("the best run", lambda b, a: (100 * (a.max() - b.max()), _gain(b, a)[1])),
]


def _paired_gain(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = []
    for runs in (3, 5, 8, 20):
        level = rng.normal(0.75, 0.03, runs)  # what the seeds have in common
        before = np.round(level + rng.normal(0, 0.008, runs), 4)
        after = np.round(level + rng.normal(0.005, 0.008, runs), 4)
        after[0], after[-1] = before[0] - 0.006, before[-1] + 0.021  # gains of both signs
        cases.append(Case((before, after), f"{runs} pairs of runs"))
    worse = np.round(before - 0.01 + rng.normal(0, 0.004, runs), 4)
    cases.append(Case((before, worse), "20 pairs of runs, most of them worse with the cleaning"))
    compare.function(subject, "paired_gain", cases, _gain, _GAIN_MISTAKES)
    compare.leaves_arguments(subject, "paired_gain", cases)


def _claims(subject: StudentWork, rng: np.random.Generator) -> None:
    mistakes = {
        "a": "gain within its spread",
        "d": "trained networks trusted",
        "f": "errors of the test split looked at",
    }
    compare.choice(subject, "true_claims", "bce", "abcdef", mistakes)


EXERCISE = Exercise.of(
    "06_error_analysis",
    Question.of("06.1", _pair, _worst),
    Question.of("06.2", _frequent_first, _ties),
    Question.of("06.3", _stratified, _by_seed, _unseen, _any_fit),
    Question.of("06.4", _limits, _disputes, _exactly),
    Question.of("06.5", _after_looking, _paired_gain, _claims),
    Question.of("06.6"),
)
