"""What exercise 06 asks, and how its answers are judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.checks import chance, compare
from course_utils.checks._question import (
    Exercise,
    IncorrectAnswer,
    NotAttempted,
    Question,
    wrong,
)
from course_utils.checks.compare import Case, Mistake
from course_utils.student_work import Missing, Ref, StudentError, StudentWork, StudentWorkError

Array = np.ndarray

# --- 06.1: by hand ------------------------------------------------------------

_NAMES = ("daisy", "roses", "tulips")

_LOSS = -np.log(0.04)  # picture 7


def _pair(subject: StudentWork, rng: np.random.Generator) -> None:
    got = compare.texts(compare.attempted(subject, "confused")) or []
    if subject.kind("confused") == "set":
        raise wrong("a set")
    names = tuple(" ".join(one.lower().split()) for one in got)
    names = tuple({"rose": "roses", "tulip": "tulips"}.get(one, one) for one in names)
    if len(names) != 2 or not set(names) <= set(_NAMES):
        raise wrong("other: confused should be")
    if names[0] == names[1]:
        raise wrong("right answers counted")
    if names == ("roses", "tulips"):
        raise wrong("true and predicted exchanged")
    if names != ("tulips", "roses"):
        raise wrong("other: that confusion happens")
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
    advice = "Look at the wrong pictures only, and at the probability of the true class."
    compare.number(subject, "worst", 7, mistakes, whole=True, advice=advice)
    mistakes = [
        Mistake("logarithm to base 10", -np.log10(0.04)),
        Mistake("logarithm to base 2", -np.log2(0.04)),
        Mistake("sign forgotten", -_LOSS),
        Mistake("probability of the predicted class", -np.log(0.52)),
        Mistake("logarithm forgotten: take the logarithm", 0.04),
        Mistake("logarithm forgotten: it is not", 0.96),
        Mistake("loss of another picture", -np.log(0.06)),
    ]
    others = -np.log(0.56) - np.log(0.48)
    counted = (float(-np.log(0.04 * 0.44 * 0.52)), float(_LOSS + others))
    mistakes.append(Mistake("other classes counted", *counted))
    mistakes.append(Mistake("mean instead of one", float(_LOSS / 12)))
    got = compare.one_number(compare.attempted(subject, "worst_loss"))
    if got is not None and compare.has_few_decimals(got, float(_LOSS)):
        raise wrong("rounded")
    advice = "−log of the probability that the worst prediction gave to its true class."
    compare.number(
        subject, "worst_loss", float(_LOSS), mistakes, rtol=0.0, atol=1e-3, advice=advice
    )


# --- 06.2: confused pairs ------------------------------------------------------------

_Row = tuple[Any, ...]


def _counts(labels: Array, predicted: Array, classes: int) -> Array:
    matrix = np.zeros((classes, classes), int)
    np.add.at(matrix, (labels, predicted), 1)
    return matrix


def _listed(
    labels: Array,
    predicted: Array,
    names: Sequence[str],
    *,
    key: Callable[[int, int, int], Any] = lambda t, p, count: -count,
    keep: Callable[[int, int, int], bool] = lambda t, p, count: t != p and count > 0,
    row: Callable[[int, int, Any], _Row] | None = None,
    matrix: Array | None = None,
) -> list[_Row]:
    """The pairs as a list; the arguments bend it into a mistake."""
    table = _counts(labels, predicted, len(names)) if matrix is None else matrix
    places = [(t, p, int(table[t, p])) for t in range(len(names)) for p in range(len(names))]
    chosen = sorted((one for one in places if keep(*one)), key=lambda one: key(*one))
    if row is not None:
        return [row(*one) for one in chosen]
    return [(names[t], names[p], count) for t, p, count in chosen]


def _by_share(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """The counts, but the largest share of the true class first."""
    sizes = np.maximum(np.bincount(labels, minlength=len(names)), 1)
    return _listed(labels, predicted, names, key=lambda t, p, c: -c / sizes[t])


def _both_ways(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    matrix = _counts(labels, predicted, len(names))
    return _listed(labels, predicted, names, matrix=np.triu(matrix + matrix.T, 1))


def _without_absent(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    """The classes numbered anew, without those that do not occur."""
    known = np.unique(np.concatenate([labels, predicted]))
    return _listed(np.searchsorted(known, labels), np.searchsorted(known, predicted), names)


def _by_first(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
    first: dict[tuple[int, int], int] = {}
    for k, pair in enumerate(zip(labels.tolist(), predicted.tolist(), strict=True)):
        first.setdefault(pair, k)
    return _listed(labels, predicted, names, key=lambda t, p, c: (-c, first.get((t, p), -1)))


def _shares(by_share: bool) -> Callable[..., list[_Row]]:
    """Shares of the true class instead of counts, the largest share or the largest count first."""

    def answer(labels: Array, predicted: Array, names: Sequence[str]) -> list[_Row]:
        sizes = np.maximum(np.bincount(labels, minlength=len(names)), 1)
        return _listed(
            labels,
            predicted,
            names,
            key=lambda t, p, c: -c / (sizes[t] if by_share else 1),
            row=lambda t, p, c: (names[t], names[p], c / sizes[t]),
        )

    return answer


_PAIRS_MISTAKES = [
    Mistake(
        "true and predicted exchanged",
        lambda y, p, n: _listed(y, p, n, row=lambda t, q, c: (n[q], n[t], c)),
        lambda y, p, n: _listed(p, y, n),
    ),
    Mistake(
        "right answers counted: pictures that were",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: c > 0),
    ),
    Mistake("zero counts kept", lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t != q)),
    Mistake(
        "right answers counted: leave out the",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: True),
    ),
    Mistake(
        "least frequent first",
        lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: c),
        lambda y, p, n: _listed(y, p, n)[::-1],
    ),
    Mistake("not sorted", lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: 0)),
    Mistake(
        "numbers instead of names", lambda y, p, n: _listed(y, p, n, row=lambda t, q, c: (t, q, c))
    ),
    Mistake("shares instead of counts", _shares(True), _shares(False)),
    Mistake("absent class left out", _without_absent),
    Mistake("both directions added", _both_ways),
    Mistake("sorted by share", _by_share),
    Mistake(
        "single errors left out",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t != q and c > 1),
    ),
    Mistake(
        "one direction only", lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t < q and c > 0)
    ),
    Mistake(
        "a class forgotten",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t != q and c > 0 and q < len(n) - 1),
    ),
    Mistake(
        "three classes assumed",
        lambda y, p, n: _listed(y, p, n, keep=lambda t, q, c: t != q and c > 0 and max(t, q) < 3),
    ),
    Mistake("list cut off", lambda y, p, n: _listed(y, p, n)[:10]),
    Mistake("one pair only", lambda y, p, n: _listed(y, p, n)[:1]),
    Mistake(
        "ties in another order: you sort ties",
        lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: (-c, n[t], n[q])),
    ),
    Mistake("ties in another order: ties stand in", _by_first),
    Mistake(
        "ties in another order: with ties the",
        lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: (-c, -t, -q)),
    ),
    Mistake(
        "ties in another order: with ties the number",
        lambda y, p, n: _listed(y, p, n, key=lambda t, q, c: (-c, q, t)),
    ),
]


def _rows(got: Any) -> list[_Row]:
    """A list of pairs, whether its rows are tuples, lists or a table."""
    if got is None:
        raise wrong("nothing returned", name="confused_pairs")
    if isinstance(got, np.ndarray):
        got = got.tolist()
    if not isinstance(got, list | tuple):
        raise wrong(
            "other: confused_pairs should return",
            value="something else" if isinstance(got, Ref) else compare.describe(got),
        )
    rows = []
    for one in got:
        one = one.tolist() if isinstance(one, np.ndarray) else one
        if not isinstance(one, list | tuple) or len(one) != 3:
            raise wrong("other: each entry of")
        if [isinstance(part, str) for part in one] == [False, True, True]:
            raise wrong("number first")
        count = one[2]
        if isinstance(count, str) and count.removesuffix(".0").isdigit():  # a table of texts
            count = float(count)
        rows.append((one[0], one[1], count))
    return rows


def _same_rows(got: Sequence[_Row], want: Sequence[_Row]) -> bool:
    return len(got) == len(want) and all(
        type(g) is not bool and compare.close(g, w)
        for one, other in zip(got, want, strict=True)
        for g, w in zip(one, other, strict=True)
    )


def _check_pairs(subject: StudentWork, cases: Sequence[Case], told: Mistake | None = None) -> None:
    """Check the pairs; `told` is a mistake that has cost another part."""
    if subject.kind("confused_pairs") in ("missing", "none"):
        raise NotAttempted(str(Missing("confused_pairs")))
    gots = [_rows(subject.call("confused_pairs", *case.args)) for case in cases]
    right = told.answer if told else _listed
    wants = [right(*case.args) for case in cases]
    failed = [k for k in range(len(cases)) if not _same_rows(gots[k], wants[k])]
    if not failed:
        return
    mistake = _pairs_mistake(cases, gots)
    if mistake is not None:
        raise mistake.told()
    if not _same_rows(_rows(subject.call("confused_pairs", *cases[0].args)), gots[0]):
        raise wrong("not repeatable")
    k = failed[0]
    if len(gots[k]) != len(wants[k]):
        raise wrong(
            "other: confused_pairs should find",
            value=len(wants[k]),
            label=cases[k].label,
            value2=len(gots[k]),
        )
    if sorted(map(str, gots[k])) == sorted(map(str, wants[k])):
        raise wrong("another order", label=cases[k].label)
    raise wrong("other: confused_pairs is wrong", label=cases[k].label)


def _pairs_mistake(cases: Sequence[Case], gots: Sequence[Sequence[_Row]]) -> Mistake | None:
    """The mistake that gives all their lists, if they are not right."""
    for mistake in _PAIRS_MISTAKES:
        if all(
            _same_rows(got, mistake.answer(*case.args))
            for case, got in zip(cases, gots, strict=True)
        ):
            return mistake
    return None


_FLOWERS = ("tulips", "roses", "daisy", "asters", "lilies", "poppies", "irises")


def _confusions(rng: np.random.Generator, classes: int, counts: Sequence[int], label: str) -> Case:
    """Pictures of which so many belong to each of some confused pairs, chosen at random."""
    pairs = [(t, p) for t in range(classes) for p in range(classes) if t != p]
    chosen = rng.permutation(len(pairs))[: len(counts)]
    rows = [pairs[k] for k, n in zip(chosen, counts, strict=True) for _ in range(n)]
    rows += [(t, t) for t in range(classes) for _ in range(int(rng.integers(2, 7)))]
    table = rng.permutation(np.array(rows))
    names = [str(one) for one in rng.permutation(_FLOWERS[:classes])]
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
            _confusions(rng, 7, tuple(range(22, 0, -1)), "seven classes"),
        ]
        if _by_share(*cases[-1].args) != _listed(*cases[-1].args):
            return cases


def _frequent_first(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _frequent_cases(rng)
    _check_pairs(subject, cases)
    compare.leaves_arguments(subject, "confused_pairs", cases)


def _ties(subject: StudentWork, rng: np.random.Generator) -> None:
    told = None
    first = _frequent_cases(rng)
    try:  # a mistake that has cost the first part costs nothing more
        gots = [_rows(subject.call("confused_pairs", *case.args)) for case in first]
        if not all(_same_rows(got, _listed(*case.args)) for case, got in zip(first, gots)):  # noqa: B905
            told = _pairs_mistake(first, gots)
    except (IncorrectAnswer, StudentWorkError):
        pass
    right = rng.integers(0, 3, 12)
    equal = "pairs that are equally frequent"
    cases = [
        _confusions(rng, 4, (3, 3, 3, 2, 2, 2, 1, 1), equal),
        _confusions(rng, 5, (4, 4, 4, 4, 1, 1, 1, 1), equal),
        _confusions(rng, 7, (2,) * 20 + (1,) * 20, equal),
        Case((right, right.copy(), ["roses", "daisy", "tulips"]), "a network without errors"),
    ]
    _check_pairs(subject, cases, told)


# --- 06.3: out of fold ------------------------------------------------------------


def _fold_numbers(
    subject: StudentWork, labels: Array, folds: int, seed: int, numbered: bool = True
) -> Array:
    """What `make_folds` returns, where it can be fold numbers at all.

    Without `numbered`, the folds may have other numbers than those asked for.
    """
    got = subject.call("make_folds", labels, folds, seed)
    if got is None:
        raise wrong("nothing returned", name="make_folds")
    try:
        array = np.asarray(got)
    except ValueError:
        array = np.zeros((0, 0))
    if array.ndim != 1 or array.dtype.kind not in "iuf":
        raise wrong("places instead of fold numbers")
    if len(array) != len(labels):
        raise wrong("other: make_folds should return", value=len(labels), value2=len(array))
    found = sorted(set(array.tolist()))
    if not numbered:
        return array.astype(int)
    if found == list(range(1, folds + 1)):
        raise wrong("folds counted from 1")
    if not set(found) <= set(range(folds)):
        raise wrong(
            "wrong number of folds: with folds the",
            folds=folds,
            value=folds - 1,
            value2=found[0],
            value22=found[-1],
        )
    return array.astype(int)


def _label_lists(rng: np.random.Generator) -> list[tuple[Array, int]]:
    """Labels and numbers of folds: mixed, sorted by class, and with unequal classes."""
    unequal = np.repeat(np.arange(4), rng.permutation([31, 12, 20, 7]))
    return [
        (rng.permutation(np.repeat(np.arange(3), 20)), 5),
        (np.repeat(np.arange(3), (14, 17, 12)), 4),
        (rng.permutation(unequal), 3),
        (unequal, 2),
    ]


def _stratified(subject: StudentWork, rng: np.random.Generator) -> None:
    if subject.kind("make_folds") in ("missing", "none"):
        raise NotAttempted(str(Missing("make_folds")))
    uneven, in_order_of_class, blind, only_with_four = False, True, True, True
    for labels, folds in _label_lists(rng):
        seed = int(rng.integers(1000))
        found = _fold_numbers(subject, labels, folds, seed)
        if len(set(found.tolist())) < folds:
            raise wrong("wrong number of folds: some folds hold")
        if _unevenness(labels, found) > 1:
            uneven = True
            only_with_four &= labels.max() > 2
            halves = np.arange(len(labels)) % 2
            blind &= np.array_equal(found, _fold_numbers(subject, halves, folds, seed))
        in_order_of_class &= _unevenness(np.sort(labels), found) <= 1
        if subject.changed():
            raise wrong("arguments changed")
    if uneven and only_with_four:
        raise wrong("three classes assumed")
    if uneven and blind:
        raise wrong("not stratified: you deal out")
    if uneven and in_order_of_class:
        raise wrong("order of the pictures lost: the numbers stand")
    if uneven:
        raise wrong("not stratified: some folds hold")


def _unevenness(labels: Array, folds: Array) -> int:
    """The largest difference between two folds, over all classes."""
    table = np.zeros((labels.max() + 1, folds.max() + 1), int)
    np.add.at(table, (labels, folds), 1)
    return int((table.max(axis=1) - table.min(axis=1)).max())


def _together(folds: Array) -> list[int]:
    """The folds, numbered anew in the order in which they come first."""
    known: dict[int, int] = {}
    return [known.setdefault(int(one), len(known)) for one in folds]


#: So many seeds are tried, so that what is always or never the same is no chance.
_SEEDS = 100


def _by_seed(subject: StudentWork, rng: np.random.Generator) -> None:
    if subject.kind("make_folds") in ("missing", "none"):
        raise NotAttempted(str(Missing("make_folds")))
    labels, folds = rng.permutation(np.repeat(np.arange(3), (24, 20, 28))), 4
    one = int(rng.integers(10**6))
    seeds = [one + step for step in (0, 1, 10, 100, 256, 1000, 65536, 10**6)]
    seeds += [int(seed) for seed in rng.integers(0, 2**31, _SEEDS - len(seeds))]
    once = _fold_numbers(subject, labels, folds, one, numbered=False)
    found = [_fold_numbers(subject, labels, folds, seed, numbered=False) for seed in seeds]
    if not np.array_equal(once, found[0]):
        raise wrong("not repeatable")
    alike = len({tuple(_together(one)) for one in found})
    if alike == 1:
        raise wrong("seed ignored")
    times = np.sum([one[:, None] == one[None, :] for one in found], axis=0)
    if alike < len(set(seeds)) or _hardly_random(labels, folds, times):
        raise wrong("seed hardly matters")


def _hardly_random(labels: Array, folds: int, times: Array) -> bool:
    """Whether two pictures of a class are together for more seeds than by chance, or for none.

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


