"""Words of the field: what columns and values are called where people are decided about.

Lists of ordinary words in a few languages, never of one data set. A name is split into words by
`parts`, so that ``RiskScore_2`` is ``risk score``; a phrase of two words is looked for, too.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from pytest_aipm.evidence.names import protected_looking

__all__ = [
    "ANSWER",
    "BENEFIT",
    "EARLIER",
    "GOOD",
    "HARM",
    "IDENTIFIER",
    "NUMBER",
    "PAIRS",
    "PREDICTED",
    "SCORED",
    "UNKNOWN",
    "WEIGHT",
    "attribute_by_name",
    "attribute_by_values",
    "has",
    "parts",
    "plain",
]


def _set(words: str) -> frozenset[str]:
    return frozenset(word.replace("_", " ") for word in words.split())


UNKNOWN = _set("""
    ? ?? - -- . n/a na nan null unknown unk undisclosed unspecified missing refused
    not_available not_stated not_specified not_disclosed not_reported not_known no_answer
    prefer_not_to_say prefer_not_to_answer declined unbekannt keine_angabe k.a inconnu
    non_renseigné non_précisé desconocido sin_dato no_informado desconhecido sconosciuto
    onbekend
""")
"""Values that mean "nobody knows"."""

ANSWER = _set("""
    y label labels class target outcome truth actual observed response answer ground_truth
    y_true y_test label_value true_label class_label dependent zielvariable ziel klasse cible
    etiqueta objetivo clase
""")
"""Names of a column that holds what really happened."""

HARM = _set("""
    default defaulted deny denied denial reject rejected rejection refuse refused decline
    declined recid recidivism recidivist reoffend rearrest arrest arrested fraud fraudulent
    churn churned attrition delinquent delinquency bankrupt bankruptcy dropout failed failure
    fail readmitted readmission disease diagnosis cancer malignant death died dead mortality
    toxic toxicity spam abuse risk bad late overdue chargeoff charged_off terminated dismissed
    layoff suspended hospitalised hospitalized complication relapse claim violation crime guilty
    flagged flag ausfall abgelehnt betrug kündigung défaut refus fraude impago rechazado moroso
""")
"""Events that are bad for the person they happen to."""

BENEFIT = _set("""
    approve approved approval grant granted accept accepted acceptance admit admitted admission
    hire hired hiring promote promoted promotion invite invited interview interviewed select
    selected shortlist shortlisted offer offered pass passed survive survived success successful
    repaid repay paid income salary wage earns graduate graduated eligible retained retention
    qualified recommended loan_status creditworthy enrolled funded awarded bewilligt genehmigt
    eingestellt accordé admis embauché aprobado admitido contratado
""")
"""Events that are good for the person they happen to."""

NUMBER = _set("price amount cost grade progression demand sales revenue value charges salary wage")
"""Names of a number that is worth predicting."""

EARLIER = _set("""
    prior priors previous past history hist days count num number nr ever first before last has
    had type desc description code reason text
""")
"""Words of columns that tell what came before the answer, or describe it."""

PREDICTED = _set("""
    prediction predictions predicted predict pred preds yhat y_hat y_pred forecast decision
    decided model_output vorhersage prognose prédiction prediction predicción
""")
"""Names of a column with what a model decided."""

SCORED = _set("""
    score scores scored prob proba probs probability probabilities logit confidence likelihood
    risk_score wahrscheinlichkeit probabilité probabilidad
""")
"""Names of a column with what a model gave as a number."""

IDENTIFIER = _set("""
    id ids uuid guid key number nr no index idx row rownames ref reference ticket account ssn
    email mail phone name surname firstname lastname nummer kennung matricule identifiant folio
    dni
""")
"""Names of what tells one person from all others."""

WEIGHT = _set("""
    weight weights wt wgt fnlwgt pwgtp perwt sample_weight sampling_weight survey_weight
    design_weight gewicht poids peso
""")
"""Names of sampling weights."""

PAIRS = (
    ("1", "0"),
    ("1", "-1"),
    ("yes", "no"),
    ("y", "n"),
    ("true", "false"),
    ("t", "f"),
    ("positive", "negative"),
    ("pos", "neg"),
    ("+", "-"),
    ("high", "low"),
    ("bad", "good"),
    ("approved", "denied"),
    ("approved", "rejected"),
    ("granted", "denied"),
    ("granted", "refused"),
    ("accepted", "rejected"),
    ("accept", "reject"),
    ("hired", "rejected"),
    ("pass", "fail"),
    ("passed", "failed"),
    ("default", "paid"),
    ("ja", "nein"),
    ("oui", "non"),
    ("si", "no"),
    ("sí", "no"),
    ("sim", "não"),
    ("ja", "nee"),
)
"""Two classes as they are usually written, the one that is predicted first."""

GOOD = _set("""
    good approved granted accepted accept hired pass passed paid admitted promoted eligible
    selected survived repaid gut bewilligt bon accordé bueno aprobado
