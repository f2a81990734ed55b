"""A Kubernetes cluster on this Linux machine, from package registries alone.

What others may rely on:

- ``programs.ensure("etcd", "kube-apiserver")`` gives paths of built programs, building only what the cache lacks.
- ``controlplane.ControlPlane(directory)`` is an API server on loopback, without root, for the integration tests.
- ``cluster.up()``, ``cluster.down()`` and ``cluster.status()`` are the whole node, as root; ``python -m localcluster``
  offers them on the command line.
- ``images.load(...)`` brings images into the node.
- ``progress.step("...")`` is how long work is shown, ``progress.StepError`` how it ends badly: title, cause, log.

Modules that only decide (``node``, ``certificates``, ``kubeconfig``) do no I/O.
"""
