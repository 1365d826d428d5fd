"""What the process that forks builds keeps for them."""

from __future__ import annotations

from brian2.devices.cpp_standalone.codeobject import CPPStandaloneCodeObject
from jinja2 import Environment

from brainmem.build.codegen.dense import dense_class
from brainmem.build.codegen.snapshot import flagged_class
from brainmem.build.codegen.warm import warm_up


def test_a_fork_finds_the_templates_read_however_it_asks_for_their_class(monkeypatch):
    warm_up()
    compiled = []
    monkeypatch.setattr(Environment, "compile", lambda *args, **options: compiled.append(args))
    base = CPPStandaloneCodeObject
    for kind in (dense_class(base), dense_class(base, presynaptic_first=False)):
        for name in ("common_group", "dense_step", "dense_loops", "dense_event", "deferred_change"):
            kind.templater.templates.get_template(name)
            kind.templater.env.get_template(f"{name}.cpp")
    flagged_class(base).templater.env.get_template("common_group.cpp")
    assert not compiled
