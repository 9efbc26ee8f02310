"""The images of bundle and catalog: what is in them, and that the catalog is one that opm serves."""

from pathlib import Path

import pytest
import yaml

from tests.support import containers
from tools.olm import packages
from tools.olm.check import output, program

pytestmark = [pytest.mark.image, pytest.mark.timeout(1800)]

OPERATOR, BUNDLE = "registry.example.com/operator:1", "localhost/bundle:test"
CATALOG, OPM = "localhost/catalog:test", "localhost/opm:stand-in"


def make(*words: str) -> None:
    containers.output(
        "make", "-o", "env", *words, "CONTAINER_TOOL=buildah", f"IMG={OPERATOR}", f"BUNDLE_IMG={BUNDLE}"
    )


def test_the_bundle_is_what_its_labels_say_with_the_image_that_was_asked_for() -> None:
    make("bundle-build")
    with containers.mounted(BUNDLE) as image:
        assert packages.marks().items() <= image.config["Labels"].items()
        marks = yaml.safe_load((image.root / "metadata" / "annotations.yaml").read_text(encoding="utf-8"))
        assert marks["annotations"] == packages.marks()
        (csv,) = (image.root / "manifests").glob("*.clusterserviceversion.yaml")
        assert f"image: {OPERATOR}" in csv.read_text(encoding="utf-8")


@pytest.fixture
def opm_image() -> str:
    """An image with opm in it, as the one that serves catalogs; made here, because no registry is reached."""
    container = containers.output("buildah", "from", "--pull-never", containers.base_image()).strip()
    containers.output("buildah", "copy", "--quiet", container, program("opm"), "/bin/opm")
    containers.output("buildah", "commit", "--quiet", "--rm", container, OPM)
    return OPM


def test_the_catalog_is_one_that_opm_loads_and_names_the_bundle(opm_image: str, tmp_path: Path) -> None:
    make("catalog-build", f"CATALOG_IMG={CATALOG}", f"OPM_IMAGE={opm_image}")
    with containers.mounted(CATALOG) as image:
        output([str(program("opm")), "validate", str(image.root / "configs")])
        assert list(image.files("tmp/cache")), "opm has loaded it as the image was built"
        (file,) = image.root.glob("configs/*/catalog.yaml")
        bundle = [
            item for item in yaml.safe_load_all(file.read_text("utf-8")) if item["schema"] == "olm.bundle"
        ]
        assert [one["image"] for one in bundle] == [BUNDLE]
        settings = containers.Container(
            uid=1001, arguments=["render", "/configs", "--output=yaml"], environment={}, binds={}
        )
        with containers.started(tmp_path / "container", image, settings) as running:
            assert running.process.wait(60) == 0, running.output
            assert "schema: olm.channel" in running.output
