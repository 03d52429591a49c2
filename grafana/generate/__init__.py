"""Writes the dashboards: ``python -m grafana.generate``, with ``--check`` to compare only."""