Fit = Callable[[Array, Array], Callable[[Array], Array]]
_CLASSES = 3


def _by_neighbours(images: Array, labels: Array) -> Callable[[Array], Array]:
    known = images.reshape(len(images), -1)

    def predict(new: Array) -> Array:
        distance = ((new.reshape(len(new), -1)[:, None] - known[None]) ** 2).sum(axis=2)
        nearest = labels[np.argsort(distance, axis=1, kind="stable")[:, :3]]
        return np.stack([(nearest == k).mean(axis=1) for k in range(_CLASSES)], axis=1)

    return predict


def _by_shares(images: Array, labels: Array) -> Callable[[Array], Array]:
    shares = np.bincount(labels, minlength=_CLASSES) / len(labels)
    return lambda new: np.tile(shares, (len(new), 1))


#: The two ways to learn that the notebook gives, by name.
_FITS: dict[str, Fit] = {"by_neighbours": _by_neighbours, "by_shares": _by_shares}


def _out_of_fold(
    fit: Ref | Fit,
    images: Array,
    labels: Array,
    fold: Array,
    *,
    seen: Callable[[int], Array] | None = None,
    numbers: Callable[[int], range] = range,
) -> Array:
    """Out-of-fold predictions; `seen` says which pictures the network of a fold learns from."""
    learn = _FITS[fit.key] if isinstance(fit, Ref) else fit
    result = np.zeros((len(labels), _CLASSES))
    for k in numbers(int(fold.max()) + 1):
        learns = fold != k if seen is None else seen(k)
        result[fold == k] = learn(images[learns], labels[learns])(images[fold == k])
    return result


