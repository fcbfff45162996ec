"""What `import ezsd` gives, and what it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ezsd

HEAVY = "{'torch', 'torchvision', 'numpy', 'PIL', 'open_clip', 'zarr', 'pydantic'}"


def loaded_after(statement: str) -> str:
    script = f"import sys; {statement}; print(sorted({HEAVY} & {{n.split('.')[0] for n in sys.modules}}))"
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout


def test_importing_the_package_loads_no_library() -> None:
    assert loaded_after("import ezsd").strip() == "[]"


def test_loading_a_detector_needs_no_open_clip() -> None:
    assert "open_clip" not in loaded_after("from ezsd import Detections, load_detector")


@pytest.mark.parametrize("name", ezsd.__all__)
def test_every_name_is_there_and_listed(name: str) -> None:
    assert getattr(ezsd, name) is not None
    assert name in dir(ezsd)


def test_type_checkers_see_the_same_names() -> None:
    stub = ast.parse(Path(ezsd.__file__).with_suffix(".pyi").read_text())
    imported = {
        (alias.name, node.module)
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(ezsd._MODULES.items())
    listed = [ast.literal_eval(node.value) for node in stub.body if isinstance(node, ast.Assign)]
    assert listed == [ezsd.__all__]
    assert Path(ezsd.__file__).with_name("py.typed").is_file()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'nowhere'"):
        ezsd.nowhere  # noqa: B018
