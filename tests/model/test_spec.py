"""A model's text is checked when it is made: what passes, and what each mistake is answered with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from brian2 import Hz, get_dimensions, ms

from brainmem import (
    Each,
    LearningRule,
    Limit,
    MemoryModel,
    Observable,
    Parameter,
    Phase,
    Population,
    Projection,
    Protocol,
    Repeat,
    RuleError,
    SpikingRule,
    Stimulus,
    get_model,
    translate,
)
from brainmem.model.checks.names import CELL_PARAMETERS
from brainmem.model.checks.spikes import CELLS
from brainmem.translation.cells import SPIKING_PARAMETERS
from tests.support.small_models import (
    EQUATIONS,
    HEBB,
    LEARN,
    PARTS,
    RECURRENT,
    UNITS,
    check_refused,
    continuous,
    dreams_model,
    energy_model,
    hebb,
    observable,
    parameters,
    periodic,
    phase,
    recurrent,
    schedule,
    small,
    squares_model,
    swapped,
    units,
)


@pytest.mark.parametrize("make", [small, energy_model, squares_model, dreams_model])
def test_texts_as_papers_write_them_pass(make):
    assert isinstance(make(), MemoryModel)


@pytest.mark.parametrize(
    "changes",
    [
        swapped("dx/dt = (phi - x)/tau", "dx/dt = (phi - x)/tau + 0.1*xi*tau**-0.5"),
        swapped("dx/dt = (phi - x)/tau", "dx/dt = (phi - x)/tau*int(t > 2*dt)*int(i < N)"),
        continuous("dw/dt = plastic*correlation/tau : 1\ncorrelation = eta*x_pre*x_post : 1"),
        continuous("dw/dt = plastic*(eta/tau)*(x_pre - u_post*w)*cue_post : 1\n# the end"),
        periodic("w += eta*x_pre\nw *= 0.5\nw = clip(w, -1, 1)"),
        hebb(bounds={"w": (-1, "2*gamma")}),
        hebb(spiking=SpikingRule(on_pre="w += eta*count_pre*x_s_post", clocked="dtrace/dt = -trace/tau : 1")),
        recurrent(row_norm=2.0, initial={"w": "cue.T @ cue/N"}),
        recurrent(variables="w : 1\nage : second") | hebb(continuous="", episodic="w += eta\nage += T", at=("learn",)),
        phase(until="overlap > 0.9 and elapsed > 2*tau or not overlap < 1"),
        phase(average="2*tau", gates={"plastic": "gamma/2"}),
        schedule(Repeat("M", (Each(("learn", "learn"), items=3, repeats="M", epochs=(1, 2)),))),
        observable("x*cue*plastic + gamma*u", reduce="sum"),
        parameters(test_epochs=(1, 2)) | schedule(Repeat(3, (Each("learn", epochs="test_epochs"),))),
        parameters(low=0.1) | units(initial={"x": "uniform(-low, low)"}),
        {"spiking": {"cells_per_unit": 4, "rate_max": 80 * Hz}},
    ],
)
def test_what_the_translation_can_carry_passes(changes):
    assert isinstance(small(**changes), MemoryModel)


BAD = {
    # equations of populations
    "no unit": (
        swapped("phi = tanh(drive) : 1", "phi = tanh(drive)"),
        ["Model 'small', population 'units', line 3 ('phi = tanh(drive)')", "unit is missing"],
    ),
    "parenthesis": (swapped("(phi - x)/tau", "(phi - x/tau"), ["population 'units', line 4", "never closed"]),
    "no such unit": (swapped("drive = u + gamma*cue : 1", "drive = u + gamma*cue : foo"), ["line 2", "'foo'"]),
    "misspelt parameter": (
        swapped("gamma*cue", "gama*cue"),
        [
            "line 2 ('drive = u + gama*cue : 1')",
            "unknown name 'gama'. Did you mean 'gamma'?",
            "Names known here: u, drive",
        ],
    ),
    "unknown function": (swapped("tanh(drive)", "tanhh(drive)"), ["line 3", "'tanhh'. Did you mean 'tanh'?"]),
    "no time constant": (
        swapped("(phi - x)/tau", "(phi - x)"),
        ["line 4", "'(phi - x)' has unit 1 (none), but dx/dt must have unit Hz"],
    ),
    "sum of units": (swapped("u + gamma*cue", "u + tau"), ["line 2", "'u' has unit 1", "'tau'"]),
    "subexpression": (swapped("phi = tanh(drive)", "phi = tau*tanh(drive)"), ["line 3", "has unit s, but 'phi' must"]),
    "function of a time": (swapped("tanh(drive)", "tanh(tau)"), ["line 3", "tanh"]),
    "two definitions": (
        swapped("u : 1 ", "u : 1\nu : 1 "),
        ["population 'units'", "Duplicate definition of variable 'u'"],
    ),
    "suffix in neurons": (swapped("gamma*cue", "gamma*cue_post"), ["'cue_post' cannot be used here", "write 'cue'"]),
    "summed in neurons": (swapped("u : 1 ", "u = x : 1 (summed)"), ["flag (summed)", "Projection(current='u_post"]),
    "unknown flag": (swapped("u : 1 ", "u : 1 (fixed)"), ["flag (fixed) is not allowed for a parameter", "constant"]),
    "noise in a subexpression": (swapped("gamma*cue", "gamma*xi"), ["line 2", "'xi'", "not a differential equation"]),
    "empty": (units("# nothing"), ["population 'units'", "it has no equations"]),
    "nothing sums into it": (
        swapped("u : 1 ", "u : 1\nv : 1\n#"),
        ["line 2 ('v : 1')", "nothing sets 'v'", "summed here: u"],
    ),
    # N
    "N of another population": (
        {"populations": (UNITS, Population("helper", "dy/dt = -y/(N*tau) : 1", size=1))},
        ["population 'helper'", "N is the population's own size, which is 1 here", "'n_units'"],
    ),
    "N in a rule": (continuous("dw/dt = x_pre*x_post/(N*tau) : 1"), ["rule 'hebb', line 1", "N_pre or N_post"]),
    "N in a current": (
        recurrent(current="u_post = w*x_pre/N : 1 (summed)"),
        ["projection 'recurrent'", "N_pre or N_post"],
    ),
    "N in an observable": (observable("x*cue/N"), ["observable 'overlap'", "reduce='mean'"]),
    # names
    "keyword": (parameters(**{"lambda": 1.0}), ["parameter 'lambda'", "Python keyword"]),
    "unit name": (parameters(mV=1.0), ["parameter 'mV'", "is a unit"]),
    "function name": (parameters(exp=1.0), ["parameter 'exp'", "function of Brian2"]),
    "noise name": ({"stimuli": (Stimulus("xi", "units"),)}, ["stimulus 'xi'", "meaning of its own in Brian2"]),
    "time name": (parameters(t=1.0), ["parameter 't'", "meaning of its own"]),
    "Euler's number": (parameters(e=1.0), ["parameter 'e'", "constant of Brian2"]),
    "suffix": (parameters(tau_post=1.0), ["parameter 'tau_post'", "ends in _pre or _post"]),
    "controller": (
        {"observables": (Observable("step", "x", population="units"),)},
        ["observable 'step'", "by the protocol itself"],
    ),
    "controller's count": (swapped("u : 1 ", "u : 1\ncount : 1\n#"), ["'count'", "used by the protocol itself"]),
    "table": (parameters(cue_row=1.0), ["parameter 'cue_row'", "a table of stimulus 'cue'"]),
    "table of a gate": (parameters(plastic_gate=1.0), ["'plastic_gate'", "the table of gate 'plastic'"]),
    "trace": (parameters(x_s=1.0), ["'x_s'", "spiking variant"]),
    "cell": (parameters(tau_m=5 * ms), ["parameter 'tau_m'", "MemoryModel(spiking={...})"]),
    "C++": (parameters(default=1.0), ["parameter 'default'", "C++"]),
    "gate and parameter": (phase(gates={"plastic": 1, "gamma": 1}), ["gate 'gamma'", "name of a parameter too"]),
    "variable and parameter": (
        swapped("u : 1 ", "u : 1\ngamma = x : 1 "),
        ["line 2", "'gamma'", "name of a parameter"],
    ),
    "weight and parameter": (parameters(w=1.0), ["projection 'recurrent'", "'w' has the name of a parameter"]),
    "two parameters": ({"parameters": (*PARTS["parameters"], Parameter("tau", 1.0))}, ["called 'tau'"]),
    "two populations": ({"populations": (UNITS, UNITS)}, ["called 'units'"]),
    "rule and projection": (hebb(name="recurrent"), ["called 'recurrent'"]),
    "name of the controller": (hebb(name="protocol"), ["rule 'protocol'", "used for the protocol"]),
    "name of cells": (hebb(name="units_cells"), ["rule 'units_cells'", "population 'units'"]),
    "no identifier": ({"stimuli": (Stimulus("my cue", "units"),)}, ["'my cue'", "letters, digits"]),
    # parameters
    "unused": (parameters(unused=1.0), ["parameter 'unused'", "nothing in the model names it"]),
    "only in a comment": (
        parameters(extra=1.0) | swapped("# recurrent field", "# extra"),
        ["parameter 'extra'", "nothing in the model"],
    ),
    "circle": (parameters(a="b + 1", b="a*2"), ["in a circle", "a = 'b + 1'"]),
    "infinite": (parameters(a=float("inf")), ["parameter 'a'", "not finite"]),
    "several numbers": (
        parameters(several=(1, 2)) | swapped("gamma*cue", "several*cue"),
        ["line 2", "holds several numbers"],
    ),
    # roles
    "rate": (units(rate="y"), ["rate='y' is no variable of its equations", "Variables: u, drive, phi, x"]),
    "misspelt transfer": (units(transfer="phy"), ["transfer='phy'", "Did you mean 'phi'?"]),
    "no transfer": (units(transfer=None), ["rate='x' is a differential variable", "Subexpressions: drive, phi"]),
    "transfer of another kind": (units(transfer="u"), ["must name the subexpression", "got 'u'"]),
    "current form without drive": (units(rate="phi", transfer="phi", drive="u"), ["drive= must name", "variables: x"]),
    "current form, other transfer": (units(rate="phi", transfer="x", drive="x"), ["write transfer='phi'"]),
    "rate without equation": (units(rate="u"), ["rate='u' must be a differential variable or a subexpression"]),
    "drive without rate": (units(rate=None), ["drive='drive' without a rate"]),
    "range": (units(rate_range=(1, 0)), ["rate_range=(1, 0)", "first must be below"]),
    "range with unit": (units(rate_range=(0, "10*Hz")), ["must have the unit of 'x', 1 (none)"]),
    "range as quantity": (units(rate_range=(0, 10 * Hz)), ["must be text, such as"]),
    "size": (units(size="K"), ["size 'K'", "'N'"]),
    "fractional size": (units(size="gamma"), ["size 'gamma'"]),
    "no units": (units(size=0), ["size=0 must be a whole number of at least 1"]),
    "initial of an unknown": (units(initial={"y": "0"}), ["initial='y' cannot be set", "Allowed: u, x"]),
    "initial of a subexpression": (units(initial={"phi": "0"}), ["initial='phi' cannot be set"]),
    "initial with unit": (units(initial={"x": "5*mV"}), ["initial['x']='5*mV' has unit V", "unit 1 (none)"]),
    "initial of a sum": (
        units(initial={"u": "0.5"}),
        ["population 'units': initial='u' cannot be set", "projection 'recurrent' sums into 'u' at every step"],
    ),
    "refractory": (
        swapped("dx/dt = (phi - x)/tau : 1", "dx/dt = (phi - x)/tau : 1 (unless refractory)"),
        ["line 4", "flag (unless refractory)", "Take it out", "t_ref"],
    ),
    "refractory helper": (
        {"populations": (UNITS, Population("own", "dv/dt = -v/tau : 1 (unless refractory)", size=1))},
        ["population 'own', line 1", "flag (unless refractory)", "Take it out"],
    ),
    "refractory weight": (continuous("dw/dt = -w/tau : 1 (unless refractory)"), ["rule 'hebb', line 1", "Take it out"]),
    "refractory state": (
        swapped("(phi - x)/tau", "(phi - x)/tau*int(not_refractory)"),
        ["line 4", "'not_refractory' cannot be used here", "do not spike"],
    ),
    "initial draw": (units(initial={"x": "unifrom(0, 1)"}), ["'unifrom'. Did you mean 'uniform'?"]),
    # projections
    "source": (recurrent(source="unit"), ["projection 'recurrent'", "source 'unit'", "Did you mean 'units'?"]),
    "bare variable": (
        recurrent(current="u_post = w*x : 1 (summed)"),
        ["line 1", "'x' belongs to the units. Write x_pre or x_post"],
    ),
    "not summed": (recurrent(current="u_post = w*x_pre : 1"), ["a current is a summed equation"]),
    "into nothing": (
        recurrent(current="v_post = w*x_pre : 1 (summed)"),
        ["'v' is not declared", "Add the line 'v : unit'", "so: u"],
    ),
    "into a subexpression": (recurrent(current="drive_post = w*x_pre : 1 (summed)"), ["'drive' is not declared"]),
    "unit of the sum": (recurrent(current="u_post = w*x_pre : volt (summed)"), ["has unit V", "with unit 1 (none)"]),
    "unit of a summand": (recurrent(current="u_post = w*x_pre*tau : 1 (summed)"), ["has unit s, but 'u_post'"]),
    "summed twice": (
        {"projections": (RECURRENT, replace(RECURRENT, name="second"))},
        ["projection 'second'", "summed by projection 'recurrent' already"],
    ),
    "unknown weight": (recurrent(current="u_post = ww*x_pre : 1 (summed)"), ["unknown name 'ww'. Did you mean 'w'?"]),
    "initial weights": (recurrent(initial={"w": "normal(0, 1/sqrt(n))"}), ["initial['w']", "unknown name 'n'"]),
    "unit of weights": (recurrent(initial={"w": "normal(0, tau)"}), ["has unit s"]),
    "start of a misspelt weight": (
        recurrent(current="", initial={"weight": "0"}) | units(EQUATIONS.replace("u : 1 ", "u = x : 1 ")),
        ["initial='weight' sets a variable that nothing reads", "Variables: w"],
    ),
    "start of no variable": (recurrent(initial={"w": "0", "w-": "0"}), ["'w-' is not made of letters"]),
    "identity without a diagonal": (recurrent(initial={"w": "eye()/gamma"}), ["initial['w']", "self_connections=True"]),
    "identity with a size": (recurrent(initial={"w": "eye(N)"}, self_connections=True), ["write eye()"]),
    "identity by another name": (recurrent(initial={"w": "identity()"}), ["'identity'. Write eye()."]),
    "identity of units": (units(initial={"x": "eye()"}), ["initial['x']='eye()'", "a row of 10 values"]),
    "identity at a start": (phase(start={"x": "eye()"}), ["start['x']='eye()'", "a row of 10 values"]),
    "identity of items": (
        {"stimuli": (Stimulus("cue", "units", draw="eye()"),)},
        ["stimulus 'cue': draw='eye()'", "2 rows and 10 columns"],
    ),
    "row_norm": (recurrent(row_norm=-1.0), ["row_norm=-1.0 needs a positive number"]),
    "rule in variables": (
        recurrent(variables="dw/dt = 1/tau : 1") | continuous("dv/dt = w/tau : 1"),
        ["'dw/dt' is a rule"],
    ),
    # rules
    "no form": (hebb(continuous=""), ["rule 'hebb'", "exactly one of continuous, periodic, episodic", "got none"]),
    "two forms": (hebb(periodic="w += 1", every="tau"), ["exactly one of", "got continuous, periodic"]),
    "projection of a rule": (hebb(projection="recurent"), ["projection 'recurent'", "Did you mean 'recurrent'?"]),
    "bare variable in a rule": (
        continuous("dw/dt = x*x_post/tau : 1"),
        ["rule 'hebb', line 1", "Write x_pre or x_post"],
    ),
    "gate of a unit": (
        continuous("dw/dt = plastic_post*x_post/tau : 1"),
        ["'plastic_post' cannot be used here: 'plastic' is a gate, one number for the whole network. Write 'plastic'"],
    ),
    "bare stimulus": (continuous("dw/dt = cue*x_post/tau : 1"), ["Write cue_pre or cue_post"]),
    "parameter with suffix": (continuous("dw/dt = x_pre/tau_post : 1"), ["'tau' is a parameter. Write 'tau' alone"]),
    "unknown gate": (
        continuous("dw/dt = plastik*x_post/tau : 1"),
        ["'plastik'. Did you mean 'plastic'?"],
    ),
    "unit of a rule": (continuous("dw/dt = eta*x_pre*x_post : 1"), ["has unit 1 (none), but dw/dt must have unit Hz"]),
    "no differential": (continuous("w = x_pre*x_post : 1"), ["needs a differential equation"]),
    "event-driven": (continuous("dw/dt = -w/tau : 1 (event-driven)"), ["flag (event-driven) is not allowed"]),
    "defined twice": (
        recurrent(variables="w : 1"),
        ["rule 'hebb', line 1", "'w' is defined already, by the variables"],
    ),
    "two rules, one weight": (
        {"rules": (HEBB, replace(HEBB, name="decay", continuous="dw/dt = -w/tau : 1"))},
        ["rule 'decay', line 1", "by rule 'hebb'", "add the terms"],
    ),
    "read": (hebb(read="spikes"), ["read 'spikes' is not one of", "'trace'"]),
    "pairing": (hebb(pairing="causl"), ["pairing 'causl'", "Did you mean 'causal'?"]),
    "bounds": (hebb(bounds={"v": (0, 1)}), ["bounds name 'v'", "'w'"]),
    "bounds with unit": (hebb(bounds={"w": (0, "tau")}), ["'tau' has unit s, but a bound of 'w'"]),
    "one bound": (hebb(bounds={"w": 1}), ["must be (lowest, highest), got 1"]),
    "period of a continuous rule": (hebb(every="tau"), ["every= is the period of a periodic rule"]),
    "no period": (hebb(continuous="", periodic="w += eta"), ["every= is the period", "every=''"]),
    "period without unit": (
        hebb(continuous="", periodic="w += eta", every="3"),
        ["every='3' must be a time longer than 0"],
    ),
    "no phase": (hebb(continuous="", episodic="w += eta"), ["at= names the phases"]),
    "phase as text": (hebb(continuous="", episodic="w += eta", at="learn"), ["must be a tuple", "('learn',)"]),
    "unknown phase": (
        hebb(continuous="", episodic="w += eta", at=("lern",)),
        ["at 'lern'", "Did you mean 'learn'?"],
    ),
    "statement": (periodic("w += eta\nw + eta"), ["rule 'hebb', line 2 ('w + eta')", "a statement is 'w = ...'"]),
    "broken statement": (periodic("w += (eta"), ["line 1", "never closed"]),
    "misspelt weight": (periodic("W += eta"), ["'W' cannot be changed here", "w."]),
    "assigned and never read": (periodic("w += eta\nww = w + eta"), ["line 2", "nothing reads it", "mean 'w'?"]),
    "assigned parameter": (periodic("eta = 2\nw += eta"), ["'eta' cannot be changed here"]),
    "neuron's variable": (periodic("x_post += w"), ["'x_post' cannot be changed here"]),
    "unit of a change": (periodic("w += tau"), ["'tau' has unit s, but a change of 'w' must have unit 1 (none)"]),
    "bare variable in a statement": (periodic("w += eta*x"), ["Write x_pre or x_post"]),
    "unknown name in a statement": (periodic("a = eta\nw += a*c_0"), ["line 2", "unknown name 'c_0'"]),
    "spiking text": (hebb(spiking=SpikingRule(on_pre="w += (1")), ["rule 'hebb', spiking text 'on_pre', line 1"]),
    "name in a spiking text": (
        hebb(spiking=SpikingRule(on_pre="w += eta*target_post*count_pre")),
        ["rule 'hebb', spiking text 'on_pre', line 1 ('w += eta*target_post*count_pre')", "unknown name 'target_post'"],
    ),
    "spiking weight": (
        hebb(spiking=SpikingRule(on_post="ww += eta*count_post")),
        ["spiking text 'on_post', line 1", "'ww' cannot be changed here", "Did you mean 'w'?"],
    ),
    "spiking count": (
        hebb(spiking=SpikingRule(on_pre="w += eta*count")),
        ["spiking text 'on_pre'", "unknown name 'count'", "Did you mean 'count_p"],
    ),
    "spiking unit": (
        hebb(spiking=SpikingRule(on_pre="w += eta*count_pre/rate_max")),
        ["has unit s, but a change of 'w' must have unit 1"],
    ),
    "last spike": (
        hebb(spiking=SpikingRule(on_post="w += eta*exp((lastspike_pre - t)/tau)")),
        ["'lastspike_pre' cannot be used here", "count_pre", "x_s_pre"],
    ),
    "spiking clocked name": (
        hebb(spiking=SpikingRule(clocked="dw/dt = -w/tau_w : 1")),
        ["spiking text 'clocked', line 1", "unknown name 'tau_w'. Did you mean 'tau_m'?"],
    ),
    "spiking clocked unit": (
        hebb(spiking=SpikingRule(clocked="dw/dt = -w : 1")),
        ["spiking text 'clocked', line 1", "dw/dt must have unit Hz"],
    ),
    "spiking equations": (hebb(spiking=SpikingRule(clocked="dw/dt = 1")), ["clocked", "unit is missing"]),
    # stimuli and observables
    "population of a stimulus": ({"stimuli": (Stimulus("cue", "unit"),)}, ["stimulus 'cue'", "Did you mean 'units'?"]),
    "items": ({"stimuli": (Stimulus("cue", "units", items="P"),)}, ["items 'P'", "'M'"]),
    "stimulus draw": (
        {"stimuli": (Stimulus("cue", "units", draw="sign()"),)},
        ["draw='sign()'", "cannot be evaluated"],
    ),
    "stimulus unit": ({"stimuli": (Stimulus("cue", "units", unit="volts"),)}, ["unit='volts' is no unit"]),
    "unit of a draw": (
        {"stimuli": (Stimulus("cue", "units"), Stimulus("bias", "units", unit="volt"))},
        ["stimulus 'bias': draw='signs()' has unit 1 (none)", "unit V"],
    ),
    "values": ({"stimuli": (Stimulus("cue", "units", values=()),)}, ["values=()", "finite numbers"]),
    "observable's name": (observable("x*target"), ["observable 'overlap'", "unknown name 'target'"]),
    "observable's unit": (observable("x*tau"), ["has unit s, but the observable 'overlap' must have unit 1"]),
    "observable's suffix": (observable("x_pre"), ["write 'x' alone"]),
    "reduce": (observable("x", reduce="median"), ["reduce 'median' is not one of 'mean', 'sum', 'min', 'max'"]),
    # protocol
    "duration": (phase(duration="gamma"), ["phase 'learn'", "duration='gamma' must be a time", "got 0.6"]),
    "duration as quantity": (phase(duration=10 * ms), ["phase 'learn'", "must be text, such as '100*ms'"]),
    "number as draw": (phase(start={"x": 0}), ["start['x']=0 must be text"]),
    "N in a condition": (phase(until="overlap > 1/N"), ["'N' cannot be used here", "Parameter('n_units', 'N')"]),
    "negative duration": (phase(duration="-T"), ["must be a time longer than 0"]),
    "average": (phase(average="2*T"), ["average='2*T' is longer than the phase"]),
    "until without condition": (phase(until="overlap"), ["until", "'overlap' must be a condition"]),
    "until over a variable": (phase(until="x > 1"), ["phase 'learn', until", "a condition reads observables"]),
    "until with units": (phase(until="elapsed > 3"), ["different units"]),
    "misspelt observable": (phase(until="overlp > 0.9"), ["'overlp'. Did you mean 'overlap'?"]),
    "stimulus of a phase": (phase(stimuli=("que",)), ["stimulus 'que'", "Did you mean 'cue'?"]),
    "stimuli as text": (phase(stimuli="cue"), ["must be a tuple of names, such as ('cue',)"]),
    "gate value": (phase(gates={"plastic": "tau"}), ["gates['plastic']='tau' must have no unit"]),
    "gate text": (phase(gates={"plastic": "on"}), ["gates['plastic']='on' is no number", "unknown name 'on'"]),
    "start": (phase(start={"y": "0"}), ["start='y' is no variable", "Variables: x"]),
    "start of a subexpression": (phase(start={"phi": "0"}), ["start='phi' must be a variable with an equation"]),
    "start draw": (phase(start={"x": "cues"}), ["start['x']='cues'", "unknown name 'cues'"]),
    "no schedule": (schedule(), ["its schedule is empty"]),
    "phase of the schedule": (schedule(Each("lern")), ["phase 'lern'", "Did you mean 'learn'?"]),
    "order": (schedule(Each("learn", order="shuffled")), ["order 'shuffled' is not one of 'random', 'fixed'"]),
    "count": (schedule(Each("learn", items="gamma")), ["items 'gamma' is not one of"]),
    "text count": (schedule(Repeat("2*M", (Each("learn"),))), ["times '2*M'"]),
    "epochs outside": (schedule(Each("learn", epochs=(1,))), ["put the Each inside a Repeat"]),
    "epoch 0": (schedule(Repeat(2, (Each("learn", epochs=(0, 1)),))), ["counted from 1"]),
    "body": (schedule(Repeat(2, Each("learn"))), ["must be a tuple of Each"]),
    "nested": (schedule(Repeat(2, (Repeat(2, (Each("learn"),)),))), ["got another Repeat"]),
    # the model itself
    "no tuple": ({"populations": UNITS}, ["populations must be a tuple", "comma"]),
    "wrong part": ({"rules": (RECURRENT,)}, ["rules must hold LearningRule only"]),
    "limit": ({"limits": (Limit("MM < N", "load"),)}, ["limit 'MM < N'", "'MM'"]),
    "limit that is a number": ({"limits": (Limit("M/N", "load"),)}, ["must be a condition"]),
    "Euler step": ({"rate_dt": "0.1"}, ["rate_dt='0.1' must be a time"]),
    "spiking name": (
        {"spiking": {"rate_maxi": 80 * Hz}},
        ["spiking parameter 'rate_maxi'", "Did you mean 'rate_max'?"],
    ),
    "blank rule": (continuous("  "), ["rule 'hebb'", "needs a differential equation"]),
    "until a unit": (phase(until="ms"), ["'ms' must be a condition"]),
    "spiking value": ({"spiking": {"rate_max": "high"}}, ["spiking['rate_max']='high'"]),
}


@pytest.mark.parametrize("mistake", BAD)
def test_a_mistake_is_named_quoted_and_answered(mistake):
    check_refused(*BAD[mistake])


def test_an_identity_matrix_of_as_many_items_as_units_passes():
    small(stimuli=(Stimulus("cue", "units", items="N", draw="eye()"),))
    squares = squares_model()
    other = replace(squares.projections[2], name="uneven", current="", initial={"v": "eye()"})
    rule = LearningRule("use", "uneven", continuous="dv/dt = -v/tau : 1")
    with pytest.raises(RuleError, match=r"projection 'uneven': initial\['v'\]='eye\(\)': .* 1 rows and 10 columns"):
        squares.replace(projections=(*squares.projections, other), rules=(*squares.rules, rule))


@pytest.mark.parametrize(
    "spiking",
    [
        SpikingRule(on_pre="w += eta*count_pre*x_post", on_post="change = eta*count_post*x_s_pre\nw += change"),
        SpikingRule(clocked="dtrace/dt = (x_activity_post - trace)/tau_m : 1\ndw/dt = eta*trace*x_pre/tau : 1"),
        SpikingRule(clocked="seen : 1", on_pre="seen = cells_per_unit", on_post="w += eta*seen*int(t > 2*spike_dt)"),
        SpikingRule(on_post="w -= eta*count_post/(rate_max*(tau + t_ref))*sigma_v"),
        SpikingRule(why="nothing is learned from spikes"),
    ],
)
def test_a_spiking_text_may_read_what_the_spiking_variant_adds(spiking):
    model = small(**hebb(spiking=spiking))
    assert translate(model, "spiking").connection("recurrent").equations


def test_a_start_variable_of_two_populations_is_ambiguous():
    other = Population("others", "dx/dt = -x/tau : 1", size=1)
    with pytest.raises(RuleError, match="start='x' is a variable of units, others"):
        small(populations=(UNITS, other))


def test_a_variable_of_another_population_needs_a_projection():
    other = Population("others", "dy/dt = (x - y)/tau : 1", size=1)
    with pytest.raises(RuleError, match=r"line 1 .*'x' belongs to population 'units'\. Sum it into a variable"):
        small(populations=(UNITS, other), protocol=Protocol((replace(LEARN, start={}),), (Each("learn"),)))


def test_a_projection_between_two_populations_tells_whose_variable_is_meant():
    other = Population("others", "dy/dt = -y/tau : 1", size=1)
    to_other = Projection("out", "units", "others", initial={"v": "0"})
    wrong = LearningRule("wrong", "out", continuous="dv/dt = x_post/tau : 1")
    with pytest.raises(
        RuleError, match=r"rule 'wrong'.*'x_post' cannot be used here: 'x' belongs to 'units' .* Write x_pre"
    ):
        small(populations=(UNITS, other), projections=(RECURRENT, to_other), rules=(HEBB, wrong))


def test_a_copy_may_leave_out_what_used_a_parameter():
    model = get_model("kurikawa2020")
    free = Phase("free", duration="T_recall", gates={"plastic": 0}, start={"x": "uniform(-1, 1)"}, average="T_average")
    copy = model.replace(protocol=Protocol((free,), (Each("free", items="starts"),)), observables=())
    assert copy.protocol.phases == (free,)
    assert copy.replace(name="again").name == "again"
    with pytest.raises(RuleError, match="recalled: phase 'recall' is not one of 'free'"):
        copy.replace(varied=False)
    with pytest.raises(RuleError, match="nothing in the model names it"):
        copy.replace(varied=False, recalled=None)


def test_a_copy_is_checked_again():
    model = get_model("kurikawa2020")
    with pytest.raises(RuleError, match="unknown name 'overlap'"):
        model.replace(observables=())
    learn, recall = model.protocol.phases
    with pytest.raises(RuleError, match="'plastic'"):
        model.replace(protocol=Protocol((replace(learn, gates={}), recall), model.protocol.schedule))


def test_models_that_differ_in_how_they_were_made_are_equal():
    assert small().replace() == small()


def test_third_factors_have_the_unit_that_their_population_declares():
    wrong = Projection("spread", "energy", "ring", current="third_post = E_now_pre : hertz**3 (summed)")
    model = energy_model()
    with pytest.raises(RuleError, match=r"projection 'spread'.*'third' with unit 1 \(none\)"):
        energy_model(projections=(*model.projections[:2], wrong))


def test_bounds_have_the_unit_of_their_weight():
    model = energy_model()
    with pytest.raises(RuleError, match="a bound of 'w' must have unit Hz"):
        energy_model(rules=(replace(model.rules[0], bounds={"w": (0, 1)}),))


def test_the_parameters_of_cells_are_those_that_the_translation_adds():
    assert {item.name for item in SPIKING_PARAMETERS} == set(CELL_PARAMETERS)
    for item in SPIKING_PARAMETERS:
        assert get_dimensions(item.value) is get_dimensions(CELLS[item.name]), item.name


def test_parts_of_a_model_are_found_by_name():
    model = small()
    assert model.population("units") is UNITS
    assert model.projection("recurrent") is RECURRENT
    assert model.parameter("tau").value == 20 * ms
    assert model.protocol.phase("learn") is LEARN
    assert model.protocol.gates == ("plastic",)
    assert (HEBB.form, HEBB.text) == ("continuous", HEBB.continuous)


def test_bounds_that_are_the_wrong_way_round_are_refused():
    from brainmem import LearningRule, RuleError, get_model

    model = get_model("kurikawa2020")
    (rule,) = model.rules
    turned = LearningRule("turned", "recurrent", continuous=rule.continuous, bounds={"w": (1, 0)})
    with pytest.raises(RuleError, match=r"bounds of 'w' must be \(lowest, highest\)"):
        model.replace(rules=(turned,))


@pytest.mark.parametrize("name", ["order", "name", "events"])
def test_a_name_that_is_an_attribute_of_brian2_groups_is_refused(name):
    from brainmem import Parameter, RuleError, get_model

    model = get_model("kurikawa2020")
    with pytest.raises(RuleError, match="is an attribute of Brian2's groups"):
        model.replace(parameters=(*model.parameters, Parameter(name, 1.0)))


def test_a_single_phase_is_a_protocol_that_runs_it_once():
    parts = {
        "parameters": (Parameter("N", 3), Parameter("tau", 10 * ms)),
        "populations": (Population("units", "dx/dt = -x/tau : 1", size="N", initial={"x": "1"}),),
    }
    phase = Phase("decay", duration="20*ms")
    alone = MemoryModel("leaky", protocol=phase, **parts)
    assert alone.protocol == Protocol((phase,), (Each("decay", items=1),))
    assert alone == MemoryModel("leaky", protocol=alone.protocol, **parts)
    assert alone == alone.replace(protocol=phase)


def test_items_of_a_schedule_are_the_memories_where_a_model_has_such_a_number():
    body = (Repeat(2, (Each("decay"), Each("decay", items=4))),)
    parts = {
        "populations": (Population("units", "dx/dt = -x/tau : 1", size="N", initial={"x": "1"}),),
        "protocol": Protocol((Phase("decay", duration="20*ms"),), body),
    }
    few = (Parameter("N", 3), Parameter("tau", 10 * ms))
    for given, items in ((few, 1), ((*few, Parameter("M", 5)), "M")):
        (repeat,) = MemoryModel("leaky", parameters=given, **parts).protocol.schedule
        assert [each.items for each in repeat.body] == [items, 4]
