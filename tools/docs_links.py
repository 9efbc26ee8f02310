"""A hook of mkdocs: links to files of the repository that are no pages become the names of those files.

On a page of the repository such a link works; the site has no such file. A link to a file that does not exist is left
as it is, so that the strict build fails on it. The page of the decisions gets the list of them, which the directory
shows by itself in a repository.
"""

import re
from pathlib import Path
from typing import Protocol

CHECKOUT = Path(__file__).resolve().parents[1]
DOCS = CHECKOUT / "docs"
LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\((?P<target>(?!https?:|#)[^)\s#]+)(?P<anchor>#[^)\s]*)?\)")


class Page(Protocol):
    """What is used of mkdocs' page."""

    @property
    def file(self) -> "File":
        """Its source."""


class File(Protocol):
    """What is used of mkdocs' file."""

    @property
    def src_uri(self) -> str:
        """Its path below the documentation."""


def on_page_markdown(markdown: str, *, page: Page, **_: object) -> str:
    """Change the links of one page; mkdocs calls this."""
    added = decisions() if page.file.src_uri == "decisions/README.md" else ""
    return relinked(markdown, (DOCS / page.file.src_uri).parent) + added


def decisions() -> str:
    """Return a list of links to the decisions, by their titles."""
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    titles = [page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ") for page in pages]
    return "\n" + "".join(f"- [{title}]({page.name})\n" for page, title in zip(pages, titles, strict=True))


def relinked(markdown: str, directory: Path) -> str:
    """Return the text of a page that lies in ``directory``, without links out of the documentation."""

    def replacement(match: re.Match[str]) -> str:
        target = (directory / match["target"]).resolve()
        if target.is_relative_to(DOCS) or not (target.exists() and target.is_relative_to(CHECKOUT)):
            return match[0]
        name = str(target.relative_to(CHECKOUT))
        text = match["text"]
        return text if name in text else f"{text} (`{name}`)"

    return LINK.sub(replacement, markdown)