def _of_the_others(fit: Ref, images: Array, labels: Array, fold: Array) -> Array:
    """Each network learns from one fold and judges the others; the last one is kept."""
    result = np.zeros((len(labels), _CLASSES))
    for k in range(int(fold.max()) + 1):
        held = fold == k
        result[~held] = _FITS[fit.key](images[held], labels[held])(images[~held])
    return result


def _with_first_labels(fit: Ref, images: Array, labels: Array, fold: Array) -> Array:
    result = np.zeros((len(labels), _CLASSES))
    for k in range(int(fold.max()) + 1):
        rest = fold != k
        learned = _FITS[fit.key](images[rest], labels[: int(rest.sum())])
        result[~rest] = learned(images[~rest])
    return result


def _of_all_networks(fit: Ref, images: Array, labels: Array, fold: Array) -> Array:
    """One table of all pictures for each network."""
    return np.array(
        [
            _FITS[fit.key](images[fold != k], labels[fold != k])(images)
            for k in range(int(fold.max()) + 1)
        ]
    )


def _bent(**how: Any) -> Callable[..., Array]:
    return lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold, **how)


_FOLD_MISTAKES = [
    Mistake("held-out pictures learned", lambda fit, x, y, fold: _FITS[fit.key](x, y)(x)),
    Mistake(
        "train and held-out exchanged: you train on",
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold, seen=lambda k: fold == k),
    ),
    Mistake(
        "order of the pictures lost: the rows stand",
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold)[np.argsort(fold, kind="stable")],
    ),
    Mistake(
        "a fold forgotten",
        _bent(numbers=lambda n: range(n - 1)),
        _bent(numbers=lambda n: range(1, n)),
    ),
    Mistake(
        "one network for all: one network judges",
        lambda fit, x, y, fold: _of_all_networks(fit, x, y, fold)[0],
    ),
    Mistake(
        "one network for all: the last network",
        lambda fit, x, y, fold: _of_all_networks(fit, x, y, fold)[-1],
    ),
    Mistake(
        "mean of all networks: you average all",
        lambda fit, x, y, fold: _of_all_networks(fit, x, y, fold).mean(axis=0),
    ),
    Mistake(
        "mean of all networks: you add up",
        lambda fit, x, y, fold: _of_all_networks(fit, x, y, fold).sum(axis=0),
    ),
    Mistake(
        "only the fold before",
        lambda fit, x, y, fold: _out_of_fold(
            fit, x, y, fold, seen=lambda k: fold == (k - 1) % (fold.max() + 1)
        ),
    ),
    Mistake(
        "only the fold after",
        lambda fit, x, y, fold: _out_of_fold(
            fit, x, y, fold, seen=lambda k: fold == (k + 1) % (fold.max() + 1)
        ),
    ),
    Mistake(
        "train and held-out exchanged: you train on one",
        lambda fit, x, y, fold: _of_the_others(fit, x, y, fold),
    ),
    Mistake(
        "only the folds before",
        lambda fit, x, y, fold: _out_of_fold(
            fit, x, y, fold, seen=lambda k: fold < k if k else fold != k
        ),
    ),
    Mistake(
        "a second fold left out",
        lambda fit, x, y, fold: _out_of_fold(
            fit,
            x,
            y,
            fold,
            seen=lambda k: (fold != k) & ((fold != (k + 1) % (fold.max() + 1)) | (fold.max() < 2)),
        ),
    ),
    Mistake(
        "each picture by itself", lambda fit, x, y, fold: _out_of_fold(fit, x, y, np.arange(len(y)))
    ),
    Mistake(
        "order of the pictures lost: the rows are",
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold)[
            np.argsort(fold, kind="stable")[np.argsort(fold, kind="stable")]
        ],
    ),
    Mistake(
        "classes instead of probabilities: return the probabilities",
        lambda fit, x, y, fold: np.eye(_CLASSES)[_out_of_fold(fit, x, y, fold).argmax(axis=1)],
    ),
    Mistake(
        "labels of other pictures", lambda fit, x, y, fold: _with_first_labels(fit, x, y, fold)
    ),
    Mistake(
        "classes instead of probabilities: return the rows",
        lambda fit, x, y, fold: _out_of_fold(fit, x, y, fold).argmax(axis=1),
    ),
    Mistake("fit ignored", lambda fit, x, y, fold: _out_of_fold(_by_neighbours, x, y, fold)),
]


