"""The schema of the chart's values."""

import json
from typing import Any

import pytest
import yaml

from unit.chart.rendering import CHART, Helm, Manifest


@pytest.mark.parametrize(
    ("setting", "complaint"),
    [
        pytest.param("imag.tag=1", "imag", id="an unknown key"),
        pytest.param("operator.replica=2", "replica", id="an unknown nested key"),
        pytest.param("operator.leaderElection.leaseDuration=1m", "leaseDuration", id="a duration in minutes"),
        pytest.param("templates.allow.hostpath=true", "hostpath", id="a permission in the wrong case"),
        pytest.param("templates.allow.hostPath=yes", "hostPath", id="a permission that is not a boolean"),
        pytest.param("gateway.replicas=-1", "replicas", id="a negative number of replicas"),
        pytest.param("gateway.autoscaling.cpu=much", "cpu", id="an invalid CPU quantity"),
        pytest.param("gateway.people.limits.burst=0", "burst", id="a limit of zero"),
        pytest.param("operator.inputs.maxQueuedPerTask=0", "maxQueuedPerTask", id="a bound of zero"),
        pytest.param("policies.objects.maxTextBytes=64", "maxTextBytes", id="a bound that fits nothing"),
        pytest.param("notifier.allow.networks={10.0.0.0}", "networks", id="an address that is no network"),
        pytest.param("notifier.allow.mailServer={a}", "mailServer", id="a list of another name"),
        pytest.param("policies.createdBy.mayRestore=velero", "mayRestore", id="an account that is no list"),
        pytest.param("policies.audit.enabled=yes", "audit", id="a policy that is neither on nor off"),
        pytest.param("gateway.audit.enabled=1", "audit", id="a log that is neither on nor off"),
        pytest.param("logLevel=LOUD", "logLevel", id="an unknown level"),
        pytest.param("image.repository=", "repository", id="no image"),
        pytest.param("image.pullPolicy=Sometimes", "pullPolicy", id="an unknown pull policy"),
        pytest.param("sidecar.resources.requests.memory=much", "memory", id="an invalid quantity"),
        pytest.param("imagePullSecrets[0]=one", "imagePullSecrets", id="a pull secret that is not an object"),
    ],
)
def test_an_invalid_value_is_refused_by_name(helm: Helm, setting: str, complaint: str) -> None:
    result = helm("template", "any-release", str(CHART), "--set", setting)
    assert result.returncode != 0
    assert complaint in result.stderr


def test_every_value_has_a_rule_in_the_schema() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    def check(rule: Manifest, value: Any, path: str) -> None:
        if "$ref" in rule:
            rule = schema["definitions"][rule["$ref"].rpartition("/")[2]]
        if rule.get("type") == "object" and "properties" in rule:
            assert rule["additionalProperties"] is False, f"{path} accepts any key"
            for name, inner in value.items():
                assert name in rule["properties"], f"{path}.{name} is not in the schema"
                check(rule["properties"][name], inner, f"{path}.{name}")

    check(schema, values, "values")
