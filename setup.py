"""The long description: README, whose links lead to the repository; all else is in pyproject.toml."""

import re
import tomllib
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent
REPOSITORY = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]


def absolute(readme: str) -> str:
    """Links of files to their page in the repository, pictures to the file itself."""
    readme = re.sub(r"!\[([^\]]*)\]\((?!https?:)", rf"![\1]({REPOSITORY}/raw/main/", readme)
    return re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:|#)", rf"[\1]({REPOSITORY}/blob/main/", readme)


setup(long_description=absolute((ROOT / "README.md").read_text()), long_description_content_type="text/markdown")
