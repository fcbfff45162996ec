"""`make ablation`: what each of the three ideas brings, at equal steps, over several seeds."""
