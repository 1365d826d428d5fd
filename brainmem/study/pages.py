"""What pages of HTML share: their template and style, and figures that stand in the page itself."""

from __future__ import annotations

import base64
import io
from importlib.resources import files
from typing import Any

from jinja2 import Environment, Template
from matplotlib.figure import Figure

__all__ = ["embedded", "page_template"]

_LARGEST_SVG = 500_000
_PNG_DPI = 180


def page_template(name: str) -> Template:
    """Return the template of a page, which knows the style of all pages as ``style``."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = _read("page.css")
    return environment.from_string(_read(name))


def _read(name: str) -> str:
    return files("brainmem.study").joinpath(name).read_text(encoding="utf-8")


def embedded(figure: Figure) -> str:
    """Return a figure as a data address: SVG, or PNG where SVG grows too large."""
    svg = _rendered(figure, "svg")
    if len(svg) <= _LARGEST_SVG:
        return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    return f"data:image/png;base64,{base64.b64encode(_rendered(figure, 'png', dpi=_PNG_DPI)).decode()}"


def _rendered(figure: Figure, kind: str, **options: Any) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format=kind, **options)
    return target.getvalue()
