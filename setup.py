"""Put `sql/` and `dagster.yaml` into the wheel; everything else is in pyproject.toml.

They lie at the top of the checkout for people. A wheel holds packages only, so they are copied to
`userprofile_assets/_project/`, where `userprofile_assets/project_files.py` looks first. An editable
install copies nothing: it uses those of the checkout.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

_TARGET = Path("userprofile_assets", "_project")


def _project_files() -> list[Path]:
    """Return the files relative to this directory, where a build runs."""
    return [
        *sorted(Path("sql").rglob("*.sql")),
        *sorted(Path("sql").rglob("*.yml")),
        Path("dagster.yaml"),
    ]


class BuildWithProjectFiles(build_py):
    """Copies the project's files beside the Python modules."""

    def run(self) -> None:
        """Build the modules, then copy."""
        super().run()
        if self.editable_mode:
            return
        # A file that was deleted since the last build must not come along from build/.
        shutil.rmtree(Path(self.build_lib, _TARGET), ignore_errors=True)
        for target, source in self._copies().items():
            Path(target).parent.mkdir(parents=True, exist_ok=True)
            self.copy_file(source, target)

    def get_source_files(self) -> list[str]:
        """Name the files for the sdist, which is built from this list."""
        return [*super().get_source_files(), *map(str, _project_files())]

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:  # noqa: FBT001, FBT002 - setuptools' signature
        """Name what a build makes."""
        return [*super().get_outputs(include_bytecode), *self.get_output_mapping()]

    def get_output_mapping(self) -> dict[str, str]:
        """Say which file each output is made from."""
        return {**super().get_output_mapping(), **self._copies()}

    def _copies(self) -> dict[str, str]:
        if self.editable_mode:
            return {}
        return {str(Path(self.build_lib, _TARGET, file)): str(file) for file in _project_files()}


setup(cmdclass={"build_py": BuildWithProjectFiles})
