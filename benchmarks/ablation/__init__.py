"""`make ablation`: what each of the three ideas gains, at equal steps, over several seeds."""
