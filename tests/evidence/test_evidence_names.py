"""Names of columns that look like a protected attribute."""

from __future__ import annotations

import pytest

from pytest_aipm.evidence.names import protected_looking


@pytest.mark.parametrize(
    ("column", "looks"),
    [
        ("sex", "sex"),
        ("SEX_CD", "sex"),
        ("applicantGender", "sex"),
        ("race", "race"),
        ("skin-colour", "race"),
        ("Ethnicity.1", "race"),
        ("AgeBand", "age"),
        ("age_at_entry", "age"),
        ("DOB", "age"),
        ("date of birth", "age"),
        ("country_of_birth", "nationality"),
        ("religion", "religion"),
        ("is_disabled", "disability"),
        ("nationality", "nationality"),
        ("national_origin", "nationality"),
        ("maritalStatus", "marital status"),
        ("civil status", "marital status"),
        ("pregnant", "pregnancy"),
        ("sexual orientation", "sexual orientation"),
        ("post_code", "place of living"),
        ("ZIP", "place of living"),
        ("zipcode5", "place of living"),
        ("veteran", "veteran status"),
    ],
)
def test_a_name_looks_like_what_it_says(column: str, looks: str) -> None:
    assert protected_looking([column]) == {column: looks}


@pytest.mark.parametrize(
    "column",
    [
        "income",
        "mileage",
        "average_age_of_account",
        "vehicleAge",
        "packages",
        "embrace",
        "essex",
        "message",
        "skin_thickness",
        "page_orientation",
        "country",
        "42",
        "",
        "\N{SNOWMAN}",
    ],
)
def test_other_names_do_not(column: str) -> None:
    assert protected_looking([column]) == {}


def test_columns_keep_their_order_and_their_writing() -> None:
    assert list(protected_looking(["Race", "x", "SEX"])) == ["Race", "SEX"]
