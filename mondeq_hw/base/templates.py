"""Text files of the package, filled in by Jinja2; a name that a template uses and nobody gives is an error."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment, Template


def template_environment(**options: Any) -> Environment:
    """Jinja2 as every template of the project expects it.

    Parameters
    ----------
    **options
        Further ones of ``jinja2.Environment``.
    """
    from jinja2 import Environment, StrictUndefined

    return Environment(undefined=StrictUndefined, keep_trailing_newline=True, **options)


@lru_cache(128)
def compiled(text: str, **options: Any) -> Template:
    """A template's text, read once a process; further options of ``jinja2.Environment``."""
    return template_environment(**options).from_string(text)


def tool_template(name: str) -> str:
    """Text of a file in ``templates/``."""
    return files("mondeq_hw").joinpath("templates", name).read_text()


def source_template(group: str, name: str) -> str:
    """Text of a file in ``hls_templates/group``."""
    return files("mondeq_hw.hls_templates").joinpath(group, name).read_text()


def filled(text: str, **values: Any) -> str:
    """A template's text with its values."""
    return compiled(text).render(values)
