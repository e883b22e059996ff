"""Train variants of a model with several seeds, and compare them in one table.

Lesson 04 compares ways to regularize.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras

from course_utils import settings
from course_utils.exceptions import InvalidInput
from course_utils.progress import progress_bar, show_line
from course_utils.training import _data_checks, pipeline
from course_utils.training.history import History
from course_utils.training.store import fit_or_load
from course_utils.validate import first_line, whole_number

if TYPE_CHECKING:
    import pandas as pd

Variant = Callable[[], keras.Model] | Mapping[str, Any]


@dataclass(frozen=True)
class Experiment:
    """The results of an experiment.

    Attributes
    ----------
    histories : dict of str to list of History
        Training histories of each variant, one per seed.
    parameters : dict of str to int
        Number of weights of each variant's model.
    errors : dict of str to str
        The last error of each variant of which a run failed.
    """

    histories: dict[str, list[History]]
    parameters: dict[str, int] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def table(self) -> pd.DataFrame:
        """The results as a table, one row per variant in the order given.

        Columns: ``runs`` (number of seeds), ``val accuracy`` (mean), ``std`` (sample standard
        deviation over the seeds, NaN for one run), ``train accuracy`` (mean), ``epochs`` (mean
        number that were trained), ``seconds`` (mean), ``parameters``, and ``failed`` (the
        error, where there was one). Accuracies are those of the final weights: of the best epoch
        where early stopping restored it, else of the last one.
        """
        import pandas as pd

        columns = ("val accuracy", "train accuracy", "epochs", "seconds")
        rows = [
            (name, run.final("val_accuracy"), run.final("accuracy"), len(run.epoch), run.seconds)
            for name, histories in self.histories.items()
            for run in histories
        ]
        runs = pd.DataFrame(rows, columns=["variant", *columns]).groupby("variant")
        variants = pd.Index(self.histories, name="variant")
        table = runs.mean().reindex(variants)
        table.insert(0, "runs", runs.size().reindex(variants, fill_value=0))
        table.insert(2, "std", runs["val accuracy"].std())
        table["parameters"] = [self.parameters.get(variant, 0) for variant in variants]
        if self.errors:
            table["failed"] = [self.errors.get(variant, "") for variant in variants]
        return table

    def __repr__(self) -> str:
        return self.table.round(3).to_string()

    def _repr_html_(self) -> str:
        return self.table.round(3).to_html()


def experiment(
    variants: Mapping[str, Variant],
    dataset: Any,
    epochs: int,
    repeats: int = 1,
    *,
    seed: int | None = None,
    verbose: int = 1,
    **fit_arguments: Any,
) -> Experiment:
    """Train each variant with several seeds and compare the results.

    A run that was done before is loaded instead of trained again, see :func:`fit_or_load`, so an
    interrupted experiment can be resumed. If a variant fails, the others are trained all the same.
    Compare variants by their validation accuracy; the test split is not used.

    Parameters
    ----------
    variants : mapping
        From a name to a function that builds the model, or to a dictionary with ``build`` and
        arguments of :func:`fit` (``epochs`` too) for this variant alone.
    dataset : ImageDataset
        The data.
    epochs : int
        Number of epochs.
    repeats : int
        Number of seeds per variant; the same seeds for all of them.
    seed : int, optional
        The first seed; the others count up from it. COURSE_SEED or 42 by default.
    verbose : int
        0 shows nothing.
    **fit_arguments
        Arguments of :func:`fit` for all variants.

    Returns
    -------
    Experiment
        ``.table`` compares the variants, ``.histories`` holds the training histories.

    Raises
    ------
    InvalidInput
        If an argument cannot be used, or every run failed.
    """
    _data_checks.require_epochs(epochs)
    whole_number("repeats", repeats, 1, example=3)
    plans = _plans(variants, epochs, fit_arguments)
    first_seed = settings.seed() if seed is None else seed
    train, validation = pipeline.split_parts(dataset)
    if validation is None:
        raise InvalidInput("Variants are compared on validation data, but there are none.")
    steps = pipeline.batches_per_epoch(train)

    histories: dict[str, list[History]] = {name: [] for name in plans}
    parameters: dict[str, int] = {}
    errors: dict[str, str] = {}
    total = repeats * steps * sum(plan["epochs"] for plan in plans.values())
    with progress_bar(total, shown=bool(verbose)) as bar:
        for name, plan in plans.items():
            for run in range(repeats):
                bar.set_description(f"{name}, run {run + 1}/{repeats}", refresh=False)
                end = bar.n + steps * plan["epochs"]
                try:
                    model, history = fit_or_load(
                        dataset=dataset, seed=first_seed + run, name=name, verbose=bar, **plan
                    )
                except Exception as error:  # of any kind: the other variants are trained
                    errors[name] = f"{type(error).__name__}: {first_line(error, 'no message')}"
                else:
                    histories[name].append(history)
                    parameters[name] = model.count_params()
                    del model
                    gc.collect()
                bar.update(
                    end - bar.n
                )  # early stopping, a stored model or an error leave steps out
    runs = sum(len(done) for done in histories.values())
    if not runs:
        raise InvalidInput(f"Every run failed. {next(iter(errors.values()))}")
    if verbose:
        failed = f", {len(errors)} variants failed in a run" if errors else ""
        show_line(f"{len(plans)} variants, {runs} runs{failed}")
        for name, reason in errors.items():
            print(f"{name} failed. {reason}")
    return Experiment(histories, parameters, errors)


def _plans(
    variants: Any, epochs: int, fit_arguments: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the arguments of `fit_or_load` for each variant."""
    if not isinstance(variants, Mapping) or not variants:
        raise InvalidInput(
            "variants must be a dictionary from a name to a function that builds the model, with "
            "at least one entry."
        )
    plans = {}
    for name, variant in variants.items():
        own = dict(variant) if isinstance(variant, Mapping) else {"build": variant}
        if "build" not in own:
            raise InvalidInput(
                f"The variant {name!r} does not say which model it trains; give it build=, a "
                f"function that builds the model."
            )
        plan = {**fit_arguments, "epochs": epochs, **own}
        _data_checks.require_epochs(plan["epochs"])
        plans[str(name)] = plan
    return plans
