"""Selection: rules that turn Scores into a Decision, and the admission of whole batches. Pure: numpy at most."""