""")
"""Classes that are good for a person whatever the column is called."""

_ATTRIBUTES: dict[str, str] = {
    "sex": """
        sex gender sexe sexo genre genero género geschlecht geslacht kön kjønn male female woman
        women man men mann frau homme femme hombre mujer
    """,
    "race": """
        race ethnicity ethnic ethnie ethnos rac1p racblk racwht hisp hispanic latino latina afam
        afro african black white caucasian asian minority raza etnia étnia rasse hautfarbe caste
        tribe indigenous aboriginal
    """,
    "age": "age ages agep agecat agegroup ageband agerange alter edad idade âge leeftijd",
    "nationality": """
        nationality citizenship citizen cit nativity foreign foreigner immigrant migrant
        migration pobp nationalité staatsangehörigkeit nacionalidad nationalität herkunft
    """,
    "religion": "religion religious faith denomination konfession",
    "disability": """
        disability disabilities disabled handicap handicapped dis impairment behinderung
        discapacidad
    """,
    "marital status": """
        marital married marriage mar single civilstatus familienstand situation_familiale
        estado_civil état_civil personal_status burgerlijke_staat
    """,
    "pregnancy": "pregnancy pregnant maternity",
    "sexual orientation": "orientation lgbt gay lesbian",
    "veteran status": "veteran military mil",
}
"""Attributes that laws protect, and what their columns are called. PUMS codes of the census (AGEP,
RAC1P, CIT, MAR, DIS, MIL, POBP) are among them, because so many files carry them."""

_BY_WORD: dict[str, str] = {
    word: attribute for attribute, words in _ATTRIBUTES.items() for word in _set(words)
}

_VALUES: dict[str, frozenset[str]] = {
    "sex": _set("""
        male female m f man woman men women boy girl nonbinary non-binary diverse divers
        männlich weiblich mann frau homme femme h hombre mujer varón masculino femenino feminino
        masculin féminin maschio femmina man vrouw x other
    """),
    "race": _set("""
        white black asian hispanic latino african-american african_american afr-am afam
        caucasian cauc native_american american_indian pacific_islander asian-pac-islander
        amer-indian-eskimo non-white nonwhite mixed multiracial two_or_more_races w b h a other
        indigenous hawaiian black_or_african_american asian_or_pacific_islander
        white_non-hispanic
    """),
    "marital status": _set("""
        married single divorced widowed separated never-married never_married married-civ-spouse
        married-spouse-absent married-af-spouse unmarried partnered cohabiting ledig verheiratet
        geschieden verwitwet marié mariée célibataire divorcé divorcée veuf veuve pacsé soltero
        soltera casado casada divorciado divorciada viudo viuda
    """),
    "religion": _set("""
        christian muslim jewish hindu buddhist catholic protestant orthodox sikh atheist islam
        christianity hinduism buddhism judaism evangelisch katholisch none other
    """),
    "nationality": _set("""
        citizen non-citizen foreigner immigrant native foreign foreign-born native-born german
        american french spanish italian turkish polish mexican united-states united_states
        mexico germany france canada india philippines china england italy spain poland usa
    """),
}
"""What the groups of an attribute are called."""

_TELLING = {"sex": 2, "race": 2, "marital status": 2, "religion": 3, "nationality": 2}
"""How many groups must be known words before values alone speak for an attribute."""

_NOT_PEOPLE = _set("""
    account building car card company contract credit device domain email file home house loan
    model policy product property session site tenure vehicle parent father mother spouse fedu
    medu
""")
"""Whose age, or whose status, is no attribute of the person decided about."""


@lru_cache(maxsize=20_000)
def parts(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters, its phrases of two and three words behind."""
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-ZÀ-Þ])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    whole = unicodedata.normalize("NFC", apart)
    words = [word.casefold() for word in re.findall(r"[^\W_]+", whole)]
    pairs = [" ".join(pair) for pair in itertools.pairwise(words)]
    threes = [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]
    return (*words, *pairs, *threes)


def plain(value: object) -> str:
    """Return a value as these lists hold it: in small letters, without blanks around it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().rstrip(".").casefold()


def has(name: str, words: Iterable[str]) -> str:
    """Return the first of `words` that a column's name has, else an empty text."""
    known = frozenset(words)
    return next((part for part in parts(name) if part in known), "")


def attribute_by_name(name: str) -> str:
    """Return the protected attribute that a column's name speaks of, else an empty text."""
    words = parts(name)
    found = protected_looking([name]).get(name, "")
    if found == "place of living":
        found = ""
    found = found or next((_BY_WORD[word] for word in words if word in _BY_WORD), "")
    if found in {"age", "marital status"} and _NOT_PEOPLE.intersection(words):
        return ""
    return found


def attribute_by_values(values: Iterable[object]) -> str:
    """Return the protected attribute that the groups of a column speak of, else an empty text."""
    seen = {plain(value) for value in values if plain(value) not in UNKNOWN}
    # one letter says nothing: F and M are felony and misdemeanor, too
    seen = {value for value in seen if len(value) > 1}
    found = {attribute: len(seen & known) for attribute, known in _VALUES.items()}
    for attribute, hits in found.items():
        if hits >= _TELLING[attribute] and hits >= 0.6 * len(seen):
            return attribute
    return ""
