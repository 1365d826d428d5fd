"""Many runs: points, their store, and the processes that run them."""
