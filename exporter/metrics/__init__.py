"""Published state -> exposition bytes."""
