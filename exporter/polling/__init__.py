"""When to ask QuantConnect, for what, and what happens to the answer."""
