"""``python -m tools.olm``: write bundle and catalog for other images, and print what subscribes to the catalog."""

import argparse
import sys
from pathlib import Path

import yaml

from tools.demo.kube import CHECKOUT, documents
from tools.generate.files import write
from tools.olm import packages

SUBSCRIPTION = CHECKOUT / "deploy" / "olm" / "subscription.yaml"


def main(arguments: list[str]) -> int:
    """Run one command; what is printed is YAML."""
    parser = argparse.ArgumentParser(prog="python -m tools.olm", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("files", help="write bundle/ and catalog/ into a directory")
    building.add_argument("directory", type=Path)
    building.add_argument("image")
    building.add_argument("bundle_image")
    commands.add_parser("subscription", help="print what installs from a catalog").add_argument(
        "catalog_image"
    )
    given = parser.parse_args(arguments)
    if given.command == "files":
        made = packages.files(given.directory, image=given.image, bundle_image=given.bundle_image)
        for path, content in made.items():
            write(path, content)
    else:
        print(subscription(given.catalog_image))
    return 0


def subscription(catalog_image: str) -> str:
    """Return the objects of ``deploy/olm`` for an image of the catalog, as YAML."""
    objects = documents(SUBSCRIPTION)
    for item in objects:
        if item["kind"] == "CatalogSource":
            item["spec"]["image"] = catalog_image
    return yaml.safe_dump_all(objects, sort_keys=False)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
