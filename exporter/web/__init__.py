"""The HTTP server: metrics, status page and health."""
