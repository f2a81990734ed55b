"""The objects of group `taskyard.dev`, version `v1alpha1`, as pydantic models, one file per kind.

No logic lives here: the models give the CRD schemas (`python -m taskyard.api.crd`), their descriptions are what
`kubectl explain` prints, and their enums are the words that every process uses.
"""

GROUP = "taskyard.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
