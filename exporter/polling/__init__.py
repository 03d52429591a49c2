"""When to ask, whom, and what happens to the answer."""
