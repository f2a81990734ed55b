"""A Kubernetes cluster on this Linux machine, from package registries alone.

The public interface:

- ``programs.ensure("etcd", "kube-apiserver")`` returns the paths of built programs and builds only those that the cache
  lacks.
- ``controlplane.ControlPlane(directory)`` is an API server on loopback, without root, for the integration tests.
- ``cluster.up()``, ``cluster.down()`` and ``cluster.status()`` manage the whole node, as root;
  ``python -m localcluster`` is their command line.
- ``images.load(...)`` brings images into the node.
- ``progress.step("...")`` shows long work; ``progress.StepError`` is its failure: title, cause, log.

Modules that only decide (``node``, ``certificates``, ``kubeconfig``) do no I/O.
"""
