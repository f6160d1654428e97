"""The page at /docs: a list of all operations that needs no internet, unlike the usual ones."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from fastapi import APIRouter, Response

_PAGE = Path(__file__).with_name("reference.html").read_text(encoding="utf-8")


def _digests(element: str) -> str:
    """Name the page's own inline elements by their hashes, so that the browser runs nothing else."""
    contents = re.findall(rf"<{element}>(.*?)</{element}>", _PAGE, re.DOTALL)
    return " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'" for content in contents
    )


_POLICY = (
    f"default-src 'none'; script-src {_digests('script')}; style-src {_digests('style')}; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def show_reference() -> Response:
    """Show the operations that /openapi.json describes."""
    return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})
