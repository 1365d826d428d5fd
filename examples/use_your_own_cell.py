"""A network of rate units in spiking cells of your own, given as Brian2 text.

Expect: each cell agrees with the rate network about as well as the package's own does, and a cell that fires bursts is
refused with the reason.
"""

# %% A cell in Brian2's words: a quadratic one. Its input may have any unit and any scale: the range is found.
from dataclasses import replace

from brian2 import ms, mV, pA

from brainmem import Cell, Spiking, TranslationError, compare, simulate
from brainmem.cells import adex, coba

quadratic = Cell(
    "quadratic",
    "dv/dt = (v**2 + I)/tau : 1",
    threshold="v > 10",
    reset="v = -10",
    input="I",
    noise="s/sqrt(tau)",
    parameters={"tau": 10 * ms, "s": 0.5},
)

# %% The same network in this cell, in an adaptive exponential cell and in one driven through a conductance.
small = {"N": 60, "M": 6, "epochs": 2, "test_epochs": (2,), "starts": 1}
rate = simulate("kurikawa2020", "rate", parameters=small, seed=1)
for cell in ("lif", adex, coba, quadratic):
    spiking = simulate("kurikawa2020", Spiking(neuron=cell), parameters=small, seed=1)
    curve, name = spiking.calibration["units"], cell if isinstance(cell, str) else cell.name
    agreement = compare(rate, spiking)
    print(f"{name}: weight changes correlate by {agreement.get('weight_correlation').mean:.3f}", end=", ")
    print(f"the f-I curve is off by {curve['rms']:.2%} of rate_max")
    print(*(f"  {note}" for note in spiking.notes if "driven through" in note), sep="\n")

# %% Another value of a parameter, under its name in the translation; a higher reset makes it burst.
weaker = simulate("kurikawa2020", Spiking(neuron=adex), parameters={**small, "adex_b": 2 * pA}, seed=1)
print(f"with b = 2 pA, the highest input is {weaker.calibration['units']['current'][-1] * 1e12:.0f} pA")
try:
    bursting = replace(adex, name="bursting", parameters={**adex.parameters, "V_r": -46 * mV, "b": 60 * pA})
    simulate("kurikawa2020", Spiking(neuron=bursting), parameters=small)
except TranslationError as error:
    print(f"refused: {error}")
