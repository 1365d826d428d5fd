"""The delayed two-choice task of Rajan, Harvey & Tank (2016): two sequences in one network.

Units prefer the left trial (item 0), the right one (item 1) or neither, and in each of these
populations the bumps tile the trial. A unit shows its bump in the trial it prefers and is silent in
the other; units without preference show the same bump in both. The inputs of the two trials differ
during the cue and merge when it ends: from then on only the network's own state carries the choice.
Both trials start from the same state, the mean of what their first frames need.

Departures
----------
- The order of the two trials is random in each pass, not alternating.
- Sizes of the populations, times of the cue and the merging of the inputs are second-hand or a reconstruction.
"""

from brainmem.models.rajan2016.model import frames
from brainmem.models.rajan2016.model import model as base
from brian2 import second

from brainmem import Parameter, Pattern, Stimulus

parameters = (
    Parameter("n_left", "round(0.3708*N)", meaning="units that prefer left trials (211 of 569)", source="second-hand"),
    Parameter("n_right", "round(0.3972*N)", meaning="units that prefer right trials (226)", source="second-hand"),
    Parameter("merging", 3.8 * second, meaning="time when the inputs begin to merge", source="reconstruction"),
    Parameter("merged", 4 * second, meaning="time from which they are the same", source="reconstruction"),
)

patterns = (
    Pattern("place", "units", items=1, draw="permutation()"),
    Pattern("preferred", "units", items=1, draw="int(place >= n_left) + int(place >= n_left + n_right)"),
    Pattern(
        "centre",
        "units",
        items=1,
        draw="T*(int(preferred == 0)*(place + 0.5)/n_left + int(preferred == 1)*(place - n_left + 0.5)/n_right"
        " + int(preferred == 2)*(place - n_left - n_right + 0.5)/(N - n_left - n_right))",
        unit="second",
    ),
    Pattern("first_rate", "units", items=1, draw="clip(peak*exp(-centre**2/(2*sigma**2)), lowest + eps, 1 - eps)"),
    Pattern("silence", "units", items=1, draw="clip(0, lowest + eps, 1 - eps)"),
    Pattern(
        "onset",
        "units",
        items="sequences",
        draw="theta + (0.5*log((first_rate - lowest)/(1 - first_rate))"
        " + 0.5*(int(preferred == 2)*log((first_rate - lowest)/(1 - first_rate))"
        " + int(preferred < 2)*log((silence - lowest)/(1 - silence))))/(1 - lowest)",
    ),
    Pattern("own", "units", draw="h0*filtered_noise(tau_wn)", **{**frames, "items": 1}),
    Pattern("common", "units", draw="h0*filtered_noise(tau_wn)", **{**frames, "items": 1}),
)

stimuli = (
    Stimulus(
        "R",
        "units",
        draw="peak*exp(-(time - centre)**2/(2*sigma**2))*int(int(preferred == item) + int(preferred == 2) > 0)",
        **frames,
    ),
    Stimulus(
        "h",
        "units",
        draw="int(item == 0)*clip((merged - time)/(merged - merging), 0, 1)*own"
        " + sqrt(1 - int(item == 0)*clip((merged - time)/(merged - merging), 0, 1)**2)*common",
        **frames,
    ),
    Stimulus("seen", "units", draw="1", **frames),
)

model = (
    base.vary(N=569, p=0.16, sequences=2, source="second-hand")  # the sequences are the trial types, left and right
    .vary(passes=1, tests=30, source="reconstruction")
    .replace(
        *parameters,
        patterns=patterns,
        stimuli=stimuli,
        without="coding_level",
        name="rajan2016_choice",
        description=__doc__,
    )
)
