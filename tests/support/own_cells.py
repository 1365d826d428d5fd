"""Cells in Brian2's words: those that populations can run, and those that cannot follow a drive."""

from __future__ import annotations

from dataclasses import replace

from brian2 import Mohm, ms, mV, nS, pA, pF, uS

from brainmem import Cell, Each, MemoryModel, Parameter, Phase, Population, Protocol, Stimulus
from brainmem.cells import adex, coba

ADEX, CONDUCTANCE = adex, coba
# The cell of neuron="lif", which reads the parameters of the spiking variant.
MY_LIF = Cell(
    "mine",
    "dv/dt = (I - v)/tau_m + sigma_v*sqrt(2/tau_m)*xi : 1 (unless refractory)",
    threshold="v > 1",
    reset="v = 0",
    refractory="t_ref",
    input="I",
)
QUIET = Cell(
    "quiet",
    "dv/dt = (I - v)/tau : 1 (unless refractory)",
    threshold="v > 1",
    reset="v = 0",
    refractory=2 * ms,
    input="I",
    parameters={"tau": 10 * ms},
)
QIF = Cell(
    "qif", "dv/dt = (v**2 + I)/tau : 1", threshold="v > 50", reset="v = -50", input="I", parameters={"tau": 10 * ms}
)
EIF = replace(
    ADEX,
    name="eif",
    equations="dv/dt = (g_L*(E_L - v) + g_L*D*exp((v - V_T)/D) + I)/C : volt (unless refractory)",
    reset="v = V_r",
    noise="sigma*sqrt(2*g_L/C)",
)
IZHIKEVICH = Cell(
    "izh",
    "dv/dt = (0.04*v**2 + 5*v + 140 - u + I)/ms : 1\ndu/dt = a*(b*v - u)/ms : 1",
    threshold="v >= 30",
    reset="v = c; u += d",
    input="I",
    noise="s/ms**0.5",
    parameters={"a": 0.1, "b": 0.2, "c": -65, "d": 2, "s": 1},
    initial={"v": "-65", "u": "-13"},
)
CHATTERING = replace(IZHIKEVICH, name="bursts", parameters={"a": 0.02, "b": 0.2, "c": -50, "d": 2, "s": 0.1})
COLOURED = Cell(
    "coloured",
    """
    dv/dt = (E_L - v + R*(I + x))/tau : volt (unless refractory)
    dx/dt = -x/tau_n + s*sqrt(2/tau_n)*xi : amp
    """,
    threshold="v > V_T",
    reset="v = E_L",
    refractory="2*ms",
    input="I",
    parameters={
        **{"E_L": -70 * mV, "R": 100 * Mohm, "tau": 10 * ms},
        **{"tau_n": 5 * ms, "s": 80 * pA, "V_T": -50 * mV},
    },
    initial={"v": "E_L"},
)
HODGKIN_HUXLEY = Cell(
    "hh",
    """
    dv/dt = (g_l*(E_l - v) - g_na*m**3*h*(v - E_na) - g_kd*n**4*(v - E_k) + I)/C : volt
    dm/dt = 0.32*4/exprel((13*mV - v + V_T)/(4*mV))/ms*(1 - m) - 0.28*5/exprel((v - V_T - 40*mV)/(5*mV))/ms*m : 1
    dn/dt = 0.032*5/exprel((15*mV - v + V_T)/(5*mV))/ms*(1 - n) - 0.5*exp((10*mV - v + V_T)/(40*mV))/ms*n : 1
    dh/dt = 0.128*exp((17*mV - v + V_T)/(18*mV))/ms*(1 - h) - 4/(1 + exp((40*mV - v + V_T)/(5*mV)))/ms*h : 1
    I : amp
    """,
    threshold="v > -40*mV",
    refractory="v > -40*mV",
    input="I",
    parameters={
        **{"C": 200 * pF, "g_l": 10 * nS, "E_l": -65 * mV, "E_k": -90 * mV, "E_na": 50 * mV},
        **{"g_na": 20 * uS, "g_kd": 6 * uS, "V_T": -63 * mV},
    },
    initial={"v": "E_l + uniform(0, 5*mV)"},
    method="exponential_euler",
)
SLOW = replace(ADEX, name="slow", parameters={**ADEX.parameters, "tau_w": 300 * ms, "b": 40 * pA})


def steps(*levels: float, tau=25 * ms, lasts: str = "1*second") -> MemoryModel:
    """Return units without synapses whose rate asked for takes these values one after the other, by their drives."""
    units = Population(
        "u",
        "drive = c : 1\nphi = clip(drive, 0, 1) : 1\ndx/dt = (phi - x)/tau : 1",
        rate="x",
        drive="drive",
        transfer="phi",
    )
    stimulus = Stimulus("c", "u", items=len(levels), draw=f"{levels[0]} + {levels[-1] - levels[0]}*item")
    return MemoryModel(
        "steps",
        parameters=(Parameter("N", 1), Parameter("tau", tau)),
        populations=(units,),
        stimuli=(stimulus,),
        protocol=Protocol((Phase("shown", duration=lasts, stimuli=("c",)),), (Each("shown", items=len(levels)),)),
        rate_dt="1*ms",
    )
