"""The house keeps its shape: imports run one way, files stay small, every file says what it is responsible for."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "models", "serving")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST_MODULE = 400
# The transactions of decisions and of scoring are moved as they are: the account record replaces them.
KNOWN_STRANGERS = (
    "serving/decisions/account_status.py imports serving.record.store",
    "serving/decisions/account_status.py imports serving.reviews.store",
    "serving/decisions/service.py imports serving.reviews.store",
    "serving/scoring/pages.py imports serving.reviews.store",
    "serving/scoring/service.py imports serving.record.store",
    "serving/scoring/service.py imports serving.reviews.store",
)
SUBJECTS = ("decisions", "measures", "people", "policy", "record", "reviews", "scoring")
UNWANTED_NAMES = {"utils", "helpers", "common", "manager", "base", "misc"}


def test_imports_keep_every_contract(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(ROOT)
    broken = lint_imports(config_filename="pyproject.toml", no_cache=True, no_logo=True)
    assert not broken, capsys.readouterr().out


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert path.stem not in UNWANTED_NAMES
    assert path.parent.name == "versions" or ast.get_docstring(ast.parse(text)), "it has no opening line"


def test_no_subject_of_serving_imports_the_store_of_another() -> None:
    strangers = [
        f"{path.relative_to(ROOT)} imports {module}"
        for subject in SUBJECTS
        for path in (ROOT / "serving" / subject).glob("*.py")
        for module in _imports(path)
        if (parts := module.split("."))[0] == "serving" and parts[-1] == "store" and parts[1] != subject
    ]
    assert sorted(strangers) == sorted(KNOWN_STRANGERS)


def test_what_detectors_share_knows_no_detector() -> None:
    shared = (ROOT / "features/patterns/shared").glob("*.py")
    detectors = {f"features.patterns.{path.stem}" for path in (ROOT / "features/patterns").glob("*.py")}
    assert not {module for path in shared for module in _imports(path)} & detectors


def _imports(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]


def test_nothing_imports_inside_a_function() -> None:
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden
