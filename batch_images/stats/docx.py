"""A transcript as a Word document: title, and who says what from when.

Office Open XML (ECMA-376, ISO/IEC 29500) in the parts that a document needs; the schema orders the
elements. A library would bring a template of 0.8 MB to hold a few styles, and the hour into the
bytes: these are the same for the same debate. docs/exports.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from debate_analyzer.captions import Speech

_PROLOGUE = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"

_CONTENT_TYPES = f"""\
<Types xmlns="{_PACKAGE}/content-types">\
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>\
<Default Extension="xml" ContentType="application/xml"/>\
<Override PartName="/word/document.xml" ContentType="{_WORD_TYPE}.document.main+xml"/>\
<Override PartName="/word/styles.xml" ContentType="{_WORD_TYPE}.styles+xml"/>\
<Override PartName="/word/header.xml" ContentType="{_WORD_TYPE}.header+xml"/>\
<Override PartName="/docProps/core.xml" \
ContentType="application/vnd.openxmlformats-package.core-properties+xml"/>\
</Types>"""

_RELATIONSHIPS = f"""\
<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>\
<Relationship Id="rId2" Type="{_PACKAGE}/relationships/metadata/core-properties" \
Target="docProps/core.xml"/>\
</Relationships>"""

_DOCUMENT_RELATIONSHIPS = f"""\
<Relationships xmlns="{_PACKAGE}/relationships">\
<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>\
<Relationship Id="rId2" Type="{_OFFICE}/header" Target="header.xml"/>\
</Relationships>"""

_STYLES = f"""\
<w:styles xmlns:w="{_WORD}">\
<w:docDefaults><w:rPrDefault><w:rPr>\
<w:rFonts w:ascii="Calibri" w:hAnsi="Calibri" w:eastAsia="Calibri" w:cs="Calibri"/>\
<w:sz w:val="22"/><w:szCs w:val="22"/>\
</w:rPr></w:rPrDefault><w:pPrDefault><w:pPr>\
<w:spacing w:after="120" w:line="276" w:lineRule="auto"/>\
</w:pPr></w:pPrDefault></w:docDefaults>\
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/>\
</w:style>\
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/>\
<w:next w:val="Normal"/><w:qFormat/><w:pPr><w:spacing w:after="360" w:line="240"/></w:pPr>\
<w:rPr><w:b/><w:bCs/><w:sz w:val="40"/><w:szCs w:val="40"/></w:rPr></w:style>\
<w:style w:type="paragraph" w:styleId="Header"><w:name w:val="header"/>\
<w:basedOn w:val="Normal"/><w:pPr><w:tabs><w:tab w:val="right" w:pos="9026"/></w:tabs></w:pPr>\
<w:rPr><w:color w:val="595959"/><w:sz w:val="18"/><w:szCs w:val="18"/></w:rPr></w:style>\
<w:style w:type="paragraph" w:customStyle="1" w:styleId="Speaker"><w:name w:val="Speaker"/>\
<w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:qFormat/>\
<w:pPr><w:keepNext/><w:spacing w:before="240" w:after="40"/></w:pPr>\
<w:rPr><w:b/><w:bCs/></w:rPr></w:style>\
<w:style w:type="character" w:customStyle="1" w:styleId="Time"><w:name w:val="Time"/><w:qFormat/>\
<w:rPr><w:b w:val="0"/><w:bCs w:val="0"/><w:color w:val="595959"/></w:rPr></w:style>\
</w:styles>"""

# A4, with its margins and the place of the header in twentieths of a point.
_SECTION = """\
<w:sectPr><w:headerReference w:type="default" r:id="rId2"/><w:pgSz w:w="11906" w:h="16838"/>\
<w:pgMar w:top="1440" w:right="1440" w:bottom="1440" w:left="1440" w:header="708" w:footer="708" \
w:gutter="0"/></w:sectPr>"""

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # that a zip can hold; the hour of writing is not in the bytes


def write_docx(path: Path, speeches: Iterable[Speech], *, title: str, created: str) -> None:
    """`title` and the speeches' texts are lines, without control characters, which XML cannot
    hold. `created` as ISO 8601."""
    parts: dict[str, Iterable[str]] = {
        "[Content_Types].xml": [_CONTENT_TYPES],
        "_rels/.rels": [_RELATIONSHIPS],
        "docProps/core.xml": [_properties(title, created)],
        "word/_rels/document.xml.rels": [_DOCUMENT_RELATIONSHIPS],
        "word/styles.xml": [_STYLES],
        "word/header.xml": [_header(title)],
        "word/document.xml": _document(title, speeches),
    }
    with ZipFile(path, "w") as package:
        for name, pieces in parts.items():
            entry = ZipInfo(name, _EARLIEST)
            entry.compress_type = ZIP_DEFLATED
            with package.open(entry, "w") as part:
                part.write(_PROLOGUE.encode())
                for piece in pieces:
                    part.write(piece.encode())


def _document(title: str, speeches: Iterable[Speech]) -> Iterator[str]:
    yield f'<w:document xmlns:w="{_WORD}" xmlns:r="{_OFFICE}"><w:body>'
    yield _paragraph("Title", _run(title))
    for speech in speeches:
        name = "?" if speech.speaker is None else speech.speaker
        yield _paragraph("Speaker", _run(f"{name}  "), _run(_clock(speech.start), style="Time"))
        yield _paragraph("Normal", _run(speech.text))
    yield f"{_SECTION}</w:body></w:document>"


def _header(title: str) -> str:
    """The title, and the page's number on the other side."""
    number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
    paragraph = _paragraph("Header", _run(title), "<w:r><w:tab/></w:r>", number)
    return f'<w:hdr xmlns:w="{_WORD}">{paragraph}</w:hdr>'


def _properties(title: str, created: str) -> str:
    return (
        f'<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>debate-analyzer</dc:creator>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{escape(created)}</dcterms:created>'
        "</cp:coreProperties>"
    )


def _paragraph(style: str, *content: str) -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{"".join(content)}</w:p>'


def _run(text: str, *, style: str | None = None) -> str:
    properties = f'<w:rPr><w:rStyle w:val="{style}"/></w:rPr>' if style else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"
