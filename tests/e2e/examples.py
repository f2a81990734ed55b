"""An example of deploy/examples with a real agent, built from its Dockerfile and manifests. Its model is a script
(tests/agents/modelserver.py) in the same Pod, so that no request leaves the Pod.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from e2e import tier
from e2e.kubectl_namespace import KubectlNamespace
from localcluster import images, locations

MODEL = locations.REPOSITORY / "tests" / "agents" / "modelserver.py"
MODEL_URL = "http://127.0.0.1:8080"
PROMPT = "Please write hello.txt saying hello there\nthen stop."
WORKING = PROMPT.splitlines()[0]

Object = dict[str, Any]


class Example:
    """One folder of deploy/examples, applied in the test's own namespace."""

    def __init__(self, ns: KubectlNamespace, folder: str) -> None:
        self.ns = ns
        self._folder = f"deploy/examples/{folder}"

    def set_up(self, *versions: str, environment: Mapping[str, str]) -> None:
        """Builds the image and loads it into the node, applies the Secret and each of these versions (named by their
        files), with `environment` for the agent and the script beside it.
        """
        ns = self.ns
        manifests = [self._with_model(self.manifest(version), environment) for version in versions]
        (image,) = {_agent_of(manifest)["image"] for manifest in manifests}
        with tier.steps():
            images.load(images.ensure_agent(f"{self._folder}/Dockerfile", image))
        script = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "model"},
            "data": {MODEL.name: MODEL.read_text()},
        }
        ns.apply(script, self.manifest("secret"), *manifests)

    def begin(self, name: str = "hello", **spec: Any) -> None:
        """Applies the example's Task with a prompt that the script understands."""
        task = self.manifest("task")
        task["metadata"]["name"] = name
        task["spec"] |= {"prompt": PROMPT, **spec}
        self.ns.apply(task)

    def manifest(self, name: str) -> Object:
        manifest: Object = yaml.safe_load((locations.REPOSITORY / self._folder / f"{name}.yaml").read_text())
        del manifest["metadata"]["namespace"]
        return manifest

    def _with_model(self, version: Object, environment: Mapping[str, str]) -> Object:
        pod = version["spec"]["pod"]["spec"]
        _agent_of(version)["env"] += [{"name": name, "value": value} for name, value in environment.items()]
        pod["containers"].append(
            {
                "name": "model",
                "image": self._image_with_python(),
                "command": ["python3", f"/model/{MODEL.name}", "--port", "8080"],
                "volumeMounts": [{"name": "model", "mountPath": "/model"}],
            }
        )
        pod["volumes"] = [{"name": "model", "configMap": {"name": "model"}}]
        return version

    def _image_with_python(self) -> str:
        return self.ns.kubectl(
            *("get", "deployment", "taskyard-operator", "--namespace=taskyard"),
            "--output=jsonpath={.spec.template.spec.containers[0].image}",
        )


def _agent_of(version: Object) -> Object:
    agent: Object = version["spec"]["pod"]["spec"]["containers"][0]
    return agent