def _pictures(
    rng: np.random.Generator, fit: str, sizes: Sequence[int], label: str, sort: bool = False
) -> Case:
    """Pictures without a pattern, so many of them in each fold."""
    fold = np.repeat(np.arange(len(sizes)), sizes)
    fold = fold if sort else rng.permutation(fold)
    labels = rng.choice(_CLASSES, len(fold), p=(0.5, 0.3, 0.2))
    images = rng.uniform(0, 255, (len(fold), 2, 2, 3))
    return Case((Ref(fit), images, labels, fold), label)


def _unseen_cases(rng: np.random.Generator) -> list[Case]:
    return [
        _pictures(rng, "by_neighbours", (12, 12, 12), "pictures in three folds", sort=True),
        _pictures(rng, "by_neighbours", (9, 8, 9, 8, 8), "pictures in five folds"),
    ]


def _unseen(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _unseen_cases(rng)
    compare.function(subject, "out_of_fold", cases, _out_of_fold, _FOLD_MISTAKES)
    compare.leaves_arguments(subject, "out_of_fold", cases[:1])


def _any_fit(subject: StudentWork, rng: np.random.Generator) -> None:
    # A mistake that has cost the part before costs nothing more.
    told = compare.made(subject, "out_of_fold", _unseen_cases(rng), _out_of_fold, _FOLD_MISTAKES)
    right = told.answer if told else _out_of_fold
    cases = [
        _pictures(rng, "by_neighbours", (14, 20), "pictures in two folds"),
        _pictures(rng, "by_shares", (5, 11, 8, 7), "another way to learn, and unequal folds"),
        _pictures(rng, "by_shares", (6, 9, 7, 5, 8, 6, 7), "another way to learn, and seven folds"),
        _pictures(rng, "by_neighbours", (5,) * 12, "pictures in twelve folds"),
    ]
    compare.function(subject, "out_of_fold", cases, right, _FOLD_MISTAKES)


# --- 06.4: disputed labels ------------------------------------------------------------


def _thresholds(probabilities: Array, labels: Array) -> Array:
    classes = range(probabilities.shape[1])
    return np.array([probabilities[labels == k, k].mean() for k in classes])


def _own(probabilities: Array, labels: Array) -> Array:
    return np.asarray(probabilities[np.arange(len(labels)), labels])


def _mean(values: Array) -> float:
    """The mean; 0 of nothing, without a warning."""
    return float(values.sum() / max(len(values), 1))


def _per_class(how: Callable[[Array, Array, int], Any]) -> Callable[[Array, Array], Array]:
    return lambda p, y: np.array([how(p, y, k) for k in range(p.shape[1])])


_THRESHOLD_MISTAKES = [
    Mistake(
        "right answers only",
        _per_class(lambda p, y, k: _mean(p[(y == k) & (p.argmax(axis=1) == k), k])),
    ),
    Mistake("over all pictures: you average over", lambda p, y: p.mean(axis=0)),
    Mistake(
        "one threshold for all: each class needs",
        lambda p, y: np.full(p.shape[1], _own(p, y).mean()),
        lambda p, y: float(_own(p, y).mean()),
    ),
    Mistake(
        "predicted instead of labelled",
        _per_class(lambda p, y, k: _mean(p[p.argmax(axis=1) == k, k])),
    ),
    Mistake(
        "confidence instead of the class", _per_class(lambda p, y, k: p[y == k].max(axis=1).mean())
    ),
    Mistake("whole rows averaged: you average whole", _per_class(lambda p, y, k: p[y == k].mean())),
    Mistake(
        "whole rows averaged: one number for", _per_class(lambda p, y, k: p[y == k].mean(axis=0))
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


def _reached(probabilities: Array, thresholds: Array, labels: Array | None = None) -> Array:
    """Whether a class reaches its threshold; with labels, one that is not the label."""
    reached = probabilities >= thresholds - 1e-9
    if labels is not None:
        reached[np.arange(len(labels)), labels] = False
    return np.asarray(reached.any(axis=1))


def _disputed(probabilities: Array, labels: Array, thresholds: Array | None = None) -> Array:
    limits = _thresholds(probabilities, labels) if thresholds is None else thresholds
    return np.asarray(
        _reached(probabilities, limits, labels) & (probabilities.argmax(axis=1) != labels)
    )


def _most_probable_reaches(p: Array, y: Array) -> Array:
    top = p.argmax(axis=1)
    return np.asarray((top != y) & (p.max(axis=1) >= _thresholds(p, y)[top] - 1e-9))


def _one_other(p: Array, y: Array) -> Array:
    """The class 1 - label, as lesson 06 has it for its two classes."""
    reached = p[np.arange(len(y)), 1 - y] >= _thresholds(p, y)[1 - y] - 1e-9
    return np.asarray(reached & (p.argmax(axis=1) != y))


def _strictly(p: Array, y: Array) -> Array:
    above = p > _thresholds(p, y) + 1e-9
    above[np.arange(len(y)), y] = False
    return np.asarray(above.any(axis=1) & (p.argmax(axis=1) != y))


def _above_the_label(p: Array, y: Array) -> Array:
    """Another class reaches its threshold, and is more probable than the label."""
    reached = (p >= _thresholds(p, y) - 1e-9) & (p > _own(p, y)[:, None])
    return np.asarray(reached.any(axis=1))


def _first_two(p: Array, y: Array) -> Array:
    """Only the two most probable classes are asked."""
    reached = p >= _thresholds(p, y) - 1e-9
    reached[np.arange(len(y)), y] = False
    second = np.sort(p, axis=1)[:, -2]
    return np.asarray((reached & (p >= second[:, None])).any(axis=1) & (p.argmax(axis=1) != y))


def _all_others(p: Array, y: Array) -> Array:
    reached = p >= _thresholds(p, y) - 1e-9
    reached[np.arange(len(y)), y] = True
    return np.asarray(reached.all(axis=1) & (p.argmax(axis=1) != y))


_DISPUTED_MISTAKES = [
    Mistake(
        "one condition is enough",
        lambda p, y: _reached(p, _thresholds(p, y), y) | (p.argmax(axis=1) != y),
    ),
    Mistake("two classes assumed", _one_other),
    Mistake("thresholds ignored", lambda p, y: p.argmax(axis=1) != y),
    Mistake("most probable class not asked", lambda p, y: _reached(p, _thresholds(p, y), y)),
    Mistake("own class counted: the label's own", lambda p, y: _reached(p, _thresholds(p, y))),
    Mistake(
        "own class counted: the label's own class",
        lambda p, y: _reached(p, _thresholds(p, y)) & (p.argmax(axis=1) != y),
    ),
    Mistake("most probable class must reach", _most_probable_reaches),
    Mistake("more probable than the label", _above_the_label),
    Mistake("two classes asked", _first_two),
    Mistake("all others must reach", _all_others),
    Mistake("below one half", lambda p, y: _reached(p, _thresholds(p, y), y) & (_own(p, y) < 0.5)),
    Mistake(
        "own threshold taken",
        lambda p, y: (_own(p, y) < _thresholds(p, y)[y]) & (p.argmax(axis=1) != y),
        lambda p, y: _own(p, y) < _thresholds(p, y)[y],
    ),
    Mistake(
        "threshold of the label taken", lambda p, y: _disputed(p, y, _thresholds(p, y)[y][:, None])
    ),
    Mistake(
        "one threshold for all: you use one",
        lambda p, y: _disputed(p, y, _own(p, y).mean()),
        lambda p, y: _disputed(p, y, _thresholds(p, y).mean()),
    ),
    Mistake("fixed threshold", lambda p, y: _disputed(p, y, np.asarray(0.5))),
    Mistake("over all pictures: the thresholds are", lambda p, y: _disputed(p, y, p.mean(axis=0))),
    Mistake("the opposite", lambda p, y: ~_disputed(p, y)),
    Mistake("places instead of True and False", lambda p, y: np.flatnonzero(_disputed(p, y))),
    Mistake("number instead of True and False", lambda p, y: int(_disputed(p, y).sum())),
    Mistake("more than the threshold", _strictly),
]


def _judged(rng: np.random.Generator, pictures: int, classes: int) -> Case:
    """Out-of-fold predictions in which classes differ in confidence and some labels are wrong."""
    truth = np.concatenate([np.arange(classes), rng.integers(0, classes, pictures - classes)])
    sure = rng.permutation(np.linspace(0.2, 3.0, classes))  # a network is unsure of some classes
    logits = rng.normal(0, 1.2, (pictures, classes))
    logits[np.arange(pictures), truth] += sure[truth]
    powers = np.exp(logits)
    wrong = rng.random(pictures) < 0.15
    wrong[:classes] = False  # so that each class keeps a picture
    labels = np.where(wrong, (truth + rng.integers(1, classes, pictures)) % classes, truth)
    table = powers / powers.sum(axis=1, keepdims=True)
    return Case((table, labels), f"{pictures} pictures of {classes} classes")


def _limits(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = [_judged(rng, 30, 2), _judged(rng, 60, 3), _judged(rng, 200, 5), _judged(rng, 900, 8)]
    compare.function(subject, "thresholds", cases, _thresholds, _THRESHOLD_MISTAKES)
    compare.leaves_arguments(subject, "thresholds", cases[:2])


def _disputed_cases(rng: np.random.Generator) -> list[Case]:
    """Predictions for which each known mistake gives something else."""
    for _ in range(100):
        cases = [_judged(rng, 40, 2), _judged(rng, 300, 3), _judged(rng, 600, 5)]
        cases.append(_judged(rng, 900, 8))
        wants = [_disputed(*case.args) for case in cases]
        if not all(_has_margin(*case.args) for case in cases):
            continue
        if all(_differs(mistake, cases, wants) for mistake in _DISPUTED_MISTAKES[:-1]):
            break
    return cases


def _has_margin(probabilities: Array, labels: Array) -> bool:
    """Whether no other class is so near to its threshold that float32 would decide."""
    distance = np.abs(probabilities - _thresholds(probabilities, labels))
    distance[np.arange(len(labels)), labels] = 1
    return bool(distance.min() > 1e-6)


def _differs(mistake: Mistake, cases: list[Case], wants: list[Array]) -> bool:
    try:
        answers = [mistake.answer(*case.args) for case in cases]
    except IndexError:  # it stops where there are three classes
        return True
    pairs = zip(answers, wants, strict=True)
    return not all(compare.close(answer, want) for answer, want in pairs)


def _disputes(subject: StudentWork, rng: np.random.Generator) -> None:
    cases = _disputed_cases(rng)

    try:
        compare.function(subject, "disputed", cases, _disputed, _DISPUTED_MISTAKES)
    except (IncorrectAnswer, StudentError):
        # Wrong thresholds have cost their own part; what is right with them costs nothing more.
        if not all(_right_for_own_thresholds(subject, *case.args) for case in cases):
            raise
    compare.leaves_arguments(subject, "disputed", cases[:2])


def _right_for_own_thresholds(
    subject: StudentWork, probabilities: Array, labels: Array, *, some: bool = True
) -> bool:
    """Whether `disputed` is right for what the student's own `thresholds` gives.

    With `some`, it must be True for some and False for some, or nothing is seen.
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
    table = np.array([[0.875, 0.125], [0.625, 0.375], [0.375, 0.625], [0.375, 0.625], [0.75, 0.25]])
    labels = np.array([0, 0, 1, 1, 1])
    three = np.array(
        [
            [0.75, 0.125, 0.125],
            [0.25, 0.5, 0.25],
            [0.25, 0.5, 0.25],
            [0.125, 0.125, 0.75],
            [0.5, 0.25, 0.25],
        ]
    )
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
    strict = _DISPUTED_MISTAKES[-1]
    told = compare.made(subject, "disputed", _disputed_cases(rng), _disputed, _DISPUTED_MISTAKES)
    right = told.answer if told and told is not strict else _disputed
    try:
        compare.function(subject, "disputed", cases, right, [strict])
    except (IncorrectAnswer, StudentError):
        own = [_right_for_own_thresholds(subject, *one.args, some=False) for one in cases]
        limits = [subject.call("thresholds", *one.args) for one in cases]
        wants = [_thresholds(*one.args) for one in cases]
        if not all(own) or all(map(compare.close, limits, wants)):
            raise


# --- 06.5: what looking finds, what cleaning gains ------------------------------------------------


def _found(suspects: Sequence[str], wrong: Sequence[str], n: int) -> tuple[float, float]:
    hits = len(set(suspects[:n]) & set(wrong))
    return hits / n, hits / len(wrong)


def _looking(how: Callable[[int, list[str], list[str], int], Any]) -> Callable[..., Any]:
    return lambda s, w, n: how(len(set(s[:n]) & set(w)), s, w, n)


_LOOKING_MISTAKES = [
    Mistake("precision and recall exchanged", lambda s, w, n: _found(s, w, n)[::-1]),
    Mistake(
        "divided by all pictures",
        _looking(lambda hits, s, w, n: (hits / len(s), hits / len(w))),
        _looking(lambda hits, s, w, n: (hits / n, hits / len(s))),
    ),
    Mistake("all suspects taken: you look at", lambda s, w, n: _found(s, w, len(s))),
    Mistake("all suspects taken: you count the", lambda s, w, n: (len(set(s) & set(w)) / n, 1.0)),
    Mistake("one too many: you look at", lambda s, w, n: _found(s, w, n + 1)),
    Mistake(
        "one too few",
        lambda s, w, n: (len(set(s[: n - 1]) & set(w)) / n, len(set(s[: n - 1]) & set(w)) / len(w)),
    ),
    Mistake(
        "first one left out",
        lambda s, w, n: (
            len(set(s[1 : n + 1]) & set(w)) / n,
            len(set(s[1 : n + 1]) & set(w)) / len(w),
        ),
    ),
    Mistake(
        "wrong labels cut off",
        lambda s, w, n: (len(set(s[:n]) & set(w[:n])) / n, len(set(s[:n]) & set(w[:n])) / len(w)),
    ),
    Mistake(
        "divided by what can be found",
        _looking(lambda hits, s, w, n: (hits / n, hits / min(n, len(w)))),
    ),
    Mistake(
        "compared place by place",
        lambda s, w, n: (
            sum(a == b for a, b in zip(s[:n], w)) / n,  # noqa: B905
            sum(a == b for a, b in zip(s[:n], w)) / len(w),  # noqa: B905
        ),
    ),
    Mistake(
        "parts of names found",
        lambda s, w, n: (
            sum(one in " ".join(w) for one in s[:n]) / n,
            sum(one in " ".join(w) for one in s[:n]) / len(w),
        ),
    ),
    Mistake(
        "one too many: you find one",
        _looking(
            lambda hits, s, w, n: (
                len(set(s[: n + 1]) & set(w)) / n,
                len(set(s[: n + 1]) & set(w)) / len(w),
            )
        ),
    ),
    Mistake("the last suspects", lambda s, w, n: _found(s[::-1], w, n)),
    Mistake("numbers instead of shares", _looking(lambda hits, s, w, n: (hits, hits))),
    Mistake("percent", _looking(lambda hits, s, w, n: (100 * hits / n, 100 * hits / len(w)))),
    Mistake(
        "right labels counted",
        _looking(lambda hits, s, w, n: ((n - hits) / n, (n - hits) / len(w))),
    ),
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
        wrong = [ids[k] for k in rng.permutation(places)]
        wrong.remove(ids[0])
        wrong.append(ids[0])  # found, but not among the first n of `wrong` where it is long
        cases.append(Case((ids, wrong, n), f"the first {n} of {pictures} suspects"))
    compare.function(subject, "after_looking", cases, _found, _LOOKING_MISTAKES)
    compare.leaves_arguments(subject, "after_looking", cases[:2])


def _gain(before: Array, after: Array) -> tuple[float, float]:
    gain = 100 * (after - before)
    return float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(len(gain)))


_GAIN_MISTAKES = [
    Mistake("pairs torn apart", lambda b, a: (_gain(b, a)[0], _gain(np.sort(b), np.sort(a))[1])),
    Mistake("error not in points", lambda b, a: (_gain(b, a)[0], _gain(b, a)[1] / 100)),
    Mistake("median instead of mean", lambda b, a: (100 * float(np.median(a - b)), _gain(b, a)[1])),
    Mistake(
        "divided by the root of n - 1",
        lambda b, a: (_gain(b, a)[0], _gain(b, a)[1] * np.sqrt(len(a) / (len(a) - 1))),
    ),
    Mistake(
        "two pairs assumed: that is right",
        lambda b, a: (_gain(b, a)[0], _gain(b, a)[1] * np.sqrt(len(a) / 2)),
    ),
    Mistake(
        "two pairs assumed: half of the",
        lambda b, a: (_gain(b, a)[0], 50 * float((a - b).max() - (a - b).min())),
    ),
    *(
        Mistake(
            "rounded",
            lambda b, a, places=places, of=of: tuple(
                round(one, places) if k in of else one for k, one in enumerate(_gain(b, a))
            ),
        )
        for places in (0, 1, 2)
        for of in ((0,), (1,), (0, 1))
    ),
    Mistake(
        "unpaired: you compare as",
        lambda b, a: (
            _gain(b, a)[0],
            100 * float(np.sqrt((b.var(ddof=1) + a.var(ddof=1)) / len(b))),
        ),
    ),
    Mistake(
        "unpaired: you take the",
        lambda b, a: (_gain(b, a)[0], 100 * float(a.std(ddof=1) / np.sqrt(len(a)))),
    ),
    Mistake(
        "not divided by the root of n",
        lambda b, a: (_gain(b, a)[0], _gain(b, a)[1] * np.sqrt(len(a))),
    ),
    Mistake("divided by n", lambda b, a: (_gain(b, a)[0], _gain(b, a)[1] / np.sqrt(len(a)))),
    Mistake(
        "ddof forgotten: numpy divides by",
        lambda b, a: (_gain(b, a)[0], 100 * float((a - b).std() / np.sqrt(len(a)))),
    ),
    Mistake(
        "ddof forgotten: two slips use", lambda b, a: (_gain(b, a)[0], 100 * float((a - b).std()))
    ),
    Mistake(
        "variance instead of deviation",
        lambda b, a: (_gain(b, a)[0], float((100 * (a - b)).var(ddof=1) / np.sqrt(len(a)))),
    ),
    Mistake("shares instead of points", lambda b, a: tuple(one / 100 for one in _gain(b, a))),
    Mistake("before and after exchanged", lambda b, a: _gain(a, b)),
    Mistake("relative gain: percentage points are", lambda b, a: _gain(b / b.mean(), a / b.mean())),
    Mistake("relative gain: percentage points are a", lambda b, a: _gain(b / b, a / b)),
    Mistake("signs dropped", lambda b, a: _gain(np.zeros(len(a)), np.abs(a - b))),
    Mistake("sign of the mean dropped", lambda b, a: (abs(_gain(b, a)[0]), _gain(b, a)[1])),
    Mistake("sum instead of mean", lambda b, a: (_gain(b, a)[0] * len(a), _gain(b, a)[1])),
    Mistake("the best run", lambda b, a: (float(100 * (a.max() - b.max())), _gain(b, a)[1])),
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
    compare.choice(
        subject,
        "true_claims",
        "bce",
        "abcdef",
        {
            "a": "gain within its spread",
            "d": "trained networks trusted",
            "f": "errors of the test split looked at",
        },
    )


EXERCISE = Exercise.of(
    "06_error_analysis",
    Question.of(
        "06.1", _pair, _worst, needs=("confused", "share", "worst", "worst_loss"), kind="value"
    ),
    Question.of(
        "06.2",
        _frequent_first,
        _ties,
        needs=("confused_pairs",),
        forbids=(
            "course_utils.error_analysis.confused_pairs",
            "course_utils.evaluation.confusion_matrix",
        ),
        seconds=5,
    ),
    Question.of(
        "06.3",
        _stratified,
        _by_seed,
        _unseen,
        _any_fit,
        needs=("make_folds", "out_of_fold"),
        forbids=("course_utils.evaluation.out_of_fold",),
        seconds=5,
    ),
    Question.of(
        "06.4",
        _limits,
        _disputes,
        _exactly,
        needs=("thresholds", "disputed"),
        forbids=("course_utils.error_analysis.suspect_labels",),
        seconds=5,
    ),
    Question.of(
        "06.5",
        _after_looking,
        _paired_gain,
        _claims,
        needs=("after_looking", "paired_gain", "true_claims"),
        forbids=("course_utils.error_analysis.inspection_curve",),
        seconds=5,
    ),
    Question.of("06.6", kind="written"),
)
