"""What stands for the content of a container image on a machine without images."""

import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from tests.support.gateways.program import program
from tests.support.pods.objects import PodError
from tests.support.pods.specs import Bind

CHECKOUT = Path(__file__).resolve().parents[3]
INTERPRETER = Path(sys.base_prefix)
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SHELL = frozenset({"sh", "bash", "/bin/sh", "/bin/bash", "sleep", "cat", "true", "test"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image: its entry point, its directory, what is in it.

    ``programs`` are those that hooks and exec probes may name. ``extra_arguments`` are added to the
    container's own unless they are there already; they concern this machine, not the pod.
    """

    entrypoint: tuple[str, ...]
    default_arguments: tuple[str, ...] = ()
    working_directory: str = "/"
    binds: tuple[Bind, ...] = ()
    programs: frozenset[str] = SHELL
    extra_arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=lambda: {"PATH": SEARCH_PATH})

    def command(self, container: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Return the program and its arguments for a container, by the rules of ``command`` and ``args``."""
        given, arguments = container.get("command"), container.get("args")
        if given:
            words = [*given, *(arguments or [])]
        else:
            words = [*self.entrypoint, *(arguments or self.default_arguments)]
            if words[:1] == words[1:2]:  # `envoy` as first argument names the entry point again
                words = words[1:]
        return (*words, *[extra for extra in self.extra_arguments if extra not in words])


def envoy() -> Image:
    """Return the real Envoy, as its image has it: any arguments that begin with a dash go to ``envoy``."""
    binary = resources.files("envoy") / "_bin" / "envoy"
    return Image(
        entrypoint=("envoy",),
        default_arguments=("-c", "/etc/envoy/envoy.yaml"),
        binds=(Bind(source=str(binary), target="/usr/local/bin/envoy"),),
        extra_arguments=("--disable-hot-restart",),
    )


def router() -> Image:
    """Return the stand-in for the router; see ``standin_router``."""
    binds = [
        Bind(source=str(CHECKOUT / "tests" / "support"), target="/opt/standin/tests/support"),
        Bind(source=sysconfig.get_path("purelib"), target="/opt/packages"),
    ]
    if Path("/usr") != INTERPRETER:
        binds.append(Bind(source=str(INTERPRETER), target=str(INTERPRETER)))
    start = python("tests.support.standin_router")
    return Image(entrypoint=start, working_directory="/app", binds=tuple(binds), programs=SHELL | {start[0]})


def envoy_gateway() -> Image:
    """Return the real Envoy Gateway, which has to be built before."""
    name = "envoy-gateway"
    binary = Bind(source=str(program()), target=f"/usr/local/bin/{name}")
    return Image(entrypoint=(name,), binds=(binary,), programs=SHELL | {name})


def python(module: str) -> tuple[str, ...]:
    """Return the command that runs ``main`` of a module inside of the router's image."""
    interpreter = f"{INTERPRETER}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    start = (
        "import sys; sys.path += ['/opt/standin', '/opt/packages'];"
        f" from {module} import main; sys.exit(main())"
    )
    return (interpreter, "-E", "-S", "-B", "-c", start)


def image_of(name: str) -> Image:
    """Return what stands for an image by its repository; raises PodError for one that nothing stands for."""
    repository = name.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]
    if repository == "envoy":
        return envoy()
    if repository == "extproc":
        return router()
    if repository == "gateway":
        return envoy_gateway()
    message = f"image {name!r}: nothing stands for it here, add it to tests/support/pods/images.py"
    raise PodError(message)
