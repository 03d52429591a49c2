"""``--config.probe``: tries a configuration, and reports what the exporter would do with it."""
