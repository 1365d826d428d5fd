"""Make ``python -m brainmem`` the command ``brainmem``."""

from brainmem.cli import app

app(prog_name="brainmem")
