"""The programs that pipcheck is compared with: installed from PyPI, run, and their answers read."""

import json
import os
import platform
import re
import subprocess
import sys

UV = "0.13.8"
PIPS = ["24.0", "24.3.1", "25.3", "26.3"]
PIPDEPTREE = "4.2.14"


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def python():
    """The newest Python from 3.13 down that runs here, as its path and full version."""
    for name in ["python3.13", "python3.12", "python3.11", "python3"]:
        try:
            asked = subprocess.run(
                [name, "-c", "import sys, platform; print(sys.executable, platform.python_version())"],
                capture_output=True,
                text=True,
                check=True,
            )
        except (OSError, subprocess.CalledProcessError):
            continue
        return asked.stdout.split()
    sys.exit("no python3 is here")


def venv(interpreter, path, packages=()):
    """Makes a virtual environment, with pip only if something is to be installed."""
    if not os.path.isdir(path):
        more = [] if packages else ["--without-pip"]
        subprocess.run([interpreter, "-m", "venv", *more, path], check=True)
        if packages:
            run([os.path.join(path, "bin/python"), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages])
    return path


def site_packages(environment):
    lib = os.path.join(environment, "lib")
    name = next(name for name in sorted(os.listdir(lib)) if name.startswith("python"))
    return os.path.join(lib, name, "site-packages")


def run(command, **more):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, **more)


def ours(program, environment, version, command="check", *words):
    """The command that has pipcheck look at an environment as its own Python would."""
    markers = {
        "platform_machine": platform.machine(),
        "platform_release": platform.release(),
        "platform_version": platform.version(),
    }
    chosen = [word for name, value in markers.items() for word in ("--marker", f"{name}={value}")]
    where = ["--root", environment, "--platform", "linux", "--python", version]
    return [program, command, *words, *where, *chosen]


def pip(tools, environment):
    python_of = os.path.join(environment, "bin/python")
    return [os.path.join(tools, "bin/python"), "-m", "pip", "--python", python_of, "--disable-pip-version-check", "check"]


def uv(tools, environment):
    return [os.path.join(tools, "bin/uv"), "--offline", "pip", "check", "--python", os.path.join(environment, "bin/python")]


def answer(command):
    environment = dict(os.environ, NO_COLOR="1", PIP_NO_COLOR="1", PYTHONWARNINGS="ignore")
    return subprocess.run(command, capture_output=True, text=True, errors="replace", env=environment, check=False)


def pairs_of_ours(done):
    """Who lacks what, and the kind of each finding; None when it could not be checked."""
    if done.returncode not in (0, 1):
        return None
    found = {}
    for environment in json.loads(done.stdout)["environments"]:
        for finding in environment["findings"]:
            if finding["kind"] in ("missing", "incompatible", "ambiguous", "extra-missing", "extra-incompatible"):
                found[normal(finding["distribution"]), normal(finding["dependency"])] = finding["kind"]
    return found


def pairs_of_pip(done):
    lines = re.findall(r"^(\S+) \S+ (?:requires (\S+?), which is not|has requirement ([A-Za-z0-9._-]+).*, but you)", done.stdout, re.M)
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        return None
    return {(normal(name), normal(lacks or wrong)) for name, lacks, wrong in lines}


def pairs_of_uv(done):
    if done.returncode not in (0, 1):
        return None
    lines = re.findall(r"The package `([^`]+)` requires `([A-Za-z0-9._-]+)", done.stdout + done.stderr)
    return {(normal(name), normal(needs)) for name, needs in lines}
