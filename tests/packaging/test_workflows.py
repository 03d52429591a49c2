"""The workflows of the repository: valid, triggered as meant, with no more rights than they need."""

import os
import re
import sys
from itertools import chain

import pytest
import yaml

from exporter import __version__
from tests.packaging.project import IMAGE, PYPROJECT, ROOT, run

FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
WORKFLOWS = {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in FILES}
JOBS = [(name, job) for name, workflow in WORKFLOWS.items() for job in workflow["jobs"]]


def triggers(name):
    return WORKFLOWS[name][True]  # YAML 1.1 reads the key "on" as true


def steps(name, job):
    return WORKFLOWS[name]["jobs"][job].get("steps", [])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_workflow_follows_the_schema(file):
    """GitHub's schema of workflows knows every key and value."""
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", file)


def test_ci_runs_for_every_change_what_contributors_run():
    """Pull requests and the main branch run .ci/run, and nothing else."""
    assert triggers("ci") == {"push": {"branches": ["main"]}, "pull_request": None, "workflow_call": None}
    assert [step["run"] for step in steps("ci", "check") if "run" in step] == ["bash .ci/run"]
    assert (ROOT / ".ci" / "run").is_file()


def test_ci_runs_on_every_python_that_is_promised():
    """Each Python of the classifiers, and the image's, is tested: one by .ci/run, the others beside it."""
    promised = {
        each.rpartition(" ")[2]
        for each in PYPROJECT["project"]["classifiers"]
        if re.fullmatch(r"Programming Language :: Python :: 3\.\d+", each)
    }
    jobs = WORKFLOWS["ci"]["jobs"]
    (whole,) = re.findall(r"python:(3\.\d+)-", jobs["check"]["container"]["image"])
    matrix = jobs["python"]["strategy"]["matrix"]
    (shipped,) = set(re.findall(r"python:(3\.\d+)", (ROOT / "Dockerfile").read_text("utf-8")))

    assert {whole, *matrix["python"]} == promised
    assert shipped in promised
    assert set(matrix["versions"]) == {"lowest", "newest"}
    assert steps("ci", "python")[-1]["run"] == 'bash .ci/compatible "$VERSIONS" python3'
    assert "bash .ci/compatible lowest python3" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_release_is_made_by_tags_alone():
    """Nothing but a version's tag publishes."""
    assert triggers("release") == {"push": {"tags": ["v*"]}}


def test_nothing_is_published_unchecked():
    """Each job that may write waits, through others or itself, for the checks of CI and of the version."""
    jobs = WORKFLOWS["release"]["jobs"]

    def before(job):
        needed = jobs[job].get("needs", [])
        return set(needed) | set(chain.from_iterable(before(each) for each in needed))

    publishing = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    assert publishing == {f"publish-{what}" for what in ("image", "chart", "distributions", "release")}
    assert all({"check", "version"} <= before(job) for job in publishing)
    assert jobs["check"]["uses"] == "./.github/workflows/ci.yml"


def test_rights_are_minimal():
    """CI may only read; of the release, each job has the rights it needs by name."""
    assert WORKFLOWS["ci"]["permissions"] == {"contents": "read"}
    assert WORKFLOWS["release"]["permissions"] == {}
    signing = {"id-token": "write", "attestations": "write"}
    assert {name: job["permissions"] for name, job in WORKFLOWS["release"]["jobs"].items()} == {
        "check": {"contents": "read"},
        "version": {"contents": "read"},
        "build-image": {"contents": "read"},
        "build-chart": {"contents": "read"},
        "build-distributions": {"contents": "read"},
        "publish-image": {"packages": "write", **signing},
        "publish-chart": {"packages": "write"},
        "publish-distributions": {"id-token": "write"},
        "publish-release": {"contents": "write", **signing},
    }


