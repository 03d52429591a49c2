"""A simulated QuantConnect: a market, accounts, live projects, and the API that shows them over HTTP.

It shares no code with the parsers of the exporter, so that one can be tested against the other.
"""
