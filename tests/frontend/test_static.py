"""What can be said of the files without a browser.

Run as a program, it writes what lists them: `index.html` and `frontend/files.js`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from debate_analyzer.pipeline import MEDIA_SUFFIXES, Status
from debate_analyzer.upload import MAX_NAME_BYTES

PAGES = Path(__file__).parents[2] / "frontend"
INDEX = (PAGES / "index.html").read_text()
MODULES = [path for path in PAGES.rglob("*.js") if "vendor" not in path.parts]
PAGE = re.compile(r'^  (\w+): async .*import\("\./([^"]+)"\)', re.M)
LISTED = re.compile(r"(?<=<!-- files -->\n).*?(?= *<!-- /files -->)", re.S)
SENTENCES = re.compile(r"const SENTENCES = \{ (.*) \};")
FILES = ("", "-debate", "-more")
ON_DEMAND = re.compile(r'import\("(\.[^"]+)"\)')
IMPORT = re.compile(r'(?:^(?:import|export)\b[^;]*?\bfrom|^import)\s*"(\.[^"]+)"', re.M)


def dictionary(name: str) -> dict[str, str]:
    """Key to sentence; of plural forms, the source text."""
    texts = [sentences(name, number) for number, _ in enumerate(FILES, 1)]
    return {key: text[end:] for text in texts for key, end in _keys(text)}


def sentences(name: str, number: int) -> str:
    """The text of one of the language's files."""
    return (PAGES / "i18n" / f"{name}{FILES[number - 1]}.js").read_text()


def _keys(text: str) -> list[tuple[str, int]]:
    return [(found[1], found.end()) for found in re.finditer(r'^  "([\w.]+)":', text, re.M)]


def static_imports(path: Path) -> set[Path]:
    return {(path.parent / target).resolve() for target in IMPORT.findall(path.read_text())}


def on_demand(path: Path) -> set[Path]:
    """What the module loads when it is wanted."""
    return {(path.parent / target).resolve() for target in ON_DEMAND.findall(path.read_text())}


def test_vendored_files_are_what_the_readme_says() -> None:
    vendor = PAGES / "vendor"
    readme = (vendor / "README.md").read_text()
    rows = re.findall(r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", readme, re.M)
    assert {name for name, _ in rows} == {str(p.relative_to(vendor)) for p in vendor.rglob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
        assert (vendor / name).with_name("LICENSE").exists()


def closure(*entrances: Path) -> set[Path]:
    """The modules that are loaded with these."""
    seen: set[Path] = set()
    ahead = set(entrances)
    while ahead:
        path = ahead.pop()
        assert path.exists(), path
        seen.add(path)
        ahead |= static_imports(path) - seen
    return seen


def styles(modules: set[Path]) -> list[str]:
    """Of the components among the modules: each has its own beside it, or none."""
    beside = {
        path.with_suffix(".css") for path in modules if path.parent.parent.name == "components"
    }
    return names(path for path in beside if path.exists())


def names(paths: Iterable[Path]) -> list[str]:
    return sorted(str(path.relative_to(PAGES)) for path in paths)


def pages() -> dict[str, set[Path]]:
    """The modules of each page that not every page has."""
    entrances = PAGE.findall((PAGES / "pages.js").read_text())
    return {name: closure(PAGES / path) - frame() for name, path in entrances}


def frame() -> set[Path]:
    """The modules of every page, and the dictionary that most have."""
    return closure(PAGES / "main.js")


def links() -> str:
    """What index.html says of the frame's files."""
    sheets = [
        *(f"styles/{name}.css" for name in ("reset", "variables", "global", "print")),
        *styles(frame()),
    ]
    ahead = closure(PAGES / "ahead.js")  # these first: what they send for comes side by side
    entrances = {PAGES / "ahead.js", PAGES / "main.js"}
    modules = [*names(ahead - entrances), *names(frame() - ahead - entrances)]
    return "".join(
        [f'    <link rel="stylesheet" href="{name}" />\n' for name in sheets]
        + [f'    <link rel="modulepreload" href="{name}" />\n' for name in modules]
    )


def listing() -> str:
    """frontend/files.js: what each page needs beside the frame."""
    rows = []
    for name, modules in pages().items():
        lists = {"styles": styles(modules), "modules": names(modules)}
        inner = "".join(
            f"    {kind}: [\n" + "".join(f'      "{item}",\n' for item in items) + "    ],\n"
            for kind, items in lists.items()
        )
        rows.append(f"  {name}: {{\n{inner}  }},\n")
    head = "/** The files of each page: `python -m tests.frontend.test_static` writes this. */\n"
    return head + "export const FILES = {\n" + "".join(rows) + "};\n"


def test_the_files_are_listed_as_they_are() -> None:
    found = LISTED.search(INDEX)
    assert found
    assert found[0] == links()
    assert (PAGES / "files.js").read_text() == listing()


def test_every_module_and_style_sheet_is_of_use() -> None:
    used = frame().union(*pages().values())
    used |= closure(*(path for module in used for path in on_demand(module)))
    plain = {PAGES / "boot.js"}  # a script, not a module
    assert names(set(PAGES.rglob("*.js")) - plain) == names(used)
    sheets = {str(path.relative_to(PAGES)) for path in PAGES.rglob("components/**/*.css")}
    assert sheets == set(styles(used))


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


@pytest.mark.parametrize("name", ["en", "es"])
def test_a_page_finds_its_sentences_in_the_files_that_it_loads(name: str) -> None:
    found = SENTENCES.search((PAGES / "pages.js").read_text())
    assert found
    needed = {page: int(count) for page, count in re.findall(r"(\w+): (\d)", found[1])}
    assert needed["home"] == 1
    keys = dictionary(name)
    before: set[str] = set()
    for number in (1, 2):
        said = said_by({page for page, count in needed.items() if count <= number}, keys)
        assert {key for key, _ in _keys(sentences(name, number))} == said - before
        before |= said


def said_by(wanted: set[str], keys: Iterable[str]) -> set[str]:
    """Those of the keys that these pages mention, with what they load when it is wanted."""
    modules = frame().union(*(pages()[page] for page in wanted))
    unlisted = {PAGES / "pages.js", PAGES / "i18n" / "index.js"}
    modules |= closure(*(each for path in modules - unlisted for each in on_demand(path)))
    source = "\n".join(path.read_text() for path in modules if path.parent.name != "i18n")
    families = set(re.findall(r"`([a-z]+)\.\$\{", source))
    return {key for key in keys if f'"{key}"' in source or key.split(".")[0] in families}


@pytest.mark.parametrize("status", list(Status))
def test_every_status_has_its_words(status: Status) -> None:
    assert f"status.{status}" in dictionary("en")


def test_upload_rules_are_those_of_the_server() -> None:
    rules = (PAGES / "media.js").read_text()
    listed = re.search(r'"([a-z0-9 ]+)"\.split', rules)
    assert listed
    assert {f".{suffix}" for suffix in listed[1].split()} == set(MEDIA_SUFFIXES)
    assert f"MAX_NAME_BYTES = {MAX_NAME_BYTES};" in rules
    assert "MAX_BYTES = 50 * 2 ** 30;" in rules


if __name__ == "__main__":
    (PAGES / "files.js").touch()
    (PAGES / "files.js").write_text(listing())
    (PAGES / "index.html").write_text(LISTED.sub(lambda _: links(), INDEX, count=1))
