"""The id of a run: short, random, sortable by time, safe in every name."""

from datetime import UTC, datetime

#: Digits sort before letters in ASCII, so the text sorts as the number does.
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
#: Eight digits of milliseconds reach from 2020 to 2109.
TIME_DIGITS = 8
SALT_DIGITS = 4
SALTS = len(DIGITS) ** SALT_DIGITS
_EPOCH = datetime(2020, 1, 1, tzinfo=UTC)


def run_id(now: datetime, *, salt: int) -> str:
    """Twelve characters of ``[a-z0-9]``: eight for the millisecond of *now*, four for *salt*.

    *salt* is a random number below SALTS; two runs of the same millisecond differ by it alone.
    Raises ValueError outside 2020 to 2109, where ids would no longer sort.
    """
    milliseconds = (now - _EPOCH).total_seconds() * 1000
    return _in_digits(int(milliseconds), TIME_DIGITS) + _in_digits(salt, SALT_DIGITS)


def _in_digits(number: int, width: int) -> str:
    if not 0 <= number < len(DIGITS) ** width:
        message = f"{number} does not fit in {width} digits"
        raise ValueError(message)
    text = ""
    for _ in range(width):
        number, digit = divmod(number, len(DIGITS))
        text = DIGITS[digit] + text
    return text
