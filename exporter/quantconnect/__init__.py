"""Everything that knows QuantConnect's REST API."""
