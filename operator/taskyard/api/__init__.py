"""The objects of group `taskyard.dev`, version `v1alpha1`, as pydantic models, one file per kind.

There is no logic here: the CRD schemas are generated from the models (`python -m taskyard.api.crd`), their descriptions
are what `kubectl explain` prints, and their enums hold the values that every process uses.
"""

GROUP = "taskyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
