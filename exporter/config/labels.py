"""Labels that an account or a project is given, shown by ``quantconnect_project_labels``."""

import re

from exporter.config.document import Section
from exporter.config.model import Labels

_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""What Prometheus takes for the name of a label in every version."""


def read_labels(section: Section, base: Labels = ()) -> Labels:
    """Return ``base`` with the section's ``labels`` over it; names are those that Prometheus allows."""
    given = section.section("labels", None)
    labels = dict(base)
    for name in given:
        value = given.text(name, None)
        if not _LABEL_NAME.fullmatch(name):
            given.problem(name, "a label's name must be letters, digits and _, and not begin with a digit")
        elif value is not None:
            labels[name] = value
    return tuple(sorted(labels.items()))
