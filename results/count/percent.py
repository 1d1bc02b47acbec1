"""Percentages: for readers, for tables of a paper, and for programs."""


def share(part: int, whole: int) -> str:
    """Return a percentage with one decimal; it is 0.0 or 100.0 only where that is exact."""
    if not whole:
        return "-"
    percent = 100 * part / whole
    if part and percent < 0.1:  # noqa: PLR2004 - what one decimal can show
        return "<0.1 %"
    if part < whole and percent > 99.9:  # noqa: PLR2004 - the same at the other end
        return ">99.9 %"
    return f"{percent:.1f} %"


def percent(part: int, whole: int) -> float | None:
    """Return a percentage with two decimals, None where ``whole`` is 0."""
    return round(100 * part / whole, 2) if whole else None


def exact_percent(part: int, whole: int) -> str:
    """Return a percentage with four decimals for programs, an empty text where ``whole`` is 0."""
    return f"{100 * part / whole:.4f}" if whole else ""
