"""The container image: built from the Dockerfile without a Docker engine, and run as its own user.

The official base image is not to be had everywhere, so a stand-in is made of Debian's packages: a file
system with Python and pip. It is kept, as an image named ``BASE``, for the next time.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from exporter import __version__
from tests.packaging.project import PYPROJECT, REPOSITORY, ROOT, run
from tests.programs import free_port, program, wait_until

pytestmark = [pytest.mark.image, pytest.mark.timeout(600)]

DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
LOCKS = ROOT / "requirements"
BASE = "localhost/quantconnect-exporter-test-base:bookworm"
IMAGE = f"localhost/quantconnect-exporter-test:{os.getpid()}"
PYTHON = "3.11"  # bookworm's
REVISION = "0123456789abcdef0123456789abcdef01234567"
SECONDS = 300
CHROOT = {**os.environ, "BUILDAH_ISOLATION": "chroot"}

BASE_DOCKERFILE = """\
FROM scratch
ADD rootfs.tar /
RUN ln -s /usr/bin/python3 /usr/local/bin/python3 && ln -s /usr/bin/python3 /usr/local/bin/python
"""

CONFINED = """\
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount -t proc proc "$1/proc"
mount --rbind /dev "$1/dev"
root=$1 user=$2
shift 2
exec chroot "$root" /usr/bin/setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \\
    --no-new-privs --bounding-set=-all --inh-caps=-all /usr/bin/env --ignore-environment "$@"
