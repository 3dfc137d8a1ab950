"""Student's distribution, as far as intervals from few weeks need it."""

from __future__ import annotations

from analytics.scores.uncertainty import Z

T_95 = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
    1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725,
)  # fmt: skip
"""95 % points for 1, 2, … degrees of freedom (any table; e.g. NIST handbook 1.3.6.7.2)."""


def t_95(freedom: int) -> float:
    """The 95 % point: a two-sided 90 % interval reaches so many standard errors.

    Beyond the table the expansion in 1 / freedom (Abramowitz and Stegun 26.7.5), which errs by
    less than 0.001 there.

    Raises:
        ValueError: no degree of freedom.
    """
    if freedom < 1:
        raise ValueError(f"{freedom} degrees of freedom give no interval: at least 1.")
    if freedom <= len(T_95):
        return T_95[freedom - 1]
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    return Z + first / freedom + second / freedom**2
