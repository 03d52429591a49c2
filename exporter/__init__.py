"""Prometheus exporter for live trading algorithms on QuantConnect."""

__version__ = "0.1.0"
