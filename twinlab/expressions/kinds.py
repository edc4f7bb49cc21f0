"""Codes of the factor kinds, shared by the term language and the numba kernels.

A factor is a function of one variable ``v`` with an exponent ``n`` and a constant ``c``.
Hill functions are of concentrations: a negative ``v`` (noise, a step of a solver) counts as 0.
"""

POWER = 0  #: v ** n
HILL_ACTIVATION = 1  #: v**n / (c**n + v**n); n = 1 is Michaelis-Menten
HILL_REPRESSION = 2  #: c**n / (c**n + v**n)
EXPONENTIAL = 3  #: exp(c * v)
LOGARITHM = 4  #: log(c * v)
SINE = 5  #: sin(c * v)
COSINE = 6  #: cos(c * v)

#: Derivatives of a Hill activation h by its constants, for tables of sensitivities alone (no term
#: is made of them): h falls by n h (1 - h) with log c and grows by n log(v/c) h (1 - h) with log n.
HILL_BY_HALF = 7  #: h * (1 - h)
HILL_BY_COEFFICIENT = 8  #: log(v/c) * h * (1 - h)

MAX_FACTORS = 3  #: factors a term may have
