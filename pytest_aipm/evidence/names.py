"""What the name of a column suggests; a guess, and reported as one."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

__all__ = ["protected_looking"]

_LOOKS = {
    "sex": "sex sexe gender geschlecht male female",
    "race": "race ethnicity ethnic ethnie ethnos",
    "age": "age agegroup ageband agerange dob birth birthday birthdate birthyear dateofbirth "
    "yearofbirth yob",
    "religion": "religion religious faith denomination",
    "disability": "disability disabilities disabled handicap handicapped",
    "nationality": "nationality citizenship citizen nationalorigin immigrant migration migrant",
    "marital status": "marital maritalstatus married civilstatus",
    "pregnancy": "pregnancy pregnant maternity",
    "sexual orientation": "sexualorientation",
    "veteran status": "veteran veteranstatus",
    "native language": "nativelanguage mothertongue",
    "place of living": "postcode postcodes postal postalcode zip zipcode plz",
}
_WORDS = {word: looks for looks, words in _LOOKS.items() for word in words.split()}
_PAIRS = {
    ("civil", "status"): "marital status",
    ("post", "code"): "place of living",
    ("national", "origin"): "nationality",
    ("country", "origin"): "nationality",
    ("country", "birth"): "nationality",
    ("native", "country"): "nationality",
    ("sexual", "orientation"): "sexual orientation",
    ("skin", "color"): "race",
    ("skin", "colour"): "race",
    ("skin", "tone"): "race",
    ("native", "language"): "native language",
    ("mother", "tongue"): "native language",
}
_OLD = """
account building car card company contract credit device domain email file home house loan model
policy product property session site tenure vehicle
"""
_THINGS = frozenset(_OLD.split())
"""What has an age and is no person."""


def protected_looking(columns: Iterable[str]) -> dict[str, str]:
    """Return the columns whose names look like a protected attribute, and like which.

    Words are told apart by case and by everything that is no letter, so that neither ``mileage``
    nor ``packages`` looks like an age.

    Parameters
    ----------
    columns : iterable of str

    Returns
    -------
    mapping of column to attribute
    """
    found = {}
    for column in columns:
        words = _words(column)
        pairs = itertools.pairwise(words)
        looks = next((_PAIRS[pair] for pair in pairs if pair in _PAIRS), None)
        looks = looks or next((_WORDS[word] for word in words if word in _WORDS), None)
        if looks is not None and not (looks == "age" and _THINGS.intersection(words)):
            found[column] = looks
    return found


def _words(column: str) -> list[str]:
    """Return the words of a name in small letters: ``PatientAge_2`` is ``patient``, ``age``."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", column)
    words = [word.lower() for word in re.findall(r"[^\W\d_]+", parted)]
    return [word for word in words if word != "of"]
