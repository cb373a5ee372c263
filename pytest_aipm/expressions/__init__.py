"""The small language of rules: comparisons, logic and arithmetic over names, and nothing else.

::

    income > 3 * instalment and region not in ['north', 'east']
    latency.p95_ms <= 50 and `selection-rate` >= 0.8
    savings is missing or 0 < debt / income <= 0.4

=====================================  ============================================================
what                                   how it reads
=====================================  ============================================================
``12``, ``0.5``, ``1e6``, ``1_000``    numbers
``'north'``, ``"north"``               text; a doubled quote stands for one: ``'it''s'``
``true``, ``false``                    truth
``income``, ``latency.p95_ms``         names: letters, digits, ``_`` and dots, no digit first
```selection-rate```                   any other name, and any name that is a word of the language,
                                       in backticks; a doubled backtick stands for one
``+ - * /``, ``-x``, ``( )``           arithmetic of numbers
``== != < <= > >=``                    comparisons; ``0 < x <= 5`` is ``0 < x and x <= 5``
``x in ['a', 'b']``, ``not in``        one of a list of values, in brackets or parentheses
``x is missing``, ``is not missing``   whether there is a value
``not``, ``and``, ``or``               logic, in this order of precedence, below comparisons
=====================================  ============================================================

Numbers, text and truth never mix: ``region > 3`` of a text is an error, not false. Text compares
letter by letter.

**Missing values** make three-valued logic (Kleene): arithmetic with a missing value is missing, a
comparison with one is unknown, and so is what depends on it alone: ``unknown and false`` is false,
``unknown or true`` is true, ``not unknown`` is unknown. Division by zero, and a result too large to
be written, are missing, too, and are counted; ``income == 0 or debt / income > 0.4`` thus says what
it means. ``is missing`` always has an answer.

Names, lists of values and nesting have bounds, so that no text can take long to read. Nothing is
ever evaluated as Python.

>>> rule = parse("income > 3 * instalment")
>>> rule.names
('income', 'instalment')
>>> rule.evaluate({"income": [900, None], "instalment": [200, 200]}).truth(otherwise=False)
array([ True, False])
"""

from pytest_aipm.expressions.expression import Answer, Expression, parse
from pytest_aipm.expressions.place import ExpressionError

__all__ = ["Answer", "Expression", "ExpressionError", "parse"]
