"""The version of the shipped rules, kept in the home so that naming it loads and checks no rule."""

import hashlib
from importlib import import_module
from pathlib import Path

from features.kernel.cache import keep, name_of_code

POLICY = Path(__file__).parents[1] / "policy"
RULEBOOK = "serving.commands.rulebook"


def policy_version(home: Path) -> str:
    """The version of the rules that judge in this home; they are loaded and checked where that is not done yet."""
    decided = hashlib.sha256(name_of_code().encode())
    for path in sorted(POLICY.rglob("*")):
        if path.suffix in {".py", ".yaml"}:
            decided.update(path.read_bytes())
    file = home / "cache" / f"policy-{decided.hexdigest()[:16]}.txt"
    if file.is_file():
        return file.read_text(encoding="utf-8")
    version: str = import_module(RULEBOOK).load_policy(home).version
    keep(file, version)
    return version
