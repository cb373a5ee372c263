"""Is this text an identifier of a person? Formats with their checksums; one text, yes or no.

Each test takes a text without surrounding blanks. Those with a checksum accept a random text of
the right form with the chance that `CHANCE` names; the others hold on form alone.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable

__all__ = ["CHANCE", "KINDS", "WEAK", "card", "iban", "iban_form", "luhn", "personal_name"]

IBAN_LENGTHS = {
    "AD": 24, "AE": 23, "AL": 28, "AT": 20, "AZ": 28, "BA": 20, "BE": 16, "BG": 22, "BH": 22,
    "BR": 29, "CH": 21, "CR": 22, "CY": 28, "CZ": 24, "DE": 22, "DK": 18, "DO": 28, "EE": 20,
    "EG": 29, "ES": 24, "FI": 18, "FO": 18, "FR": 27, "GB": 22, "GE": 22, "GI": 23, "GL": 18,
    "GR": 27, "GT": 28, "HR": 21, "HU": 28, "IE": 22, "IL": 23, "IQ": 23, "IS": 26, "IT": 27,
    "JO": 30, "KW": 30, "KZ": 20, "LB": 28, "LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27,
    "MD": 24, "ME": 22, "MK": 19, "MR": 27, "MT": 31, "MU": 30, "NL": 18, "NO": 15, "PK": 24,
    "PL": 28, "PS": 29, "PT": 25, "QA": 29, "RO": 24, "RS": 22, "SA": 24, "SE": 24, "SI": 19,
    "SK": 24, "SM": 27, "TN": 24, "TR": 26, "UA": 29, "VA": 22, "VG": 24, "XK": 20,
}  # fmt: skip
"""Length of an account number by country (ISO 13616 registry)."""

_EMAIL = re.compile(
    r"[\w!#$%&'*+/=?^`{|}~-]{1,64}(?:\.[\w!#$%&'*+/=?^`{|}~-]{1,64}){0,8}"
    r"@(?!\dx\.)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8}[^\W\d_]{2,24}"
)
_PHONE = re.compile(r"\+[1-9](?:[ ./()-]{0,2}\d){7,14}")
_NATIONAL_PHONE = re.compile(r"\(?0?\d{2,5}\)?[ ./-]{0,2}\d{2,4}(?:[ ./-]\d{2,4}){1,3}")
_ABROAD = re.compile(r"00(?=[1-9]\d{0,2}[ /(])")
"""Begins a number of another country; long zero-padded numbers have no gap behind it."""
_SIGNED = re.compile(r"\+\d*\.\d+")
_MAC = re.compile(r"[0-9A-Fa-f]{2}(?:([:-])[0-9A-Fa-f]{2})(?:\1[0-9A-Fa-f]{2}){4}")
_POINT = re.compile(r"[(]?(-?\d{1,2}\.\d{3,15})[,; ]{1,2}(-?\d{1,3}\.\d{3,15})[)]?")
_ITALY_ODD = (
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18,
    20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
)  # fmt: skip
_VERHOEFF_D = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_P = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def luhn(digits: str) -> bool:
    """Return whether the digits bear Luhn's check (ISO/IEC 7812-1, annex B)."""
    total = 0
    for i, digit in enumerate(map(int, reversed(digits))):
        total += digit if i % 2 == 0 else digit * 2 - 9 * (digit > 4)
    return total % 10 == 0


def card(text: str) -> bool:
    """Return whether it is the number of a payment card: issuer, length and Luhn's check."""
    digits = _digits(text, " -")
    return digits is not None and _issued(digits) and luhn(digits)


def _issued(digits: str) -> bool:
    n, two, three, four = len(digits), int(digits[:2]), int(digits[:3]), int(digits[:4])
    return (
        (digits[0] == "4" and n in (13, 16, 19))
        or (n == 16 and (51 <= two <= 55 or 2221 <= four <= 2720))
        or (n == 15 and two in (34, 37))
        or (n in (16, 19) and (two == 65 or four == 6011 or 644 <= three <= 649))
        or (n == 14 and (300 <= three <= 305 or two in (36, 38, 39)))
        or (n in (16, 19) and 3528 <= four <= 3589)
        or (n in (16, 17, 18, 19) and two == 62)
    )


