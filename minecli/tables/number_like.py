"""Which texts are spellings of a number or a date: told from one text, and from all texts of a column together.

    numbers         5  -2.5e3  (5.0)  1,5  1.234,5  1'234  1 234  12,34,567
    with a unit     57%  $5  5 EUR  Rs. 5  70 kg  5km/h  20 °C  3 m2  15.6"
    bounds          <5  >=100  ~3
    dates, times    03/2020  31.12.2020  2020-Q1  3 Mar 2020  12:30  2:30 pm

No numbers are bands (10-19, 80+), words that hold digits (A1, type 2, x5), ordinals (1st) and fractions (1/2).

Letters after a number that are no common unit are understood by the column. Letters that all values share tell nothing,
so that they are a unit (5V, 12V), and so are those of numbers with decimals (1.2M, 300K). Others are parts of a code
(3A, 3B, 12A), and a code is a category. Two bounds that are all there is (<=50K, >50K) are a category, too: they name
the two halves of something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

# Blanks that stand between groups of three digits, and the other marks that do.
BLANKS = " \t\u00a0\u2007\u2009\u202f"
MARKS = f".,'\u2019_{BLANKS}"
# A hyphen is no range at the beginning of a set.
SIGNS = "-\u2212\u2013+"
NEGATIVE = "-\u2212\u2013("

_SYMBOLS = "$\u00a2\u00a3\u00a5\u0e3f\u20a0-\u20bf"
_CURRENCIES = frozenset((
    "AED", "ARS", "AUD", "BGN", "BRL", "BTC", "CAD", "CHF", "CLP", "CNY", "COP", "CZK", "DKK", "EGP", "ETH", "EUR",
    "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KZT", "MXN", "MYR", "NGN", "NOK", "NZD",
    "PEN", "PHP", "PLN", "RMB", "RON", "RSD", "RUB", "SAR", "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND",
    "ZAR",
))  # fmt: skip
_ABBREVIATED = "Rs|Fr|Ft|Kč|kr|zł"
_UNITS = frozenset((
    "L", "V", "W", "g", "h", "l", "m", "s", "acre", "atm", "bar", "bit", "bpm", "byte", "cal", "cl", "cm", "day",
    "db", "deg", "dl", "ev", "ft", "gal", "gb", "ghz", "gw", "gwh", "ha", "hpa", "hr", "hz", "in", "kb", "kcal", "kg",
    "khz", "kj", "km", "kpa", "kph", "kv", "kw", "kwh", "lb", "ma", "mb", "mbar", "mg", "mhz", "mi", "min", "ml",
    "mm", "mmol", "mo", "mol", "month", "mpa", "mph", "ms", "mv", "mw", "mwh", "ng", "nm", "ns", "oz", "pa", "pct",
    "percent", "ppb", "ppm", "psi", "pt", "px", "rpm", "sec", "t", "tb", "ug", "um", "us", "wh", "week", "wk", "yd",
    "year", "yr", "µg", "µm", "µs", "μg", "μm", "μs",
))  # fmt: skip
# Thousands, millions and more.
_MAGNITUDES = frozenset(("K", "k", "M", "B", "bn", "mn", "Mio", "Mrd"))
_ORDINALS = frozenset(("st", "nd", "rd", "th"))
_COMPOSED = re.compile(rf"[/°℃℉%‰‱²³^·*\"″{_SYMBOLS}]|^[cdkm]?m[23]$|^(ft|in|yd)[23]$")

_BODY = rf"""\d{{1,3}}(?:[.,'\u2019_{BLANKS}]\d{{3}})+(?:[.,]\d*)?|\d{{1,2}}(?:,\d\d)+,\d{{3}}(?:\.\d*)?
             |\d+(?:[.,]\d*)?|[.,]\d+"""
_MONEY = rf"[A-Z]{{0,3}}[{_SYMBOLS}]|(?:{_ABBREVIATED})\.?|{'|'.join(sorted(_CURRENCIES))}"
_TOKEN = rf"[^\W\d_°][^\s()<>=,;:]*|[°℃℉%‰‱{_SYMBOLS}][^\s()<>=,;:\d]*|[\"″]"
_NUMBER = re.compile(
    rf"""\s*(?P<bound>[<>]=?|[≤≥~≈])?\s*(?P<open>\()?\s*[{SIGNS}]?\s*
    (?:(?P<before>{_MONEY})\s*[{SIGNS}]?\s*)?
    (?P<body>{_BODY})(?:[eE][{SIGNS}]?\d+)?
    (?:\s*(?P<after>(?:{_TOKEN})(?:\s(?:{_TOKEN}))?))?
    \s*(?P<close>\))?\s*""",
    re.VERBOSE,
)
_PLAIN = re.compile(r"\s*[-+]?(?P<body>\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?\s*", re.ASCII)

_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12]\d|3[01])", r"(?:0?[1-9]|1[0-2])", r"[12]\d{3}"
_NAMED = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_TIME = r"(?:\d{1,3}:[0-5]\d(?::[0-5]\d(?:[.,]\d+)?)?(?:\s?[ap]\.?m\.?)?|\d{1,2}\s?[ap]\.?m\.?)"
_DATE = re.compile(
    rf"""\s*(?:{_TIME}|(?:
    {_YEAR}(?P<a>[-/.]){_MONTH}(?P=a){_DAY}
    |{_DAY}(?P<b>[-/.]){_DAY}(?P=b)(?:{_YEAR}|\d\d)
    |{_MONTH}[-/]{_YEAR}|{_YEAR}[-/]{_MONTH}
    |{_YEAR}[-/\ ]?[QW]\d\d?|Q[1-4][-/\ ]?{_YEAR}
    |{_DAY}[-/.\ ]*{_NAMED}(?:[-/,\ ]*(?:{_YEAR}|\d\d))?
    |{_NAMED}[-/\ ]*{_DAY}(?:,?[-/\ ]+(?:{_YEAR}|\d\d))?
    |{_NAMED}[-/,\ ]*(?:{_YEAR}|'?\d\d)
    |{_YEAR}[-/\ ]*{_NAMED}(?:[-/\ ]*{_DAY})?
    )(?:(?:,?\s+|T){_TIME})?(?:\s?(?:Z|UTC|GMT|[-+]\d\d:?\d\d))?)\s*""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Spelling:
    """How a number is written: its digits with their marks (`body`), what stands before and after it, whether it is
    plain (as in 5, -2.5 or 1e3), and whether it bounds something. A date has no body."""

    body: str = ""
    before: str = ""
    after: str = ""
    plain: bool = False
    bound: bool = False

    @property
    def date(self) -> bool:
        """Whether it is a date or a time."""
        return not self.body

    @property
    def unit(self) -> str:
        """The unit or currency, "" for none."""
        return unit_of(self.before, self.after)


def spelling(text: str) -> Spelling | None:
    """How a text spells a number or a date; None where it is neither.

    >>> spelling("-$1,234.5").body, spelling("70 kg").unit, spelling("31.12.2020").date, spelling("10-19")
    ('1,234.5', 'kg', True, None)
    """
    if plain := _PLAIN.fullmatch(text):
        return Spelling(plain["body"], plain=True)
    if _DATE.fullmatch(text):
        return Spelling()
    match = _NUMBER.fullmatch(text)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return None
    after = match["after"] or ""
    if after in _ORDINALS:
        return None
    return Spelling(match["body"], match["before"] or "", after, bound=match["bound"] is not None)


def unit_of(before: str, after: str) -> str:
    """The unit of a number from what stands before and after it; singular and plural are one.

    >>> unit_of("Rs.", ""), unit_of("", " kgs"), unit_of("", "%")
    ('Rs', 'kg', '%')
    """
    before, after = before.strip().rstrip("."), after.strip().rstrip(".")
    if len(after) > 2 and after.endswith("s") and after.isalpha():
        after = after[:-1]
    return f"{before} {after}" if before and after else before or after


def spellings(texts: Sequence[str]) -> list[Spelling | None]:
    """How each of the different texts of a column spells a number or a date, None where it does not; see the module's
    docstring.

    >>> [s is not None for s in spellings(["3A", "3B", "70 kg", "150 lb"])]
    [False, False, True, True]
    """
    each_alone = [spelling(text) for text in texts]
    if len(texts) == 2 and all(each is not None and each.bound for each in each_alone):
        return [None, None]
    unknown = {each.unit for each in each_alone if each is not None and not _known(each)}
    # Codes have no decimals.
    decimals = any(each is not None and each.after and not each.body.isdigit() for each in each_alone)
    if len(unknown) < 2 or decimals or unknown <= _MAGNITUDES:
        return each_alone
    return [None if each is not None and each.unit in unknown else each for each in each_alone]


def _known(number: Spelling) -> bool:
    """Whether nothing follows the number but a common unit or currency."""
    unit = unit_of("", number.after)
    if not unit or unit in _UNITS or unit in _CURRENCIES or unit in _ABBREVIATED.split("|"):
        return True
    return bool(_COMPOSED.search(unit)) or (len(unit) > 1 and unit.lower() in _UNITS)
