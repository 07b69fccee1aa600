"""The page's files as the bucket holds them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from debate_analyzer.errors import Misconfigured
from deploy.site import files, gone
from tests.world import ROOT


def page(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return folder


def test_every_file_of_the_page_has_a_type_and_is_asked_for_again() -> None:
    found = {file.key: file for file in files(ROOT / "frontend", {})}
    assert found["website/main.js"].content_type == "text/javascript; charset=utf-8"
    assert found["website/styles/global.css"].content_type == "text/css; charset=utf-8"
    assert found["website/icon.svg"].content_type == "image/svg+xml; charset=utf-8"
    assert found["website/index.html"].content_type == "text/html; charset=utf-8"
    assert {file.cache_control for file in found.values()} == {
        "public, max-age=0, s-maxage=31536000, must-revalidate"
    }


def test_licences_travel_with_what_they_license_and_notes_stay(tmp_path: Path) -> None:
    page(tmp_path, "index.html", "vendor/htm/LICENSE", "vendor/README.md", ".DS_Store", ".x/y.js")
    assert {file.key for file in files(tmp_path, {})} == {
        "website/index.html",
        "website/vendor/htm/LICENSE",
    }


def test_the_entrance_comes_last(tmp_path: Path) -> None:
    page(tmp_path, "a.js", "index.html", "z.js", "z/index.html")
    keys = [file.key for file in files(tmp_path, {})]
    assert keys[-1] == "website/index.html"
    assert keys.index("website/z/index.html") < len(keys) - 1


def test_a_file_of_unknown_type_stops_before_anything_is_uploaded(tmp_path: Path) -> None:
    page(tmp_path, "index.html", "model.onnx")
    with pytest.raises(Misconfigured, match=r"\.onnx"):
        files(tmp_path, {})


def test_a_folder_without_an_entrance_is_not_the_page(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"no index\.html"):
        files(tmp_path, {})


def told(folder: Path, outputs: dict[str, str]) -> Any:
    (config,) = [file for file in files(folder, outputs) if file.key == "website/config.json"]
    return json.loads(config.read())


def test_the_page_is_told_who_signs_people_in() -> None:
    outputs = {
        "SignInIssuer": "https://id.example.org",
        "SignInClientId": "web",
        "SignInScope": "openid",
    }
    signs_in = {"issuer": "https://id.example.org", "clientId": "web", "scope": "openid"}
    assert told(ROOT / "frontend", outputs) == {"signIn": signs_in}


def test_the_page_is_told_that_nobody_signs_in() -> None:
    assert told(ROOT / "frontend", {"UserPoolId": "pool-1"}) == {"signIn": None}


def test_what_is_gone_is_what_the_page_no_longer_has(tmp_path: Path) -> None:
    current = files(page(tmp_path, "index.html", "main.js"), {})
    assert gone(["website/old.js", "website/main.js"], current) == ["website/old.js"]
