"""Put Pyodide, the Python that runs a chapter's cells in the page, where the site is built from.

    python book/_ext/fetch_pyodide.py SOURCE FOLDER STAMP

The interpreter and the sha256 of each of its wheels are in the npm package, which package-lock.json
pins; the wheels come from SOURCE, a folder, a tar file or an address.  STAMP says whether FOLDER is
complete.  It is rewritten when that changes, and only then, so that `make` builds the site again.
"""

import hashlib
import json
import shutil
import sys
import tarfile
import urllib.request
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "node_modules" / "pyodide"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
LOCK = "pyodide-lock.json"
# What live cells may import; what these depend on comes with them.
WANTED = ("matplotlib", "numpy", "scipy")
SECONDS = 5  # for the other side to answer, once: a site without Run is a site


def main(source: str, folder: Path, stamp: Path) -> None:
    lock = json.loads((PACKAGE / LOCK).read_text(encoding="utf-8"))
    lock["packages"] = needed(lock["packages"], WANTED)
    # Python in the page knows of no package but those that lie beside it.
    listing = json.dumps(lock, indent=1)
    held = folder / LOCK
    state = f"with Pyodide {lock['info']['version']}\n"
    if not (held.is_file() and held.read_text(encoding="utf-8") == listing):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        try:
            fill(folder, source, lock["packages"])
            held.write_text(listing, encoding="utf-8")
        except (OSError, ValueError, tarfile.TarError) as error:
            shutil.rmtree(folder)
            state = "without Pyodide\n"
            print(f"no Run on the pages: Pyodide's packages are not to be had ({error})")
    if not (stamp.is_file() and stamp.read_text(encoding="utf-8") == state):
        stamp.write_text(state, encoding="utf-8")


def needed(packages: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The entries of `names` and of all that they depend on."""
    found: dict[str, Any] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = packages[name]
            waiting += packages[name]["depends"]
    return dict(sorted(found.items()))


def fill(folder: Path, source: str, packages: dict[str, Any]) -> None:
    """Copy the interpreter, then every package; raises OSError or ValueError at the first fault."""
    read = reader(source, {entry["file_name"] for entry in packages.values()})
    for entry in packages.values():
        content = read(entry["file_name"])
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise ValueError(f"{entry['file_name']} from {source} is not the file of {LOCK}")
        (folder / entry["file_name"]).write_bytes(content)
    for name in CORE:
        shutil.copyfile(PACKAGE / name, folder / name)


def reader(source: str, names: set[str]) -> Callable[[str], bytes]:
    """A function from a file's name to its content at `source`."""
    if source.startswith("https://"):
        print(f"fetching Pyodide's packages from {source} ...", flush=True)
        return lambda name: urllib.request.urlopen(f"{source}/{name}", timeout=SECONDS).read()
    if Path(source).is_dir():
        return lambda name: Path(source, name).read_bytes()
    with tarfile.open(source) as archive:
        members = {PurePosixPath(one.name).name: one for one in archive if one.isfile()}
        missing = sorted(names - members.keys())
        if missing:
            raise ValueError(f"{source} lacks {', '.join(missing)}")
        # In the archive's own order, since a compressed one is slow to go back in.
        content = {
            name: archive.extractfile(one).read() for name, one in members.items() if name in names
        }
    return content.__getitem__


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
