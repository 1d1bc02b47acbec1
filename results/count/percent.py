"""Formats of percentages, for reports, for tables of a paper and for programs."""


def share(part: int, whole: int) -> str:
    """Return a percentage as text with one decimal, ``0.0`` only for exactly 0 and ``100.0`` only for exactly 100."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    if part and percent < 0.1:  # noqa: PLR2004 - the least value with one decimal
        return "<0.1 %"
    if part < whole and percent > 99.9:  # noqa: PLR2004 - the largest value with one decimal
        return ">99.9 %"
    return f"{percent:.1f} %"


def percent(part: int, whole: int) -> float | None:
    """Return a percentage rounded to two decimals, or None if ``whole`` is 0."""
    return round(100 * part / whole, 2) if whole else None


def exact_percent(part: int, whole: int) -> str:
    """Return a percentage as text with four decimals for programs, or an empty text if ``whole`` is 0."""
    return f"{100 * part / whole:.4f}" if whole else ""