def iban(text: str) -> bool:
    """Return whether it is a bank account: country, length, and ISO 7064 mod 97-10."""
    plain = _unspaced(text)
    if not iban_form(text):
        return False
    return int("".join(str(int(each, 36)) for each in plain[4:] + plain[:4])) % 97 == 1


def iban_form(text: str) -> bool:
    """Return whether it begins as a bank account of a country does, and is as long."""
    plain = _unspaced(text)
    return (
        plain.isascii()
        and plain.isalnum()
        and plain[2:4].isdigit()
        and len(plain) == IBAN_LENGTHS.get(plain[:2])
    )


def _unspaced(text: str) -> str:
    return re.sub(r"(?<=\w)[ .-](?=\w)", "", text).upper()


def _email(text: str) -> bool:
    return _EMAIL.fullmatch(text) is not None


def _phone(text: str) -> bool:
    if _SIGNED.fullmatch(text):
        return False
    text = _ABROAD.sub("+", text, count=1) if text.startswith("00") else text
    return _PHONE.fullmatch(text) is not None and 8 <= sum(map(str.isdigit, text)) <= 15


def _national_phone(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    form = text.isdigit() or _NATIONAL_PHONE.fullmatch(text) or _PHONE.fullmatch(f"+{text[2:]}")
    return 7 <= digits <= 15 and bool(form)


def _ip(text: str) -> bool:
    if text.count(".") != 3 and text.count(":") < 2:
        return False
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _ip_unlike_version(text: str) -> bool:
    """Return whether it is an address and has a part that versions do not reach."""
    return _ip(text) and (":" in text or max(map(int, text.split("."))) >= 100)


def _mac(text: str) -> bool:
    return _MAC.fullmatch(text) is not None


def _point(text: str) -> bool:
    found = _POINT.fullmatch(text)
    return found is not None and abs(float(found[1])) <= 90 and abs(float(found[2])) <= 180


# national numbers


def _us(text: str) -> bool:
    """United States, Social Security Number: the parts that are never issued (SSA)."""
    found = re.fullmatch(r"(\d{3})([ -])(\d{2})\2(\d{4})", text)
    return (
        found is not None
        and found[1] not in ("000", "666")
        and found[1] < "900"
        and found[3] != "00"
        and found[4] != "0000"
    )


def _spain(text: str) -> bool:
    """Spain, DNI and NIE: the letter is the number mod 23."""
    found = re.fullmatch(r"([XYZ]?)(\d{7,8})[ -]?([A-Z])", text.upper())
    if found is None or len(found[1] + found[2]) != 8:
        return False
    number = int({"": "", "X": "0", "Y": "1", "Z": "2"}[found[1]] + found[2])
    return "TRWAGMYFPDXBNJZSQVHLCKE"[number % 23] == found[3]


def _italy(text: str) -> bool:
    """Italy, codice fiscale: the last letter is a weighted sum of the others mod 26."""
    plain = text.upper()
    if re.fullmatch(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", plain) is None:
        return False
    places = [int(each) if each.isdigit() else ord(each) - 65 for each in plain[:15]]
    total = sum(_ITALY_ODD[place] if i % 2 == 0 else place for i, place in enumerate(places))
    return chr(65 + total % 26) == plain[15]


def _france(text: str) -> bool:
    """France, NIR: the key is 97 less the number mod 97."""
    plain = text.replace(" ", "").upper()
    if re.fullmatch(r"[12]\d{4}(?:\d{2}|2[AB])\d{8}", plain) is None:
        return False
    number = int(plain[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(plain[13:])


def _poland(text: str) -> bool:
    """Poland, PESEL: a date of birth, and a weighted sum mod 10."""
    digits = _digits(text, "")
    if digits is None or len(digits) != 11:
        return False
    month = int(digits[2:4])
    century = {0: 1900, 20: 2000, 40: 2100, 60: 2200, 80: 1800}[month // 20 * 20]
    day = _is_day(century + int(digits[:2]), month % 20, int(digits[4:6]))
    return day and _weighted(digits, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0


def _sweden(text: str) -> bool:
    """Sweden, personnummer: a date of birth, and Luhn's check."""
    found = re.fullmatch(r"(\d{2})?(\d{2})(\d{2})(\d{2})[-+](\d{4})", text)
    if found is None:
        return False
    return _is_day(2000 + int(found[2]), int(found[3]), int(found[4])) and luhn(
        "".join(found[i] for i in (2, 3, 4, 5))
    )


def _finland(text: str) -> bool:
    """Finland, henkilötunnus: a date of birth, and a letter of the number mod 31."""
    found = re.fullmatch(r"(\d{2})(\d{2})(\d{2})[-+A-FU-Y](\d{3})([0-9A-Y])", text.upper())
    if found is None or not _is_day(2000 + int(found[3]), int(found[2]), int(found[1])):
        return False
    number = int("".join(found[i] for i in (1, 2, 3, 4)))
    return "0123456789ABCDEFHJKLMNPRSTUVWXY"[number % 31] == found[5]


def _germany(text: str) -> bool:
    """Germany, tax number: one or two digits repeat, and ISO 7064 mod 11,10."""
    digits = _digits(text, " ")
    if digits is None or len(digits) != 11 or digits[0] == "0":
        return False
    if len(set(digits[:10])) not in (8, 9):
        return False
    product = 10
    for digit in map(int, digits[:10]):
        product = 2 * ((digit + product - 1) % 10 + 1) % 11
    return (11 - product) % 10 == int(digits[10])


def _netherlands(text: str) -> bool:
    """Netherlands, burgerservicenummer: a weighted sum mod 11."""
    digits = _digits(text, ".")
    if digits is None or len(digits) != 9 or digits == "0" * 9:
        return False
    return _weighted(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _brazil(text: str) -> bool:
    """Brazil, CPF: two weighted sums mod 11."""
    digits = _digits(text, ".-")
    if digits is None or len(digits) != 11 or len(set(digits)) == 1:
        return False
    for n in (9, 10):
        rest = _weighted(digits[:n], range(n + 1, 1, -1)) * 10 % 11 % 10
        if rest != int(digits[n]):
            return False
    return True


def _kingdom(text: str) -> bool:
    """United Kingdom, NHS number: a weighted sum mod 11."""
    digits = _digits(text, " -")
    if digits is None or len(digits) != 10 or len(set(digits)) == 1:
        return False
    return _weighted(digits, (10, 9, 8, 7, 6, 5, 4, 3, 2, 1)) % 11 == 0


def _canada(text: str) -> bool:
    """Canada, Social Insurance Number: Luhn's check."""
    digits = _digits(text, " -")
    return digits is not None and len(digits) == 9 and digits[0] not in "08" and luhn(digits)


def _india(text: str) -> bool:
    """India, Aadhaar: Verhoeff's check."""
    digits = _digits(text, " -")
    if digits is None or len(digits) != 12 or digits[0] in "01":
        return False
    check = 0
    for i, digit in enumerate(map(int, reversed(digits))):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[i % 8][digit])])
    return check == 0


def _digits(text: str, between: str) -> str | None:
    """Return the digits of a text that holds nothing else but these separators, one at a time."""
    if not text or not text[0].isdigit() or not text[-1].isdigit():
        return None
    plain, last = [], ""
    for each in text:
        if each in between:
            if last in between:
                return None
        elif not ("0" <= each <= "9"):
            return None
        else:
            plain.append(each)
        last = each
    return "".join(plain) if 2 <= len(plain) <= 19 else None


def _weighted(digits: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True))


def _is_day(year: int, month: int, day: int) -> bool:
    try:
        dt.date(year, month, day)
    except ValueError:
        return False
    return True


KINDS: dict[str, Callable[[str], bool]] = {
    "e-mail address": _email,
    "phone number": _phone,
    "bank account (IBAN)": iban,
    "payment card": card,
    "IP address": _ip_unlike_version,
    "MAC address": _mac,
    "coordinates": _point,
    "Social Security Number (United States)": _us,
    "DNI or NIE (Spain)": _spain,
    "codice fiscale (Italy)": _italy,
    "NIR (France)": _france,
    "PESEL (Poland)": _poland,
    "personnummer (Sweden)": _sweden,
    "henkilötunnus (Finland)": _finland,
    "tax number (Germany)": _germany,
    "burgerservicenummer (Netherlands)": _netherlands,
    "CPF (Brazil)": _brazil,
    "NHS number (United Kingdom)": _kingdom,
    "Social Insurance Number (Canada)": _canada,
    "Aadhaar (India)": _india,
}
"""Kinds of identifiers, each with its test of a text."""

WEAK: dict[str, Callable[[str], bool]] = {
    "phone number": _national_phone,
    "IP address": _ip,
}
"""Weaker tests, for columns whose name says what they hold."""

CHANCE: dict[str, float] = {
    "payment card": 0.10,
    "NIR (France)": 1 / 97,
    "DNI or NIE (Spain)": 1 / 23,
    "codice fiscale (Italy)": 1 / 26,
    "PESEL (Poland)": 0.10,
    "personnummer (Sweden)": 0.10,
    "henkilötunnus (Finland)": 1 / 31,
    "tax number (Germany)": 0.10,
    "burgerservicenummer (Netherlands)": 1 / 11,
    "CPF (Brazil)": 0.01,
    "NHS number (United Kingdom)": 1 / 11,
    "Social Insurance Number (Canada)": 0.10,
    "Aadhaar (India)": 0.10,
    "bank account (IBAN)": 1 / 97,
}
"""How often a random text of the form passes the checksum."""

_BY_NAME = {
    "e-mail address": r"e_?mail(_address)?|mail(_address)?|email_addr",
    "phone number": (
        r"(tele)?phone(_(number|no|nr))?|mobile(_(phone|number))?|tel|fax|msisdn|cell_?phone"
    ),
    "IP address": r"ip|ip_?v[46]|ip_?addr(ess)?|(client|remote|source|src|user)_ip",
    "bank account (IBAN)": r"iban",
    "payment card": r"(credit_?)?card_?(number|no|nr)|credit_?card",
    "person's name": (
        r"(first|last|given|family|middle|full|sur|fore|maiden|person|customer|patient|birth)_?name"
        r"|surname|forename|(first|last)_?names"
    ),
    "postal address": (
        r"street(_(name|address))?|(home_|postal_|mailing_)?address(_?(line_?)?\d)?|addr"
    ),
    "date of birth": r"dob|birth_?(date|day)|date_?of_?birth|born(_on)?",
    "national or passport number": (
        r"ssn|social_security(_(number|no))?|national_(id|insurance_number)|nino|passport(_(number|no))?"
        r"|tax_?(id|payer_id)|driver_?s?_licen[cs]e(_(number|no))?"
    ),
}
_NAMED = {kind: re.compile(pattern) for kind, pattern in _BY_NAME.items()}
_LATITUDE = re.compile(r"(.*_)?(lat|latitude)")
_LONGITUDE = re.compile(r"(.*_)?(lon|lng|long|longitude)")


def personal_name(column: str) -> str:
    """Return which kind of personal data a column's name promises; empty for none.

    ``homeLat`` and ``gps_longitude`` promise coordinates.
    """
    plain = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", column[:200])
    plain = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")
    if _LATITUDE.fullmatch(plain) or _LONGITUDE.fullmatch(plain):
        return "coordinates"
    return next((kind for kind, named in _NAMED.items() if named.fullmatch(plain)), "")
