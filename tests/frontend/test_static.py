"""What can be said of the files without a browser."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from debate_analyzer.pipeline import MEDIA_SUFFIXES, Status
from debate_analyzer.upload import MAX_NAME_BYTES

PAGES = Path(__file__).parents[2] / "frontend"
INDEX = (PAGES / "index.html").read_text()
MODULES = [path for path in PAGES.rglob("*.js") if "vendor" not in path.parts]
IMPORT = re.compile(r'(?:^(?:import|export)\b[^;]*?\bfrom|^import)\s*"(\.[^"]+)"', re.M)


def dictionary(name: str) -> dict[str, str]:
    """Key to sentence; of plural forms, the source text."""
    text = (PAGES / "i18n" / f"{name}.js").read_text()
    return {key: text[end:] for key, end in _keys(text)}


def _keys(text: str) -> list[tuple[str, int]]:
    return [(found[1], found.end()) for found in re.finditer(r'^  "([\w.]+)":', text, re.M)]


def static_imports(path: Path) -> set[Path]:
    return {(path.parent / target).resolve() for target in IMPORT.findall(path.read_text())}


def test_vendored_files_are_what_the_readme_says() -> None:
    vendor = PAGES / "vendor"
    readme = (vendor / "README.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.M)
    assert {name for name, _ in rows} == {str(p.relative_to(vendor)) for p in vendor.rglob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
        assert (vendor / name).with_name("LICENSE").exists()


def test_every_style_sheet_is_linked() -> None:
    linked = set(re.findall(r'rel="stylesheet" href="([^"]+)"', INDEX))
    assert linked == {str(path.relative_to(PAGES)) for path in PAGES.rglob("*.css")}


def test_every_static_import_exists_and_is_preloaded() -> None:
    seen: set[Path] = set()
    ahead = {PAGES / "main.js"}
    while ahead:
        path = ahead.pop()
        assert path.exists(), path
        seen.add(path)
        ahead |= static_imports(path) - seen
    preloaded = set(re.findall(r'rel="modulepreload" href="([^"]+)"', INDEX))
    assert preloaded == {str(path.relative_to(PAGES)) for path in seen} - {"main.js"}


def test_no_inline_script_or_style() -> None:
    assert not re.search(r"<script(?![^>]*\bsrc=)", INDEX)
    assert "<style" not in INDEX
    for path in [PAGES / "index.html", *MODULES]:
        text = path.read_text()
        assert not re.search(r"\s(style|on[a-z]+)=[\"$]", text), path
        assert "innerHTML" not in text.replace("dangerouslySetInnerHTML", "innerHTML"), path
        assert not re.search(r"\beval\(|new Function\(", text), path


def test_nothing_is_asked_of_third_parties() -> None:
    for path in [PAGES / "index.html", *MODULES, *PAGES.rglob("*.css")]:
        assert not re.search(r"\w+://|[\"'`(]//", path.read_text()), path


def test_dictionaries_have_the_same_keys() -> None:
    english, spanish = dictionary("en"), dictionary("es")
    # Sentences of the server, which speaks English: only translations are needed.
    translated = {key for key in spanish if key.startswith(("error.", "warning."))}
    assert spanish.keys() - translated == english.keys()


def test_sentences_name_the_same_values() -> None:
    english, spanish = dictionary("en"), dictionary("es")
    for key in english:
        assert _names(english[key]) == _names(spanish[key]), key


def _names(text: str) -> set[str]:
    sentence = re.split(r'^  "', text, maxsplit=1, flags=re.M)[0]
    return set(re.findall(r"\{(\w+)\}", sentence))


def test_every_sentence_used_is_in_the_dictionary_and_none_is_left_over() -> None:
    source = "\n".join(path.read_text() for path in MODULES if path.parent.name != "i18n")
    keys = dictionary("en").keys()
    used = set(re.findall(r'\bt\(\s*"([\w.]+)"', source))
    assert used <= keys
    families = set(re.findall(r"t\(`([a-z]+)\.\$\{", source))
    mentioned = set(re.findall(r'"([a-z]+\.[a-z_0-9]+)"', source))
    left_over = {key for key in keys if key not in mentioned and key.split(".")[0] not in families}
    assert not left_over


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_words(status: Status) -> None:
    assert f"status.{status}" in dictionary("en")


def test_upload_rules_are_those_of_the_server() -> None:
    rules = (PAGES / "media.js").read_text()
    listed = re.search(r'"([a-z0-9 ]+)"\.split', rules)
    assert listed
    assert {f".{suffix}" for suffix in listed[1].split()} == set(MEDIA_SUFFIXES)
    assert f"MAX_NAME_BYTES = {MAX_NAME_BYTES};" in rules
    assert "MAX_BYTES = 5 * 2 ** 30;" in rules
