"""Identifiers are known by form and checksum, columns decided against chance, values never told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pytest_aipm.evidence import personal
from pytest_aipm.evidence.identifiers import CHANCE, KINDS, card, iban, luhn, personal_name
from pytest_aipm.evidence.personal import scan
from pytest_aipm.evidence.sample import sample_rows
from pytest_aipm.sources.data import open_data

# published examples: each country's own, the IBAN registry, the test numbers of card issuers
TRUE = {
    "e-mail address": ["a.b+c@example.org", "x@sub.example.co.uk"],
    "phone number": ["+49 170 1234567", "+1-202-555-0143", "+442079460958"],
    "bank account (IBAN)": [
        "DE89370400440532013000",
        "GB82 WEST 1234 5698 7654 32",
        "FR1420041010050500013M02606",
        "NO9386011117947",
        "CH9300762011623852957",
    ],
    "payment card": [
        "4111 1111 1111 1111",
        "378282246310005",
        "6011111111111117",
        "5555555555554444",
        "30569309025904",
        "3530111333300000",
    ],
    "IP address": ["192.168.1.1", "2001:db8::1"],
    "MAC address": ["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b7"],
    "coordinates": ["52.5200, 13.4050", "-33.8688,151.2093"],
    "Social Security Number (United States)": ["078-05-1120", "219-09-9999"],
    "DNI or NIE (Spain)": ["12345678Z", "X1234567L"],
    "codice fiscale (Italy)": ["RSSMRA85T10A562S"],
    "NIR (France)": ["2 55 08 14 168 025 38"],
    "PESEL (Poland)": ["44051401359", "02070803628"],
    "personnummer (Sweden)": ["811218-9876"],
    "henkilötunnus (Finland)": ["131052-308T"],
    "tax number (Germany)": ["86095742719", "36 574 261 809"],
    "burgerservicenummer (Netherlands)": ["111222333"],
    "CPF (Brazil)": ["111.444.777-35"],
    "NHS number (United Kingdom)": ["943 476 5919"],
    "Social Insurance Number (Canada)": ["123-456-782"],
    "Aadhaar (India)": ["234123412346"],
}
CHECKED = sorted(set(CHANCE) & set(TRUE))


@pytest.mark.parametrize("kind", list(KINDS))
def test_published_examples_are_known(kind: str) -> None:
    assert [KINDS[kind](text) for text in TRUE[kind]] == [True] * len(TRUE[kind])


@pytest.mark.parametrize("kind", CHECKED)
def test_a_changed_character_breaks_the_checksum(kind: str) -> None:
    text = TRUE[kind][0]
    changed = text[:-1] + ("1" if text[-1] != "1" else "2")
    if text[-1].isalpha():
        changed = text[:-1] + ("A" if text[-1] != "A" else "B")
    assert not KINDS[kind](changed)


@pytest.mark.parametrize("kind", list(KINDS))
@pytest.mark.parametrize("text", ["", "x", "0", "٣" * 11, "1" * 400, "\x00", "@", "+", "a@b", "ÄÖ"])
def test_other_texts_are_refused_and_never_raise(kind: str, text: str) -> None:
    assert not KINDS[kind](text)


def test_luhn_is_wikipedias_example() -> None:
    assert luhn("17893729974")
    assert not luhn("17893729975")


def test_a_card_needs_an_issuer_beside_luhn() -> None:
    assert luhn("1748503543012")
    assert not card("1748503543012")
    assert not iban("XX89370400440532013000")


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("email", "e-mail address"),
        ("E-Mail", "e-mail address"),
        ("firstName", "person's name"),
        ("date_of_birth", "date of birth"),
        ("homeLat", "coordinates"),
        ("ip_address", "IP address"),
        ("income", ""),
        ("platform", ""),
        ("shipment", ""),
        ("feature_name", ""),
        ("", ""),
    ],
)
def test_what_a_columns_name_promises(name: str, kind: str) -> None:
    assert personal_name(name) == kind


def look(frame: pd.DataFrame) -> personal.Scan:
    source = open_data(frame, root=Path())
    return scan(sample_rows(source.batches(), personal.MAX_ROWS, 0), source.rows)


def kinds(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [(each.column, each.kind, each.place) for each in look(frame).found]


def noise(n: int, seed: int) -> pd.DataFrame:
    r = np.random.default_rng(seed)
    days = pd.date_range("2001-01-01", periods=n)
    return pd.DataFrame(
        {
            "number": r.normal(size=n),
            "amount": r.uniform(0, 1e12, n),
            "day": days.strftime("%Y-%m-%d"),
            "time": days,
            **{f"id{d}": r.integers(10 ** (d - 1), 10**d, n) for d in (9, 10, 11, 12, 16)},
            "id text": r.integers(10**15, 10**16, n).astype(str),
            "padded": [f"{each:012d}" for each in r.integers(0, 10**10, n)],
            "version": [".".join(map(str, r.integers(0, 30, 4))) for _ in range(n)],
            "part": [
                f"{a:03d}-{b:03d}-{c:04d}" for a, b, c in r.integers(0, 1000, (n, 3)).tolist()
            ],
            "signed": [f"{abs(each):+.3f}" for each in r.normal(size=n) * 1e8],
            "hex": [r.bytes(16).hex() for _ in range(n)],
            "clock": days.strftime("%H:%M:%S"),
            "gone": [None] * n,
            "flag": r.random(n) < 0.5,
            "order": [f"order {each} left the house" for each in r.integers(10**15, 10**16, n)],
        }
    )


@pytest.mark.parametrize("seed", range(3))
def test_random_numbers_dates_ids_and_versions_are_nobodys(seed: int) -> None:
    assert kinds(noise(800, seed)) == []


def test_a_name_lets_a_weaker_test_serve() -> None:
    r = np.random.default_rng(0)
    parts = [f"{a:03d}-{b:03d}-{c:04d}" for a, b, c in r.integers(100, 999, (50, 3)).tolist()]
    low = [".".join(map(str, each)) for each in r.integers(0, 30, (50, 4)).tolist()]
    assert kinds(pd.DataFrame({"phone": parts, "part": parts})) == [
        ("phone", "phone number", "whole cells")
    ]
    assert kinds(pd.DataFrame({"ip": low, "version": low})) == [("ip", "IP address", "whole cells")]


def test_names_count_with_values_that_can_be_that() -> None:
    frame = pd.DataFrame(
        {
            "first_name": list("abcdefgh"),
            "surname": [0.5] * 8,
            "dob": ["1980-01-02"] * 8,
            "lat": np.linspace(52.1, 52.9, 8),
            "lon": np.arange(8),
        }
    )
    found = kinds(frame)
    assert [each[:2] for each in found] == [
        ("first_name", "person's name"),
        ("dob", "date of birth"),
        ("lat", "coordinates"),
    ]
    assert {each[2] for each in found} == {"by the column's name"}


def test_one_address_of_mail_is_enough_and_a_few_cards_are_chance() -> None:
    r = np.random.default_rng(3)
    frame = pd.DataFrame({"note": ["a short note"] * 99 + ["write to a.b@example.org please"]})
    assert kinds(frame) == [("note", "e-mail address", "inside text")]
    cards = ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"]
    texts = [f"paid with {each} on day {i}" for i, each in enumerate(cards * 10)]
    assert kinds(pd.DataFrame({"note": texts})) == [("note", "payment card", "inside text")]
    random = [f"paid order {each} on time" for each in r.integers(4 * 10**15, 5 * 10**15, 300)]
    assert kinds(pd.DataFrame({"note": random})) == []


def test_huge_cells_are_cut_and_said_so_and_take_no_time() -> None:
    import time

    frame = pd.DataFrame(
        {
            "x": [f"{i} " + "x" * 100_000 for i in range(20)],
            "at": [f"{i} " + "@" * 50_000 for i in range(20)],
            "ones": [f"{i} " + "1 " * 50_000 for i in range(20)],
            "plus": [f"{i} +1 " * 10_000 for i in range(20)],
        }
    )
    start = time.process_time()
    seen = look(frame)
    assert seen.found == ()
    assert set(seen.cut) == set(frame.columns)
    assert time.process_time() - start < 10


def test_at_most_so_many_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "MAX_ROWS", 50)
    seen = look(noise(200, 0))
    assert (seen.rows, seen.of) == (50, 200)


def kinds_of(values: list[object], name: str = "x") -> list[str]:
    frame = pd.DataFrame({name: pd.Series(values, dtype=object)})
    return [each.kind for each in scan(open_data(frame, root=Path()).frame(), len(frame)).found]


@pytest.mark.parametrize(
    "write",
    [
        lambda i: f"a{i}@example.org".encode(),
        lambda i: f"https://example.com/u?mail=a{i}@example.org&x=1",
        lambda i: f"https://example.com/u?mail=a{i}%40example.org",
        lambda i: f"mailto:a{i}@example.org",
        lambda i: [f"a{i}@example.org", 7],
        lambda i: {"mail": f"a{i}@example.org"},
        lambda i: f"a{i}\uff20example.org",
        lambda i: f"\x00\u200ba{i}@example.org",
        lambda i: f"jörg{i}@exämple.org",
        lambda i: i or "a@example.org",
    ],
)
def test_an_address_is_found_however_it_is_written(write: object) -> None:
    assert kinds_of([write(i) for i in range(30)]) == ["e-mail address"]  # type: ignore[operator]


@pytest.mark.parametrize(
    "write",
    [
        lambda i: f"postgres://user@db{i}.example.org/x",
        lambda i: f"git@example.org:group/project{i}.git",
        lambda i: f"icon-{i}@2x.png",
        lambda i: f"https://cdn.example.com/npm/vue@3.{i}.1/dist/vue.js",
        lambda i: f"@someone{i} likes @someone{i + 1}",
        lambda i: f"{i:014d}",
        lambda i: f"00{i:03d}-{i:04d}-{i:03d}",
        lambda i: complex(i, 1),
    ],
)
def test_what_only_looks_like_an_address_or_a_number_to_call_is_not(write: object) -> None:
    assert kinds_of([write(i) for i in range(30)]) == []  # type: ignore[operator]


@pytest.mark.parametrize("between", [" ", "-", "."])
def test_an_account_number_may_be_written_in_groups(between: str) -> None:
    assert kinds_of([between.join(("DE89", "3704", "0044", "0532", "0130", "00"))]) == [
        "bank account (IBAN)"
    ]


def test_numbers_of_other_countries_may_begin_with_two_zeros() -> None:
    assert kinds_of([f"0049 170 {1_000_000 + 37 * i}" for i in range(30)]) == ["phone number"]


def test_random_codes_as_long_as_an_account_number_are_none() -> None:
    letters = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"))
    rng = np.random.default_rng(3)
    codes = ["".join(row) for row in letters[rng.integers(36, size=(20_000, 22))]]
    # two in three thousand begin as an account of Germany does; of them one in 97 is one
    forged = [f"DE{i:020d}" for i in range(200)]
    assert sum(map(iban, forged)) > 0
    assert kinds_of([*codes, *forged]) == []
