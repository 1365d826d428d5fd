"""Run the rate variant of a model in plain numpy, from the model's text alone.

Every expression is evaluated as Python over arrays: a synapse sees its source's variables as rows, its target's as
columns, its own as matrices ``[post, pre]``. All updates of a step read the state at its beginning. This file knows
nothing of translation, code generation or devices; it serves as their independent reference.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

_KNOWN = {
    **{"tanh": np.tanh, "sin": np.sin, "exp": np.exp, "clip": np.clip, "abs": np.abs},
    **{"second": 1.0, "ms": 1e-3, "Hz": 1.0, "volt": 1.0, "mV": 1e-3},
    "int": lambda condition: np.asarray(condition).astype(int),
}


def equations(text: str) -> list[tuple[str, str]]:
    """Return (left, expression) of every line with a right-hand side."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    sides = (line.split("=", 1) for line in lines if "=" in line)
    return [(left.strip(), right.rsplit(":", 1)[0].strip()) for left, right in sides]


def _part(values: Any, numbers: np.ndarray) -> Any:
    return values[numbers] if np.ndim(values) else values


@dataclass
class Reference:
    """A model at one moment: ``weights[projection][variable]`` [post, pre], ``units[population][variable]`` (unit,)."""

    model: Any
    weights: dict[str, dict[str, np.ndarray]]
    units: dict[str, dict[str, np.ndarray]]
    dt: float
    gates: dict[str, float] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        self.parameters = {item.name: float(np.asarray(item.value)) for item in self.model.parameters}
        for projection in self.model.projections:
            for left, _ in equations(projection.current):
                self.units[projection.target][left.removesuffix("_post")] = 0 * self._first(projection.target)

    def _first(self, population: str) -> np.ndarray:
        return next(iter(self.units[population].values()))

    def run(self) -> tuple[list[dict], list[dict]]:
        """Go through the protocol; return the weights after every epoch and the mean units of every phase."""
        repeat = self.model.protocol.schedule[0]
        weights, means = [], []
        for _ in range(repeat.times):
            for name in repeat.body[0].phases:
                means.append(self._phase(self.model.protocol.phase(name)))
            weights.append({name: {k: v.copy() for k, v in own.items()} for name, own in self.weights.items()})
        return weights, means

    def _phase(self, phase) -> dict[str, dict[str, np.ndarray]]:
        self.gates = {gate: float(phase.gates.get(gate, 0)) for gate in self.model.protocol.gates}
        steps = round(eval(phase.duration, {**_KNOWN, **self.parameters}) / self.dt)
        seen = [self._step() for _ in range(steps)]
        self._statements([rule for rule in self.model.rules if phase.name in rule.at])
        return {name: {k: np.mean([s[name][k] for s in seen], axis=0) for k in own} for name, own in seen[0].items()}

    def _step(self) -> dict[str, dict[str, np.ndarray]]:
        for _ in self.model.projections:  # as often as the longest chain of sums that read sums
            for projection in self.model.projections:
                self._sum(projection)
        self._plasticity()
        self._statements([rule for rule in self.model.rules if rule.periodic and self._due(rule)])
        changed = {population.name: self._advanced(population) for population in self.model.populations}
        for name, values in changed.items():
            self.units[name].update(values)
        self.number += 1
        return {name: dict(own) for name, own in self.units.items()}

    def _due(self, rule) -> bool:
        return self.number % round(eval(rule.every, {**_KNOWN, **self.parameters}) / self.dt) == 0

    def _names(self, population) -> dict[str, Any]:
        names = {**_KNOWN, **self.parameters, **self.gates, **self.units[population.name]}
        for left, expression in equations(population.equations):
            if "/dt" not in left:
                names[left] = eval(expression, names) + 0 * self._first(population.name)
        return names

    def _synapse(self, projection) -> dict[str, Any]:
        source, target = (self.model.population(name) for name in (projection.source, projection.target))
        pre, post = self._numbers(projection)
        names = {f"{key}_pre": np.reshape(_part(v, pre), (1, -1)) for key, v in self._readable(source).items()}
        names |= {f"{key}_post": np.reshape(_part(v, post), (-1, 1)) for key, v in self._readable(target).items()}
        names |= {**_KNOWN, **self.parameters, **self.weights[projection.name]}
        names |= {"N_pre": len(pre), "N_post": len(post), **self.gates}
        helpers = [projection.variables, *(r.continuous for r in self.model.rules if r.projection == projection.name)]
        for left, expression in equations("\n".join(helpers)):
            if "/dt" not in left:
                names[left] = eval(expression, names)
        return names

    def _readable(self, population) -> dict[str, np.ndarray]:
        kept = {**_KNOWN, **self.parameters}
        names = self._names(population)
        return {key: v for key, v in names.items() if key not in kept and key != "__builtins__"}

    def _numbers(self, projection) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the units that a projection joins, of the source and of the target."""
        parts = (projection.source, projection.source_units), (projection.target, projection.target_units)
        known = {item.name: item.value for item in self.model.parameters}
        return tuple(eval(f"x[{text or ':'}]", known, {"x": np.arange(len(self._first(name)))}) for name, text in parts)

    def _present(self, projection) -> np.ndarray:
        pre, post = self._numbers(projection)
        absent = projection.source == projection.target and not projection.self_connections
        return post[:, None] != pre[None, :] if absent else np.ones((len(post), len(pre)), dtype=bool)

    def _sum(self, projection) -> None:
        present = self._present(projection)
        for left, expression in equations(projection.current):
            terms = np.where(present, eval(expression, self._synapse(projection)), 0)
            total = 0 * self._first(projection.target)
            total[self._numbers(projection)[1]] = terms.sum(axis=1)
            self.units[projection.target][left.removesuffix("_post")] = total

    def _plasticity(self) -> None:
        for projection in self.model.projections:
            names, own = self._synapse(projection), self.weights[projection.name]
            changed = {}
            for rule in (r for r in self.model.rules if r.projection == projection.name and r.continuous):
                for left, expression in equations(rule.continuous):
                    if "/dt" in left:
                        name = left.removesuffix("/dt")[1:]
                        changed[name] = own[name] + self.dt * eval(expression, names)
                        changed[name] = self._bounded(rule, name, changed[name])
            self._assign(projection, changed)

    def _bounded(self, rule, name: str, values: np.ndarray) -> np.ndarray:
        if name not in rule.bounds:
            return values
        return np.clip(values, *(eval(str(limit), {**_KNOWN, **self.parameters}) for limit in rule.bounds[name]))

    def _statements(self, rules: list) -> None:
        for rule in sorted(rules, key=lambda rule: rule.order):
            projection = self.model.projection(rule.projection)
            names = {
                key: np.array(v) if isinstance(v, np.ndarray) else v for key, v in self._synapse(projection).items()
            }
            exec("\n".join(line.strip() for line in rule.text.splitlines()), names)
            own = self.weights[projection.name]
            self._assign(projection, {name: self._bounded(rule, name, names[name]) for name in own})

    def _assign(self, projection, changed: dict[str, np.ndarray]) -> None:
        own, present = self.weights[projection.name], self._present(projection)
        for name, values in changed.items():
            own[name] = np.where(present, values, own[name])

    def _advanced(self, population) -> dict[str, np.ndarray]:
        names = self._names(population)
        lines = [(left.removesuffix("/dt")[1:], e) for left, e in equations(population.equations) if "/dt" in left]
        return {name: self.units[population.name][name] + self.dt * eval(text, names) for name, text in lines}
