"""The promises, issue by issue."""

from tests.benchmarks.importing import measured
from tests.verify.measuring import Figure, Promise, passes, sizes_of_modules, user_seconds

MIN_SHARE_OF_COPY = 0.1
MAX_IMPORT_MB = 4096


def import_beside_copy() -> Figure:
    """Imports 20 million order events and copies the same rows."""
    _, imported = measured(20_000_000, ["COPY", "import"])
    share, peak = float(str(imported[4])), float(str(imported[5]))
    text = f"{float(str(imported[3])):,.0f} rows/s, {share:.3f} of COPY's, peak {peak:,.0f} MB"
    return Figure(text, share >= MIN_SHARE_OF_COPY and peak <= MAX_IMPORT_MB)


PROMISES = (
    Promise(12, 1, "modules are small, folders short", sizes_of_modules),
    Promise(
        12, 2, "nothing lists detectors by hand", passes("tests/test_architecture.py", "tests/features/derivation")
    ),
    Promise(12, 3, "a moved value names its version", passes("tests/features/golden", "tests/models/registry")),
    Promise(12, 4, "import cannot be poisoned", passes("tests/features/activity")),
    Promise(
        12,
        4,
        "2,000 spoilt imports",
        passes("tests/features/activity/test_import_fuzz.py", "tests/features/test_old_lakes.py", MSCORE_FUZZ="2000"),
    ),
    Promise(
        12,
        5,
        "vectors at t know nothing later, corrections too",
        passes("tests/features/test_point_in_time.py", "tests/features/test_corrections.py"),
    ),
    Promise(12, 6, "reviews list --json", user_seconds(1.0, "reviews", "list", "--json", "--home", "var")),
    Promise(12, 6, "--help", user_seconds(0.5, "--help")),
    Promise(12, 6, "import of 20 million order events", import_beside_copy),
    Promise(
        12, 7, "what older versions stored opens", passes("tests/features/test_old_lakes.py", "tests/serving/storage")
    ),
    Promise(12, 8, "glossary, pages and links", passes("tests/docs")),
    Promise(
        13,
        2,
        "what is imported binds at the next decision",
        passes("tests/serving/test_binding_at_once.py", "tests/serving/policy/test_hard_facts.py"),
    ),
    Promise(
        13,
        3,
        "what is unknown raises an outcome, 10,000 examples",
        passes("tests/serving/policy/test_unknown.py", MSCORE_UNKNOWN="10000"),
    ),
)
