"""Execute the chapters of _toc.yml that the cache does not hold, two at a time.

The site build then reads every result from the cache.  A change of the package that the chapters
use, which the cache would not notice, empties it first.
"""

import hashlib
import shutil
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

import nbformat
import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import JupyterCacheAbstract
from jupyter_cache.cache.main import CacheBundleIn
from jupyter_cache.executors.utils import ExecutionResult, single_nb_execution
from sphinx_external_toc.parsing import parse_toc_yaml

ROOT = Path(__file__).resolve().parents[2]
DOCTREES = ROOT / "_build" / ".doctrees"
WORKERS = 2


def main() -> int:
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["execute"]
    store = ROOT / settings["cache"]
    # Sphinx keeps what it read from a notebook until the notebook or the extensions change.
    package = [ROOT / "pyproject.toml", *(ROOT / "src").rglob("*.py")]
    _forget_if_changed(store / "package.sha256", package, [store, DOCTREES])
    _forget_if_changed(DOCTREES / "ext.sha256", (ROOT / "book/_ext").rglob("*.*"), [DOCTREES])
    cache = get_cache(store)
    waiting = [path for path in _chapters(settings["exclude_patterns"]) if not _held(cache, path)]
    failed = 0
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = {pool.submit(_run, path, settings["timeout"]): path for path in waiting}
        for number, job in enumerate(as_completed(jobs), start=1):
            path, result = jobs[job], job.result()
            failed += result.err is not None
            _report(f"{number}/{len(jobs)} {path.relative_to(ROOT)}", result)
            if result.err is None:
                seconds = {"execution_seconds": result.time}
                bundle = CacheBundleIn(result.nb, str(path), data=seconds)
                cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return 1 if failed else 0


def _forget_if_changed(record: Path, sources: Iterable[Path], stale: list[Path]) -> None:
    """Delete the `stale` folders unless `record` holds the hash of the `sources`."""
    digest = hashlib.sha256()
    for source in sorted(path for path in sources if "__pycache__" not in path.parts):
        digest.update(source.relative_to(ROOT).as_posix().encode() + b"\0" + source.read_bytes())
    if record.is_file() and record.read_text() == digest.hexdigest():
        return
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(digest.hexdigest())


def _chapters(excluded: list[str]) -> list[Path]:
    """The notebooks of the table of contents, without those shown as they are."""
    pages = parse_toc_yaml(ROOT / "_toc.yml")
    notebooks = [ROOT / f"{page}.ipynb" for page in pages]
    return [
        path
        for path in notebooks
        if path.is_file() and not any(PurePosixPath(path).match(one) for one in excluded)
    ]


def _held(cache: JupyterCacheAbstract, path: Path) -> bool:
    try:
        cache.match_cache_notebook(nbformat.read(path, as_version=4))
    except KeyError:
        return False
    return True


def _run(path: Path, timeout: int) -> ExecutionResult:
    notebook = nbformat.read(path, as_version=4)
    # The kernel's warning about its own transport would stand above every build.
    quiet = {"extra_arguments": ["--Application.log_level=ERROR"]}
    for _ in range(2):
        try:
            return single_nb_execution(notebook, str(path.parent), timeout, False, **quiet)
        except RuntimeError as error:
            # A kernel may fail to start when another program takes its port: once, not twice.
            died = error
    return ExecutionResult(notebook, str(path.parent), 0.0, err=died)


def _report(job: str, result: ExecutionResult) -> None:
    if result.err is None:
        print(f"executed {job} ({result.time:.0f} s)", flush=True)
    else:
        print(f"failed   {job}\n{result.err}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
