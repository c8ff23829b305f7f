"""Downloads the jars a list names from Maven Central, or its mirror, and checks each one's SHA-256.

    python tools/maven_jars.py tools/jars/kafka-broker.txt build/jars/kafka-broker

A list has lines of `group:artifact:version sha256`. A mirror of Central in ~/.m2/settings.xml is used, and so
are the usual proxy variables. Jars that are there already are checked and kept.
"""

import hashlib
import sys
import urllib.request
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CENTRAL = "https://repo1.maven.org/maven2"
SETTINGS = Path.home() / ".m2" / "settings.xml"
TIMEOUT_S = 120


def main(list_path: str, folder: str) -> None:
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    repository = mirror() or CENTRAL
    lines = [line.split() for line in Path(list_path).read_text().splitlines() if not line.startswith("#")]
    wanted = {jar_name(coordinates): (coordinates, digest) for coordinates, digest in lines}
    for name, (coordinates, digest) in wanted.items():
        if not is_there(target / name, digest):
            fetch(f"{repository}/{path_of(coordinates)}", target / name, digest)
    for other in set(target.glob("*.jar")) - {target / name for name in wanted}:
        other.unlink()


def jar_name(coordinates: str) -> str:
    _, artifact, version = coordinates.split(":")
    return f"{artifact}-{version}.jar"


def path_of(coordinates: str) -> str:
    group, artifact, version = coordinates.split(":")
    return f"{group.replace('.', '/')}/{artifact}/{version}/{jar_name(coordinates)}"


def is_there(path: Path, digest: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest


def fetch(url: str, path: Path, digest: str) -> None:
    with urllib.request.urlopen(url, timeout=TIMEOUT_S) as response:
        data = response.read()
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise SystemExit(f"{url} has the checksum {found}, not {digest}.")
    partial = path.with_suffix(".part")
    partial.write_bytes(data)
    partial.rename(path)


def mirror() -> str | None:
    """The URL that the user's Maven settings give for Central."""
    if not SETTINGS.exists():
        return None
    for each in ElementTree.parse(SETTINGS).iter():
        if each.tag.rpartition("}")[2] != "mirror":
            continue
        fields = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in each}
        if {"central", "*", "external:*"} & set(fields.get("mirrorOf", "").split(",")):
            return fields["url"].rstrip("/")
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