"""
"""Run a command below a folder as a container would: read-only, without capabilities or inherited variables."""


class Image:
    """The built image: what it says of itself, and a mounted container of it."""

    def __init__(self, described: Mapping[str, Any], root: Path) -> None:
        self.config = described["config"]
        self.root = root

    def environment(self, **changed: str) -> Mapping[str, str]:
        """Return the variables of a container."""
        return dict(each.split("=", 1) for each in self.config["Env"]) | changed

    def command(self, environment: Mapping[str, str], command: Sequence[str]) -> list[str]:
        """Return what runs a command in the image, as its user, in the network of this machine."""
        variables = [f"{name}={value}" for name, value in environment.items()]
        user = self.config["User"]
        return ["unshare", "--mount", "sh", "-c", CONFINED, "sh", str(self.root), user, *variables, *command]

    def files(self, pattern: str) -> list[str]:
        """Return the paths in the image that match."""
        return [str(path.relative_to(self.root)) for path in self.root.glob(pattern)]


@pytest.fixture(scope="module")
def buildah(needs) -> Callable[..., str]:
    if os.geteuid() != 0:
        pytest.skip("building an image without an engine needs root")
    path = needs("buildah")

    def ask(*arguments: str | Path) -> str:
        return run(path, *arguments, seconds=SECONDS, environment=CHROOT)

    return ask


@pytest.fixture(scope="module")
def base(needs, buildah, tmp_path_factory) -> str:
    """Debian's Python in place of the official image; nothing is installed on this machine."""
    if not buildah("images", "--quiet", "--filter", f"reference={BASE}"):
        folder = tmp_path_factory.mktemp("base")
        include = "--include=python3,python3-venv,python3-pip"
        run(
            needs("mmdebstrap"),
            "--variant=minbase",
            include,
            "bookworm",
            folder / "rootfs.tar",
            seconds=SECONDS,
        )
        (folder / "Dockerfile").write_text(BASE_DOCKERFILE)
        buildah("build-using-dockerfile", "--pull-never", "--tag", BASE, folder)
        (folder / "rootfs.tar").unlink()
    return BASE


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    """What pip needs in the build, fetched the way pip fetches on this machine: the build itself has no network."""
    folder = tmp_path_factory.mktemp("wheels")
    only = ("--only-binary=:all:", f"--python-version={PYTHON}", "--require-hashes")
    for lock in LOCKS.glob("*.txt"):
        run(
            sys.executable, "-m", "pip", "download", "--quiet", *only, "--dest", folder, "-r", lock,
            seconds=SECONDS,
        )  # fmt: skip
    (folder / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")
    return folder


@pytest.fixture(scope="module")
def image(buildah, base, wheels) -> Iterator[Image]:
    """Build the image from the committed Dockerfile, as it is."""
    buildah(
        "build-using-dockerfile", "--pull-never", "--format=docker", "--network=none",
        f"--volume={wheels}:/wheels:ro", f"--volume={wheels / 'pip.conf'}:/etc/pip.conf:ro",
        f"--build-arg=PYTHON_IMAGE={base}", f"--build-arg=QUANTCONNECT_EXPORTER_REVISION={REVISION}",
        f"--tag={IMAGE}", ROOT,
    )  # fmt: skip
    container = buildah("from", "--pull-never", IMAGE).strip()
    try:
        described = json.loads(buildah("inspect", "--type=image", IMAGE))["Docker"]
        yield Image(described, Path(buildah("mount", container).strip()))
    finally:
        buildah("rm", container)
        buildah("rmi", IMAGE)


@contextmanager
def running(image: Image, port: int, log: Path, *arguments: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Start the image's entry point in demo mode and wait until it has tried every project."""
    environment = image.environment(QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS=f":{port}")
    with program(
        *image.command(environment, [*image.config["Entrypoint"], "--demo", *arguments]), log=log
    ) as process:

        def ready() -> bool:
            assert process.poll() is None, log.read_text()
            return answers(f"http://127.0.0.1:{port}/-/ready")

        wait_until(ready, what=f"readiness, see {log}")
        yield process


def answers(url: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(url, timeout=5).ok
    return False


def test_dockerfile_is_clean():
    """The linter of Dockerfiles, hadolint, finds nothing."""
    assert run(Path(sys.executable).with_name("hadolint"), ROOT / "Dockerfile") == ""


def test_base_is_pinned():
    """Both stages begin with one image, of one Python version that the project supports, given as an argument."""
    (base,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    version = re.fullmatch(r"docker\.io/library/python:(3\.\d+)\.\d+-slim-\w+@sha256:[0-9a-f]{64}", base)
    assert version
    assert f"Programming Language :: Python :: {version[1]}" in PYPROJECT["project"]["classifiers"]
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"] * 2


def test_context_holds_what_is_copied_and_nothing_else():
    """The files ignored are all but those that the Dockerfile copies: no token lying about gets into a layer."""
    lines = [
        line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if not line.startswith("#")
    ]
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    assert lines[0] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == {
        name.removeprefix("./") for names in copied for name in names.split()
    }


def test_image_says_what_it_is(image):
    """Description, licence, addresses and revision are those of the project."""
    labels = {
        name.removeprefix("org.opencontainers.image."): text for name, text in image.config["Labels"].items()
    }
    project = PYPROJECT["project"]
    assert labels["title"] == project["name"]
    assert labels["description"] == project["description"]
    assert labels["licenses"] == project["license"]
    assert labels["source"] == REPOSITORY
    assert labels["documentation"] == project["urls"]["Documentation"]
    assert labels["revision"] == REVISION


def test_image_runs_without_shell_and_root(image):
    """A fixed number is the user; the command is the program itself, on one port, ended by SIGTERM."""
    assert image.config["User"] == "10001:10001"
    assert image.config["Entrypoint"] == ["quantconnect-exporter"]
    assert not image.config["Cmd"]
    assert image.config["ExposedPorts"] == {"11722/tcp": {}}
    assert image.config["StopSignal"] == "SIGTERM"
    assert image.environment()["QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS"] == ":11722"


def test_image_is_small_and_holds_the_program_alone(image, base, buildah, capsys):
    """Beside the base there is one environment without pip, sources or wheels, compiled beforehand."""
    sizes = [json.loads(buildah("images", "--json", name))[0]["size"] for name in (IMAGE, base)]
    environment = image.root / "opt/quantconnect-exporter"
    added = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file()) / 1e6
    with capsys.disabled():
        sys.stdout.write(
            f"\nimage: {sizes[0]}, the stand-in for the base {sizes[1]} of it; the exporter: {added:.1f} MB\n"
        )
    assert added < 30
    assert not image.files("source") + image.files("wheel*") + image.files("etc/pip.conf")
    assert not image.files("opt/quantconnect-exporter/lib/*/site-packages/pip")
    assert image.files("opt/quantconnect-exporter/lib/*/site-packages/exporter/__pycache__/cli.*.pyc")
    owners = {path.lstat().st_uid for path in environment.rglob("*")}
    assert owners == {0}


def test_image_serves_metrics_as_its_own_user(image, tmp_path):
    """Read-only and without capabilities, the entry point serves metrics as user 10001 and ends with 0 when told."""
    port = free_port()
    with running(image, port, tmp_path / "log") as process:
        page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
        status = Path(f"/proc/{process.pid}/status").read_text()
        program_run = Path(f"/proc/{process.pid}/exe").readlink().name
        process.send_signal(signal.SIGTERM)
        assert process.wait(3) == 0
    assert re.search(r"^quantconnect_equity\{", page, re.MULTILINE)
    assert f'version="{__version__}"' in page
    assert f'revision="{REVISION}"' in page
    assert "process_resident_memory_bytes" in page
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE)
    assert program_run.startswith("python")


def test_image_cannot_be_written_to(image):
    """What the other tests run in is read-only in truth."""
    attempt = image.command(image.environment(), ["python", "-c", "open('/tmp/file', 'w')"])
    done = subprocess.run(attempt, capture_output=True, text=True, timeout=30, check=False)
    assert "Read-only file system" in done.stderr


@pytest.mark.parametrize("host", ["", "127.0.0.1", "[::1]", "0.0.0.0"])
def test_health_check_asks_the_listen_address(image, tmp_path, host):
    """The check passes where the exporter listens, past a proxy, and fails where nobody does."""
    port = free_port()
    kind, *check = image.config["Healthcheck"]["Test"]
    assert kind == "CMD"

    def healthy(listen_address: str) -> bool:
        environment = image.environment(
            QUANTCONNECT_EXPORTER_WEB_LISTEN_ADDRESS=listen_address, http_proxy="http://127.0.0.1:9"
        )
        done = subprocess.run(image.command(environment, check), capture_output=True, timeout=30, check=False)
        return done.returncode == 0

    with running(image, port, tmp_path / "log"):
        assert healthy(f"{host}:{port},127.0.0.1:9")
    assert not healthy(f"{host}:{port}")
