"""Cells as examples of `Cell`: an adaptive exponential one, and a leaky one that is driven through a conductance.

``simulate(model, Spiking(neuron=adex))``; another value of a parameter is ``parameters={"adex_b": 2*pA}``.
"""

from brian2 import ms, mV, nS, pA, pF

from brainmem.model.cell import Cell

__all__ = ["adex", "coba"]

# Brette & Gerstner (2005), equations 1 and 2, with membrane noise, and an adaptation that is weak and fast enough for
# rates to follow their drive; its input is a current.
adex = Cell(
    "adex",
    """
    dv/dt = (g_L*(E_L - v) + g_L*D*exp((v - V_T)/D) - w + I)/C + sigma*sqrt(2*g_L/C)*xi : volt (unless refractory)
    dw/dt = (a*(v - E_L) - w)/tau_w : amp
    I : amp
    """,
    threshold="v > -40*mV",
    reset="v = V_r; w += b",
    refractory=2 * ms,
    input="I",
    parameters={
        **{"C": 100 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "V_T": -50 * mV, "D": 2 * mV, "V_r": -60 * mV},
        **{"a": 1 * nS, "b": 5 * pA, "tau_w": 20 * ms, "sigma": 3 * mV},
    },
    initial={"v": "E_L"},
)

# A leaky cell whose input is an excitatory conductance, so that its time constant falls as its input grows.
coba = Cell(
    "coba",
    "dv/dt = (g_L*(E_L - v) + g*(E_e - v))/C : volt (unless refractory)\ng : siemens",
    threshold="v > V_T",
    reset="v = E_L",
    refractory=2 * ms,
    input="g",
    noise="sigma*sqrt(2*g_L/C)",
    parameters={"C": 100 * pF, "g_L": 10 * nS, "E_L": -70 * mV, "E_e": 0 * mV, "V_T": -50 * mV, "sigma": 4 * mV},
    initial={"v": "E_L"},
)
