"""Limits: which of several holds."""

import pytest

from exporter.config.model import LimitName
from tests.config.texts import ONE


def _limits(load, text, project="{}"):
    config = load(f"{ONE}limits: {text}\nprojects: [{{id: 1, limits: {project}}}]").config
    return {
        (name.value, severity.value): bound
        for (name, severity), bound in config.projects[0].settings.limits.items()
        if name is LimitName.DRAWDOWN_RATIO
    }


@pytest.mark.parametrize(
    ("text", "project", "warning", "critical"),
    [
        ("{}", "{}", 0.1, 0.2),
        ("{drawdown_ratio: {warning: 0.05}}", "{}", 0.05, 0.2),
        ("{drawdown_ratio: {warning: 0.05}}", "{drawdown_ratio: {critical: 0.3}}", 0.05, 0.3),
        ("{drawdown_ratio: {critical: null}}", "{}", 0.1, None),
        ("{drawdown_ratio: {critical: ~}}", "{drawdown_ratio: {warning: 0.9}}", 0.9, None),
        ("{drawdown_ratio: {critical: null}}", "{drawdown_ratio: {critical: 0.5}}", 0.1, 0.5),
        ("{drawdown_ratio: null}", "{}", None, None),
        ("{drawdown_ratio: null}", "{drawdown_ratio: {warning: 0.1}}", 0.1, None),
        ("{}", "{drawdown_ratio: null}", None, None),
        ("{drawdown_ratio: {warning: -0, critical: 1e-3}}", "{}", 0.0, 0.001),
        ("{drawdown_ratio: {warning: .5, critical: 1.}}", "{}", 0.5, 1.0),
    ],
)
def test_limits_lie_over_each_other_one_by_one(load, text, project, warning, critical):
    """A project's limit comes before the general one, that before the built-in one; null takes it away."""
    expected = {("drawdown_ratio", "warning"): warning, ("drawdown_ratio", "critical"): critical}

    assert _limits(load, text, project) == {
        key: bound for key, bound in expected.items() if bound is not None
    }
