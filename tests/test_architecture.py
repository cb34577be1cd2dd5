"""The house keeps its shape: imports run one way, files stay small, every file says what it alone is responsible for."""

import ast
from pathlib import Path

import pytest
from importlinter.application.use_cases import create_report, read_user_options
from importlinter.configuration import configure

ROOT = Path(__file__).parents[1]
PACKAGES = ("features", "models", "serving")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
LONGEST_MODULE = 400
UNWANTED_NAMES = {"utils", "helpers", "common", "manager", "base", "misc"}


def test_imports_keep_every_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    configure()
    report = create_report(read_user_options(str(ROOT / "pyproject.toml")))
    broken = [contract.name for contract, check in report.get_contracts_and_checks() if not check.kept]
    assert not broken, f"run `make lint` to see which imports break: {broken}"
    assert report.kept_count >= len(PACKAGES)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    assert path.stem not in UNWANTED_NAMES
    assert path.parent.name == "versions" or ast.get_docstring(ast.parse(text)), "it has no opening line"


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
