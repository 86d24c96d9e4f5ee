"""A folder whose manifest vouches for every byte in it: written whole or not at all, refused where anything differs. Opens no model.

manifest.json names each file with its size and SHA-256, and holds the SHA-256 of its own other entries; it is written in one way only,
so that a changed byte of it is seen too. This finds damage and mix-ups. Whoever can write the folder can also write new sums, so what is
in the files is still to be read with care.
"""

import hashlib
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from esbt.errors import EsbtError
from esbt.files import make_folder

MANIFEST = "manifest.json"
MOST_BYTES = 256 * 2**20  # of one file
MOST_FILES = 64
_MANIFEST_BYTES = 2**20
_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,60}\.(json|txt|ubj|npy)", re.ASCII)


def write_folder(path: str | Path, said: Mapping[str, Any], files: Mapping[str, bytes]) -> Path:
    """Write the files and a manifest of `said` (JSON types) beside `path`, then rename.

    Raises EsbtError where path exists or cannot be made, and for a file whose name or size `read_folder` would refuse.
    """
    final = Path(path)
    make_folder(final.parent)
    if final.exists() or final.is_symlink():
        raise EsbtError(f"{final} exists: remove it or choose another name, a bundle is never written over")
    for name, content in files.items():
        if not _NAME.fullmatch(name) or name == MANIFEST or len(content) > MOST_BYTES or len(files) > MOST_FILES:
            raise EsbtError(f"a bundle cannot hold {name!r} of {len(content):,} bytes among {len(files)} files")
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{final.name}.", dir=final.parent))
    except OSError as error:
        raise EsbtError(f"cannot write {final}: {error.strerror or error}; choose another folder or mend its rights") from error
    try:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        sums = {name: {"bytes": len(content), "sha256": _sum(content)} for name, content in sorted(files.items())}
        (scratch / MANIFEST).write_bytes(_manifest_bytes({**said, "files": sums}))
        scratch.chmod(0o755)
        scratch.rename(final)
    except OSError as error:
        raise EsbtError(f"cannot write {final}: {error.strerror or error}; choose another folder or mend its rights") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return final


def read_folder(path: str | Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """What the manifest says (without its sums) and the content of each file, all of it checked.

    Raises EsbtError for a folder or file that is missing, a file too many, a name that is none of ours, links and whatever else is no plain
    file, other sizes or sums, a manifest that is not as it was written.
    """
    folder = Path(path)
    try:
        names = {own.name for own in folder.iterdir()}
    except OSError as error:
        raise EsbtError(f"the bundle {folder} cannot be read: {error.strerror or error}; give the folder that save_bundle wrote") from error
    if MANIFEST not in names:
        raise EsbtError(f"{folder} has no {MANIFEST}: give the folder that save_bundle wrote")
    said = _manifest(_read(folder / MANIFEST, _MANIFEST_BYTES), folder)
    sums = said.pop("files")
    if missing := sorted(sums.keys() - names):
        raise EsbtError(f"{missing[0]} is missing from the bundle {folder}: copy the whole folder again")
    if unknown := sorted(names - sums.keys() - {MANIFEST}):
        raise EsbtError(f"{unknown[0]!r} in the bundle {folder} is not in its manifest: remove it")
    files = {}
    for name, entry in sums.items():
        content = _read(folder / name, entry["bytes"])
        if len(content) != entry["bytes"]:
            raise EsbtError(f"{folder / name} has {len(content):,} bytes, the manifest says {entry['bytes']:,}: copy the bundle again")
        if _sum(content) != entry["sha256"]:
            raise EsbtError(f"{folder / name} is not what was saved: its SHA-256 differs; copy the bundle again")
        files[name] = content
    return said, files


def _manifest(content: bytes, folder: Path) -> dict[str, Any]:
    where = f"{folder / MANIFEST}"
    try:
        said = json.loads(content.decode("utf-8"))
        same = isinstance(said, dict) and "sha256" in said and _manifest_bytes({k: v for k, v in said.items() if k != "sha256"}) == content
    except (ValueError, RecursionError) as error:
        raise EsbtError(f"{where} is not JSON as it was saved: {str(error)[:100]}; copy the bundle again") from error
    if not same:
        raise EsbtError(f"{where} is not what was saved: its own SHA-256 differs; copy the bundle again")
    sums = said.pop("files", None)
    del said["sha256"]
    if not isinstance(sums, dict) or len(sums) > MOST_FILES:
        raise EsbtError(f"{where} lists no files, or more than {MOST_FILES}: it is not of save_bundle")
    for name, entry in sums.items():
        if not _NAME.fullmatch(name) or name == MANIFEST:
            raise EsbtError(
                f"{where} names {name[:80]!r}, which is no file of a bundle: small letters, digits and _, then .json .txt .ubj .npy"
            )
        size = entry.get("bytes") if isinstance(entry, dict) and sorted(entry) == ["bytes", "sha256"] else None
        if type(size) is not int or not 0 <= size <= MOST_BYTES or not isinstance(entry["sha256"], str):
            raise EsbtError(f"{where} has no size up to {MOST_BYTES:,} bytes and sum of {name}: it is not of save_bundle")
    return {**said, "files": sums}


def _manifest_bytes(said: Mapping[str, Any]) -> bytes:
    """The one way a manifest is written; ValueError for NaN, infinity and text that is no Unicode."""
    body = dict(sorted(said.items()))
    body["sha256"] = _sum(json.dumps(body, sort_keys=True, allow_nan=False).encode())
    return (json.dumps(body, indent=2, sort_keys=True, allow_nan=False) + "\n").encode()


def _read(path: Path, most: int) -> bytes:
    """At most one byte more than `most` of a plain file: never through a link, never waiting for a pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        reason = "it is a link" if path.is_symlink() else error.strerror or str(error)
        raise EsbtError(f"{path} cannot be read: {reason}; a bundle holds plain files alone") from error
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise EsbtError(f"{path} is no plain file: a bundle holds nothing else")
    with os.fdopen(handle, "rb") as file:
        if status.st_size > most:
            raise EsbtError(f"{path} has {status.st_size:,} bytes, more than the {most:,} it may have: it is not what was saved")
        return file.read(most + 1)


def _sum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
