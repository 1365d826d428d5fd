"""What the numbers of each claim of Deistler et al. (2018) say together with those of its controls.

Each function takes what was found, a mean for each quantity of the claim, and returns a sentence. Controls that run at
full size only are named where they are missing.
"""

import brainmem.models.deistler2018.networks as run

RULES = tuple(run.SEQUENCE)
ESTIMATES = ("Eq. 11", "counts")


def of_one_new(found):
    """Return the verdict of C1: what is left of the old patterns, and what self-connections have to do with it."""
    old = [found[f"Dice of the old at the end, {rule}"] for rule in RULES]
    new = {rule: found[f"control, no self-connections: Dice of the new, {rule}"] for rule in RULES}
    needed = (
        "This needs self-connections: without them" if new["weight threshold"] < 0.5 else "Without self-connections"
    )
    return (
        f"Hebb's rule leaves the old patterns a Dice of {old[0]:.2f}, the others {min(old[1:]):.2f} or more. {needed} "
        f"the weight threshold learns the new pattern to {new['weight threshold']:.2f}, the exponential rule to "
        f"{new['exponential']:.2f}."
    )


def _kept(found, rule):
    """Return in words how many patterns a rule keeps at the loads of 60 and 90, or at the largest."""
    kept = {n: found[key] for n in (20, 30, 60, 90) if (key := f"{rule}: kept after {n}") in found}
    loads = [n for n in (60, 90) if n in kept] or [max(kept)]
    return "it keeps " + " and ".join(f"{kept[n]:.1f} of {n}" for n in loads)


def of_hebb(found):
    """Return the verdict of C2: Hebb's rule beside the same rule with a threshold fitted too."""
    said, refitted = _kept(found, "hebb"), found.get("control, theta fitted too: kept of 60, hebb")
    if refitted is None:
        return f"{said}. The control, a threshold fitted too, runs at full size."
    annealed = found["control, theta fitted too: kept of 60, 1/n annealing"]
    cause = ": the threshold fails, not the rule" if refitted > 2 * found["hebb: kept after 60"] else ""
    return f"{said}; with a threshold that is fitted too {refitted:.1f} of 60, and 1/n annealing {annealed:.1f}{cause}."


def of_load(found):
    """Return the verdict of C3: the weight threshold beside weights stored at once."""
    said = _kept(found, "weight threshold")
    batch = found.get("control, stored at once: fraction kept of 60, Willshaw")
    if batch is None:
        return f"{said}; whether all are lost together shows at full size."
    return f"{said}. Stored at once by clipped weights (Willshaw), {60 * batch:.1f} of 60 are kept from noisy cues."


def of_stream(found):
    """Return the verdict of C4: a stream of 200 patterns in the fair test."""
    said, hebb = _kept(found, "exponential"), found.get("control, stream, fair test: kept of 200, hebb")
    if hebb is None:
        return f"{said}. The control, a stream of 200 in the fair test, runs at full size."
    other = found["control, stream, fair test: kept of 200, exponential"]
    return f"{said}. Of a stream of 200 in the fair test it keeps {other:.1f}, Hebb's rule {hebb:.1f}."


def of_gate(found):
    """Return the verdict of C5: the gate beside noisy cues, and without curvature."""
    said, alone = _kept(found, "exponential, gate"), found.get("control, no curvature: kept of 60, gate alone")
    noisy = found["control, cues with 2 of 10 moved: kept of 40, exponential, gate"]
    kind = ": fixed points, not completion of patterns" if noisy < 10 else ""
    only = f"With 2 of 10 units of the cue moved, {noisy:.1f} of 40 are left{kind}."
    return f"{said}. {only}" if alone is None else f"{said}; the gate without curvature {alone:.1f} of 60. {only}"


def of_curvature(found):
    """Return the verdict of C6: how far estimates follow the exact curvature."""
    by_s = {s: [found[f"correlation with the exact F, {name}, s={s}"] for name in ESTIMATES] for s in (0.2, 0.02)}
    (local, dense), (sparse, thin) = by_s[0.2], by_s[0.02]
    return (
        f"{'if patterns are sparse: ' if sparse > 0.9 > local else ''}Eq. 11 correlates with the exact curvature by "
        f"{sparse:.2f} at s=.02 and {local:.2f} at s=.2; counts of coincidences by {min(dense, thin):.2f} or more at "
        "both."
    )


def of_start(found):
    """Return the verdict of C7: what is kept from other start weights."""
    kept = {start: found[f"kept of 60, weight threshold, from {start}"] for start in run.STARTS}
    return (
        f"not confirmed: from zeros the weight threshold keeps {kept['zeros']:.1f}, from 20 patterns "
        f"{kept['20 patterns']:.1f}; from large random weights {kept['N(0, .1)']:.1f}."
        if kept["zeros"] > kept["20 patterns"] - 5
        else f"from zeros the weight threshold keeps {kept['zeros']:.1f}, from 20 patterns {kept['20 patterns']:.1f}."
    )


def of_fair(found):
    """Return the verdict of C8: all rules of the fair test in their order, beside controls."""
    loads = sorted({int(key.split()[2].rstrip(",")) for key in found if key.startswith("kept after")})
    load = 40 if 40 in loads else loads[-1]
    kept = {key.partition(", ")[2]: value for key, value in found.items() if key.startswith(f"kept after {load},")}
    listed = "; ".join(f"{rule} {value:.1f}" for rule, value in sorted(kept.items(), key=lambda item: -item[1]))
    said = f"without self-connections, from noisy cues, fitted for that, of {load} are kept: {listed}."
    if "gate alone" not in kept:
        return f"{said} Other controls run at full size."
    blind = max(kept["gate alone"], kept["1/n annealing"])
    more = [rule for rule, value in kept.items() if value > blind + 2 and "shuffled" not in rule]
    shuffled = kept["exponential, shuffled"] - kept["hebb"]
    return (
        f"{said} The gate alone and 1/n annealing, without curvature, keep up to {blind:.1f}; more than 2 above them: "
        f"{'; '.join(more) or 'none'}. Importances of other synapses change Hebb's number by {shuffled:+.1f}."
    )


def of_cells(found):
    """Return the verdict of S1: rules in cells beside Hebb's."""
    rules = ("coincidences", "exponential", "gate alone", "coincidences, gate", "hebb")
    kept = {rule: found.get(f"kept of 40, weights read out, noisy cues, {rule}") for rule in rules}
    listed = "; ".join(f"{rule} {value:.1f}" for rule, value in kept.items() if value is not None)
    said = f"cells that learn 40 patterns keep, from noisy cues: {listed}."
    if kept["gate alone"] is None:
        return f"{said} The gate and the exponential rule run at full size."
    exact = [found[f"kept of 40, weights read out, exact cues, {rule}"] for rule in ("gate alone", "hebb")]
    return (
        f"{said} Coincidences keep {kept['coincidences'] / kept['hebb']:.2f} times as many as Hebb's rule, which is "
        f"fitted by the same budget; the gate alone {kept['gate alone'] / kept['hebb']:.2f} times, and from exact cues "
        f"{exact[0] / exact[1]:.2f} times."
    )
