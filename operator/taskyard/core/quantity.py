"""Quantities of Kubernetes (250m, 64Mi, 1.5Gi, 2e3) as numbers, and back."""

from __future__ import annotations

import re
from decimal import ROUND_CEILING, Decimal

_TEXT = re.compile(r"([+-]?\d+(?:\.\d*)?|[+-]?\.\d+)(?:([eE][+-]?\d+)|([numkMGTPE]|[KMGTPE]i)?)")
_SUFFIXES = {
    **{suffix: Decimal(10) ** power for suffix, power in zip("num", (-9, -6, -3), strict=True)},
    **{suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", 1)},
    **{f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", 1)},
}
_MEBIBYTE = Decimal(1024) ** 2


def parse(text: object) -> Decimal | None:
    """The number that a quantity stands for; None for anything else. YAML may have made a number of it already."""
    found = _TEXT.fullmatch(str(text).strip())
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    return Decimal(number + (exponent or "")) * _SUFFIXES.get(suffix or "", Decimal(1))


def millis(number: Decimal) -> str:
    """A number of cores as a quantity, rounded up to thousandths."""
    return f"{_whole(number * 1000)}m"


def octets(number: Decimal) -> str:
    """A number of bytes as a quantity, rounded up to bytes; in mebibytes where it is a whole number of them."""
    whole = _whole(number)
    return f"{whole // int(_MEBIBYTE)}Mi" if whole % int(_MEBIBYTE) == 0 else str(whole)


def _whole(number: Decimal) -> int:
    return int(number.to_integral_value(ROUND_CEILING))