def test_what_publishes_builds_nothing():
    """A job that holds a token has no sources and installs nothing: it takes what a job without one has built."""
    for name, job in WORKFLOWS["release"]["jobs"].items():
        if "write" in job["permissions"].values():
            used = [step.get("uses", "").partition("@")[0] for step in job["steps"]]
            assert "actions/download-artifact" in used
            assert not {"actions/checkout", "docker/build-push-action"} & set(used)
            assert not re.search(
                r"pip|pipx|npm|apt|curl", " ".join(step.get("run", "") for step in job["steps"])
            )
            uploaded = {
                step["with"]["name"]
                for needed in job["needs"]
                for step in steps("release", needed)
                if step.get("uses", "").startswith("actions/upload-artifact@")
            }
            taken = {step["with"]["name"] for step in job["steps"] if "download" in step.get("uses", "")}
            assert taken <= uploaded, name


def test_what_a_release_runs_is_pinned():
    """Each tool that a release installs has a version, each package a hash, and the container a digest."""
    text = (ROOT / ".github" / "workflows" / "release.yml").read_text("utf-8")
    for job, described in WORKFLOWS["release"]["jobs"].items():
        for step in steps("release", job):
            if re.match(r"azure/setup-helm|docker/setup-buildx", step.get("uses", "")):
                assert re.fullmatch(r"v\d+\.\d+\.\d+", step["with"]["version"])
            for line in step.get("run", "").splitlines():
                assert "pip install" not in line or "--require-hashes" in line
        if "container" in described:
            assert "@sha256:" in described["container"]["image"]
            assert described["container"]["image"] in (ROOT / "Dockerfile").read_text("utf-8")
    assert not re.search(r"pipx|:latest", text)
    assert re.search(r"driver-opts: image=moby/buildkit:v\d+\.\d+\.\d+$", text, re.MULTILINE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_actions_are_pinned(file):
    """Each action is named by its commit, with the version for readers."""
    for used in re.findall(r"uses: (.+)", file.read_text("utf-8")):
        assert used.startswith("./") or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", used), (
            used
        )


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_checkouts_keep_no_credentials(name, job):
    """No later step finds the token of the checkout."""
    for step in steps(name, job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] == {"persist-credentials": False}


@pytest.mark.parametrize(("name", "job"), JOBS)
def test_scripts_see_no_text_from_outside(name, job):
    """No expression is pasted into a script: what comes from outside comes as a variable."""
    assert not any("${{" in step.get("run", "") for step in steps(name, job))


def test_image_has_both_platforms_provenance_and_sbom():
    """The image is built for both platforms, with how it was made and what is in it."""
    (build,) = [each for each in steps("release", "build-image") if "build-push" in each.get("uses", "")]
    assert WORKFLOWS["release"]["jobs"]["publish-image"]["env"] == {"IMAGE": IMAGE}
    assert build["with"]["platforms"] == "linux/amd64,linux/arm64"
    assert (build["with"]["provenance"], build["with"]["sbom"]) == ("mode=max", True)
    (push,) = [step["run"] for step in steps("release", "publish-image") if "run" in step]
    assert "skopeo copy --all " in push
    assert build["with"]["outputs"].partition("dest=")[2] in push
    argument = build["with"]["build-args"].partition("=")[0]
    assert f"ARG {argument}" in (ROOT / "Dockerfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("tag", "right"), [(f"v{__version__}", True), ("v99.0.0", False), (__version__, False)]
)
def test_release_refuses_a_tag_that_is_not_the_version(tmp_path, tag, right):
    """The tag must name the version in the code, which every later step takes from there."""
    (script,) = [step["run"] for step in steps("release", "version") if "run" in step]
    output = tmp_path / "output"
    environment = {**os.environ, "GITHUB_REF_NAME": tag, "GITHUB_OUTPUT": str(output)}
    if right:
        run("bash", "-e", "-c", script, environment=environment)
        assert output.read_text() == f"version={__version__}\n"
    else:
        with pytest.raises(AssertionError):
            run("bash", "-e", "-c", script, environment=environment)


def test_chart_that_is_published_exists():
    """The release packages the chart of this repository."""
    (script,) = [step["run"] for step in steps("release", "build-chart") if "run" in step]
    folder = re.search(r"helm package (\S+)", script)
    assert folder
    assert (ROOT / folder[1] / "Chart.yaml").is_file()
