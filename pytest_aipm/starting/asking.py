"""Asking a person: a proposal is the answer to Enter, and anything else must be a real answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from pytest_aipm.errors import OptionError, Problem
from pytest_aipm.starting.proposal import NONE, Proposal, Said
from pytest_aipm.starting.roles import Guess
from pytest_aipm.starting.shown import listing, short

__all__ = ["Dialog", "ask_all"]

TRIES = 3

Propose = Callable[[Said], Proposal]


class Dialog:
    """A conversation over any two functions.

    Parameters
    ----------
    ask : callable
        Shows a question and returns the answer; raises EOFError when there is none to come.
    tell : callable
        Shows a line.
    """

    def __init__(self, ask: Callable[[str], str], tell: Callable[[str], None]) -> None:
        self._ask, self.tell = ask, tell

    def text(self, question: str, proposed: str) -> str:
        """Return any text; the proposed one for an empty answer."""
        try:
            answer = self._ask(f"{question} [{short(proposed, 60)}]: ").strip()
        except EOFError:
            raise OptionError(Problem("no answer came", "nothing was written")) from None
        return answer or proposed

    def choice(self, question: str, proposed: str, options: Iterable[str]) -> str:
        """Return one of the options; one that is none of them is asked for again."""
        known = list(options)
        for _ in range(TRIES):
            answer = self.text(question, proposed)
            if answer in known:
                return answer
            self.tell(f"  '{short(answer)}' is none of: {listing(known, 20)}")
        raise OptionError(Problem(f"{question}: no answer that fits", "nothing was written"))

    def some(self, question: str, proposed: Sequence[str], options: Iterable[str]) -> list[str]:
        """Return some of the options, named with commas between; ``none`` is none of them."""
        known = list(options)
        default = ", ".join(proposed) or NONE
        for _ in range(TRIES):
            answer = self.text(question, default)
            if answer == default:
                return list(proposed)
            named = [] if answer == NONE else [each.strip() for each in answer.split(",")]
            strange = [each for each in named if each not in known]
            if not strange:
                return named
            self.tell(f"  no such column: {listing(strange)}; columns: {listing(known, 20)}")
        raise OptionError(Problem(f"{question}: no answer that fits", "nothing was written"))

    def agree(self, question: str) -> bool:
        """Return whether the answer is yes."""
        return self.text(f"{question} (y/n)", "n").casefold() in {"y", "yes"}


def ask_all(dialog: Dialog, propose: Propose, said: Said, owner: str) -> Said:
    """Ask for every part that was not named yet; each answer can change the later proposals.

    Parameters
    ----------
    dialog : Dialog
    propose : callable
        What is proposed, given what was said.
    said : Said
    owner : str
        Who is proposed as the owner.
    """
    first = propose(said)
    columns = [column.name for column in first.table.columns]
    said = _source(dialog, first, said, columns)
    said = _label(dialog, propose(said), said, columns)
    said = _classes(dialog, propose(said), said)
    if said.protected is None:
        found = propose(said)
        for each in found.attributes:
            out = f"not proposed: {each.left_out}" if each.left_out else each.described
            dialog.tell(f"  {short(each.column)}: {each.why}; {out}")
        proposed = [each.column for each in found.groups]
        named = dialog.some("Columns that say who a person is", proposed, columns)
        if named != proposed:
            said = replace(said, protected=tuple(named))
    purpose = said.purpose or dialog.text(
        "What does the model decide, and for whom", "say it later"
    )
    said = replace(said, purpose=None if purpose == "say it later" else purpose)
    return replace(said, owner=said.owner or dialog.text("Who answers for it", owner))


def _why(guess: Guess | None) -> str:
    return f" ({guess.why})" if guess is not None else ""


def _source(dialog: Dialog, found: Proposal, said: Said, columns: list[str]) -> Said:
    """Ask what is audited: a column, or a model."""
    if said.model or said.predictions or said.scores:
        return said
    proposed = found.said.column if found.said else NONE
    question = f"Column with what the model said{_why(found.said)}"
    answer = dialog.choice(question, proposed, [*columns, NONE])
    if answer == NONE:
        model = dialog.text("Then the model: a file, or package.module:function", NONE)
        return said if model == NONE else replace(said, model=model)
    if found.said is not None and answer == found.said.column:
        return _with(said, str(found.source), answer)
    kind = dialog.choice(
        "Does it hold predictions or scores", "predictions", ["predictions", "scores"]
    )
    return _with(said, kind, answer)


def _label(dialog: Dialog, found: Proposal, said: Said, columns: list[str]) -> Said:
    if said.label is not None:
        return said
    proposed = found.label.column if found.label else NONE
    question = f"Column with what really happened{_why(found.label)}"
    return replace(said, label=dialog.choice(question, proposed, [*columns, NONE]))


def _classes(dialog: Dialog, found: Proposal, said: Said) -> Said:
    for key, question in (
        ("positive", "Class that is predicted"),
        ("favorable", "Decision that is good for a person"),
    ):
        reading = getattr(found, key)
        if reading is None or getattr(said, key) is not None:
            continue
        told = found.label or found.said
        classes = found.table[told.column].classes if told and told.column in found.table else ()
        options = [_text(value) for value in classes] or [_text(reading.value)]
        answer = dialog.choice(f"{question} ({reading.why})", _text(reading.value), options)
        said = _with(said, key, answer)
    return said


def _with(said: Said, key: str, answer: str) -> Said:
    return Said(**(vars(said) | {key: answer}))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
