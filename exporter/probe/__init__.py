"""``--config.probe``: what the exporter would do with a configuration, tried and told."""
