"""YAML and environment -> frozen configuration, or every problem at once."""
