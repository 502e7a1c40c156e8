"""What a GPU makes of scoring, training and serving: one script, in parts that survive each other's failure."""
