"""The forms in which rows of questions and answers are written, and what each says."""
