"""Compare what rules do in both variants: measured drifts with held weights, and what is expected of them."""
