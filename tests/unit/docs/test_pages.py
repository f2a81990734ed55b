"""The pages name what there is: links lead somewhere, paths exist, and every module has its tests named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcluster import locations

ROOT = locations.REPOSITORY
SOURCES = ROOT / "operator" / "taskyard"
# A path in the text is meant from one of these.
BASES = (ROOT, SOURCES, ROOT / "operator" / "init", ROOT / "tests", ROOT / "deploy" / "local")
EXAMPLES = ROOT / "deploy" / "examples"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md")), *EXAMPLES.rglob("*.md")]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
SOURCE_FILE = re.compile(r"(?<![\w./<*-])[\w-]+(?:/[\w-]+)*\.(?:py|c)\b")
HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
# A name alone is meant from the folder that the text is about.
NAMES = {path.name for base in ("operator", "tests", "deploy") for path in (ROOT / base).rglob("*.[pc]*")}


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def anchor(heading: str) -> str:
    """A heading's anchor, as it is made where the pages are shown."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", re.sub(r"[`*]", "", heading.strip().lower()))
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(heading) for heading in HEADING.findall(page.read_text())}


def dead_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(CODE.sub("", page.read_text())):
        if link.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, fragment = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (fragment and target.suffix == ".md" and fragment not in anchors(target)):
            yield link


def unknown_files(page: Path) -> Iterator[str]:
    for code in CODE.findall(page.read_text()):
        for path in SOURCE_FILE.findall(code):
            if path not in NAMES and not any((base / path).is_file() for base in BASES):
                yield path


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(dead_links(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_source_files_that_a_page_names_are_there(page: Path) -> None:
    assert list(unknown_files(page)) == []


def test_page_of_the_examples_names_each_of_them() -> None:
    rows = [row for row in (EXAMPLES / "README.md").read_text().splitlines() if row.startswith("| ")]
    folders = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())
    assert [found[0] for row in rows if (found := re.findall(r"\[[^\]]*\]\((.*)/README.md\)", row))] == folders


def test_what_is_not_there_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# A page\n[here](#a-page) [gone](#gone) [lost](lost.md) `core/decision.py` `core/oracle.py`\n")
    assert list(dead_links(page)) == ["#gone", "lost.md"]
    assert list(unknown_files(page)) == ["core/oracle.py"]


def test_each_module_without_a_mirrored_test_is_in_the_table_of_contributing_once() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    section = text[text.index("## Modules without") : text.index("## Layout")]
    rows = [row.split("|")[1] for row in section.splitlines() if row.startswith("| `")]
    listed = [path for row in rows for path in CODE.findall(row)]
    expected = [
        str(path)
        for path in (file.relative_to(SOURCES) for file in SOURCES.rglob("*.py"))
        if path.name != "__init__.py" and not (ROOT / "tests/unit" / path.parent / f"test_{path.name}").is_file()
    ]
    assert sorted(listed) == sorted(expected)
