"""``python -m localcluster up|demo|down|status|images|load|exec``."""

import argparse
import os
import sys
from pathlib import Path

from localcluster import cluster, demo, images, install, locations, progress

_DESCRIPTION = """\
A Kubernetes cluster of one node on this Linux machine, inside namespaces of its own, built from package registries
alone. It needs root. Programs are built once and kept in the user's cache."""


def _up(arguments: argparse.Namespace) -> int:
    if arguments.install:
        return install.run(arguments)
    if not arguments.no_images:
        images.ensure_base()
    started = cluster.up()
    if not arguments.no_images:
        images.load(images.pause(), images.ensure_base())
    print(f"The cluster {'is ready' if started else 'was ready already'}: export KUBECONFIG={locations.KUBECONFIG}")
    return 0


def _down(_: argparse.Namespace) -> int:
    print("The cluster is gone." if cluster.down() else "There was no cluster.")
    return 0


def _status(_: argparse.Namespace) -> int:
    found = cluster.status()
    print(f"{found.state}: {found.detail}" + (f" (checkout {found.checkout})" if found.checkout else ""))
    return 0 if found.state == "ready" else 1


def _images(_: argparse.Namespace) -> int:
    built = images.ensure_taskyard()
    print("\n".join(built.names))
    return 0


def _load(arguments: argparse.Namespace) -> int:
    images.load(*([images.archive_at(arguments.archive)] if arguments.archive else [images.ensure_taskyard()]))
    return 0


def _exec(arguments: argparse.Namespace) -> int:
    command = cluster.inside(*arguments.command)
    os.execvp(command[0], command)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m localcluster", description=_DESCRIPTION)
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    up = verbs.add_parser("up", help="start the cluster, or find it running", description=cluster.up.__doc__)
    up.add_argument("--no-images", action="store_true", help="load no images (no Pod can start without them)")
    up.add_argument("--install", action="store_true", help="build Taskyard's image and install its chart too")
    up.set_defaults(run=_up)
    show = verbs.add_parser("demo", help="start the cluster, install Taskyard and show the life of a Task")
    show.set_defaults(run=demo.run)
    down = verbs.add_parser("down", help="stop the cluster and remove every trace of it")
    down.set_defaults(run=_down)
    state = verbs.add_parser("status", help="show what runs (exit status 0 when the cluster is ready)")
    state.set_defaults(run=_status)
    build = verbs.add_parser("images", help="build Taskyard's image if the tree has changed, and print its names")
    build.set_defaults(run=_images)
    load = verbs.add_parser("load", help="load an image into the cluster: Taskyard's, or that of an OCI archive")
    load.add_argument("archive", nargs="?", type=Path, help="an OCI archive (default: build and load Taskyard's image)")
    load.set_defaults(run=_load)
    enter = verbs.add_parser("exec", help="run a command inside the node (ctr, ip, iptables-save, …)")
    enter.add_argument("command", nargs=argparse.REMAINDER, help="the command and its arguments")
    enter.set_defaults(run=_exec)
    return top


def main() -> int:
    arguments = parser().parse_args()
    return progress.main(lambda: int(arguments.run(arguments)))


if __name__ == "__main__":
    sys.exit(main())
