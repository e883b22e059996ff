"""What the exercises ask: for each exercise a data file with its texts, and a module that judges.

``e01.toml`` holds all that a student reads of exercise 01 and what an answer may use, and
``e01_convolution_by_hand.py`` its checks, which end in ``EXERCISE``. To change a sentence, look for
the number of its question in the data file::

    title = "Convolution by hand"

    ["01.1"]                             # the attributes of a Question, by their names
    title = "With pen and paper"
    kind = "value"
    needs = ["first", "second", "weights"]
    hints = ["Lay the filter on the top left corner of the picture.", "..."]

    ["01.1".parts]                       # what is checked, in this order, and its points
    "the first value" = 1

    ["01.1".messages]                    # what to say of a mistake, by its name
    "bias forgotten" = "The sum of the products is right; now add the bias."
    "shape: kernel" = "`my_kernel` should have the shape {shape}."

    ["01.1".advice]                      # what to try where no usual mistake is recognized
    "first" = "Write down all nine products."

    ["02.6"]                             # a written answer, which a person marks
    title = "Would you trust this data?"
    kind = "written"
    points = 2
    rubric = ["1 point: ..."]

In the module, ``Mistake("bias forgotten", 9)`` and ``raise wrong("shape: kernel", shape=(3, 3))``
look their sentences up. A key is the name of the mistake; where one mistake has several sentences,
a colon and a few words follow. A key that begins with ``other:`` belongs to no usual mistake. Where
the answer is a letter or several, the key of a choice is the student's variable and the letter,
such as ``"true_claims c"`` (:func:`course_utils.checks.compare.choice`). Braces hold values, as in
:meth:`str.format`; write ``{{`` for a brace. A table ``[messages]`` at the top of a file holds what
several questions of the exercise say, and ``common.toml`` what all exercises say. A text may be
broken into lines anywhere. A test finds messages that are missing or not used.
"""
