"""Run a job on a device: build, compile, keep and run its program."""
