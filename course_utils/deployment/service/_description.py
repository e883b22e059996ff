"""The page ``/docs``: the description of the interface, from the OpenAPI document.

FastAPI's own page of that name loads its scripts and styles from another machine; this one needs
neither.
"""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def describe(document: dict[str, Any], address: str) -> str:
    """Return the page.

    Parameters
    ----------
    document : dict
        The OpenAPI document of the application.
    address : str
        Address of the service, for the examples.

    Returns
    -------
    str
        HTML.
    """
    import jinja2

    folder = resources.files("course_utils.deployment.service") / "page"
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = environment.from_string((folder / "docs.html").read_text(encoding="utf-8"))
    return template.render(
        info=document["info"],
        address=address,
        operations=[
            {"method": method.upper(), "path": path, **operation}
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ],
        schemas={
            name: schema
            for name, schema in document["components"]["schemas"].items()
            if "description" in schema  # those of the service, not FastAPI's own
        },
        kind_of=_kind,
        as_json=lambda value: json.dumps(value, ensure_ascii=False),
    )


def _kind(schema: dict[str, Any]) -> str:
    """Return the type of a value in words."""
    if "$ref" in schema:
        return schema["$ref"].rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(option) for option in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("format") == "binary":
        return "file"
    return schema.get("type", "any")
