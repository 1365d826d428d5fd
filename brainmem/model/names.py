"""Names that are made of others; `brainmem.model.checks.generated` keeps a model from using them for itself."""

from __future__ import annotations

__all__ = [
    "affine_tables",
    "carrier_of",
    "current_table",
    "defined_name",
    "during_gate",
    "expected_name",
    "fano_table",
    "formed_name",
    "gathering_of",
    "kept_name",
    "key_of_rank",
    "late_name",
    "part_name",
    "ranks_of",
    "reached_tables",
    "settle_table",
    "shadow_name",
    "spread_of",
    "statistic_name",
    "twin_name",
    "watched_of",
    "window_gate",
]


def during_gate(rule: str) -> str:
    """Return the name of the gate that is open in the phases of a rule's `during`."""
    return f"{rule}_during"


def window_gate(rule: str) -> str:
    """Return the name of the gate that spreads an episodic rule over its averaging window."""
    return f"{rule}_window"


def statistic_name(rule: str, kind: str, number: int) -> str:
    """Return the name of a variable that holds a statistic which a rule reads, counted by kind from 1."""
    return f"{rule}_{kind}_{number}"


def formed_name(rule: str, number: int) -> str:
    """Return the name of the operation that forms statistics of a rule, in front of its part of this number."""
    return f"{rule}_statistics_{number}"


def part_name(rule: str, number: int) -> str:
    """Return the name of an earlier part of a rule whose statements read statistics in between."""
    return f"{rule}_part_{number}"


def kept_name(rule: str, name: str) -> str:
    """Return the name of a variable that keeps a value which statements name, for a later part of their rule."""
    return f"{rule}_kept_{name}"


def defined_name(variable: str) -> str:
    """Return the name of a number that is nan where a least or greatest value has met one that is nan."""
    return f"{variable}_defined"


def late_name(name: str, projection: str) -> str:
    """Return the name of a variable as a projection with a delay sees it."""
    return f"{name}_late_{projection}"


def key_of_rank(rank: str) -> str:
    """Return the name of the value by which units are compared for a rank."""
    return f"{rank}_key"


def ranks_of(population: str) -> str:
    """Return the name of the projection that counts the units before each unit of a population."""
    return f"{population}_ranks"


def expected_name(name: str) -> str:
    """Return the name of what is expected in place of a noisy variable."""
    return f"{name}_expected"


def current_table(population: str) -> str:
    """Return the name of the table that holds a population's inverted f-I curve."""
    return f"{population}_current"


def affine_tables(population: str) -> tuple[str, str]:
    """Return the names of the one-row tables with the slope and the offset of a population's current."""
    return f"{population}_slope", f"{population}_offset"


def reached_tables(population: str) -> tuple[str, str, str]:
    """Return the names of the table of rates that affine cells reach, and of the slope and the offset of its row."""
    return f"{population}_reached", f"{population}_row_slope", f"{population}_row_offset"


def settle_table(population: str) -> str:
    """Return the name of the table that tells where the cells of a population are drawn anew."""
    return f"{population}_settle"


def fano_table(population: str) -> str:
    """Return the name of the table that holds the Fano factor of a population's cells."""
    return f"{population}_fano"


def shadow_name(variable: str) -> str:
    """Return the name of a variable's shadow, in a check of the spiking variant."""
    return f"{variable}_shadow"


def twin_name(name: str) -> str:
    """Return the name of a variable's or rule's twin, in a check of the spiking variant."""
    return f"{name}_twin"


def carrier_of(observable: str) -> str:
    """Return the name of the population of one unit that holds an observable which something reads."""
    return f"{observable}_value"


def gathering_of(observable: str) -> str:
    """Return the name of the projection that sums an observable up for what reads it."""
    return f"{observable}_sum"


def watched_of(name: str) -> str:
    """Return the name of the observable by which conditions read a variable of a single unit."""
    return f"{name}_watched"


def spread_of(name: str, population: str) -> str:
    """Return the name of the projection by which a population gets a number of the whole network."""
    return f"{name}_to_{population}"
