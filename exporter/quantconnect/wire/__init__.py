"""JSON of every generation of LEAN -> domain values, or Malformed with the path of what is wrong."""
