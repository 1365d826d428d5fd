"""What phases set when they begin and end is made right in the mean, where dynamics or rules read it.

A variable that keeps a rate holds the noise of its spikes; one that is kept for what was expected of it stands beside
it where something reads it beyond linearly (`expected`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from brainmem.model.nouns import Protocol
from brainmem.model.phases import Turn
from brainmem.text.equations import split_statement, statement_lines
from brainmem.translation.noise import Name, Noise
from brainmem.translation.products import Noisy, expected_text, mean_text

__all__ = ["PhaseTexts"]


class PhaseTexts:
    """The statements of phases over noisy names.

    Parameters
    ----------
    noise : Noise
    noisy : callable
        Returns the noisy names of a population as others read them.
    expected_name : callable
        Returns the name of what is expected in place of a variable.
    """

    def __init__(self, noise: Noise, noisy: Callable[[str], Noisy], expected_name: Callable[[str], str]) -> None:
        self.noise, self.noisy, self.expected_name = noise, noisy, expected_name

    def changes(self) -> Iterator[tuple[Turn, str]]:
        """Yield every text that its mean needs changed, with the new one; this asks for what is expected in it."""
        for turn in self.noise.turns:
            if (code := self._changed(turn)) != turn.code:
                yield turn, code

    def ask(self, owner: str, name: str) -> None:
        """Ask for all that the expected values of a variable read."""
        for turn in (turn for turn in self.noise.turns if turn.population == owner):
            for target, value in self.noise.settings(turn):
                if target == name:
                    self._expected(owner, value)

    def gains(self, owner: str, name: str) -> bool:
        """Tell whether a variable is set to something that goes beyond what is linear in noisy rates."""
        values = (
            value
            for turn in self.noise.turns
            for target, value in self.noise.settings(turn)
            if (turn.population, target) == (owner, name)
        )
        silent = Noisy(self.noisy(owner).sources, self.expected_name)
        return any(mean_text(text := self.noise.written(owner, value), silent) != text for value in values)

    def protocol(self, wanted: Collection[Name]) -> Protocol:
        """Return the protocol with its statements changed, and beside them those that set what is `wanted`."""
        protocol = self.noise.model.protocol
        codes = {(t.phase.name, t.moment, t.population): self._whole(t, wanted) for t in self.noise.turns}
        phases = tuple(
            replace(phase, **{m: _of(codes, phase.name, m) for m in ("begin", "end") if getattr(phase, m)})
            for phase in protocol.phases
        )
        return replace(protocol, phases=phases)

    def _changed(self, turn: Turn) -> str:
        lines = (split_statement(line) for line in statement_lines(turn.code))
        return "\n".join(f"{name} {operator} {self._mean(turn, name, value)}" for name, operator, value in lines)

    def _mean(self, turn: Turn, name: str, value: str) -> str:
        if (turn.population, name) not in self.noise.fed:
            return value
        written = self.noise.written(turn.population, value)
        found = mean_text(written, self.noisy(turn.population))
        return value if found == written else found

    def _expected(self, owner: str, value: str) -> str:
        names = self.noisy(owner)
        return expected_text(self.noise.written(owner, value), names) if names.sources else value

    def _whole(self, turn: Turn, wanted: Collection[Name]) -> str:
        found = []
        for line in statement_lines(turn.code):
            name, operator, value = split_statement(line)
            if (turn.population, name) in wanted and not self.noise.is_rate(turn.population, name):
                found.append(f"{self.expected_name(name)} {operator} {self._expected(turn.population, value)}")
            found.append(f"{name} {operator} {self._mean(turn, name, value)}")
        return "\n".join(found)


def _of(codes: Mapping[tuple[str, str, str], str], phase: str, moment: str) -> dict[str, str]:
    return {owner: code for (name, when, owner), code in codes.items() if (name, when) == (phase, moment)}
