"""The command that simulates an exchange."""

from pathlib import Path
from typing import Annotated

import typer

from features.kernel.console import JsonOption, SeedOption, application, emit, progress, table
from features.kernel.errors import Invalid
from features.simulator.exchange import simulate as simulate_exchange
from features.simulator.profiles import PROFILES
from features.simulator.writing import write_simulation

app = application("A simulated exchange.")


@app.command()
def simulate(
    out_folder: Annotated[Path, typer.Option("--out", help="Folder to write activity/ and truth/ to.")],
    profile: Annotated[str, typer.Option(help="Size of the exchange: " + ", ".join(PROFILES) + ".")] = "tiny",
    seed: SeedOption = 7,
    as_json: JsonOption = False,
) -> None:
    """Simulate an exchange: write its activity and, separately, the truth about its accounts."""
    if profile not in PROFILES:
        raise Invalid(f"Unknown profile {profile!r}; choose one of {', '.join(PROFILES)}.")
    if out_folder.is_file():
        raise Invalid(f"--out {out_folder} is a file; name a folder.")
    with progress(f"simulating {profile}") as report:
        simulation = simulate_exchange(PROFILES[profile], seed, report)
        write_simulation(simulation, out_folder)
    counts = {name: rows.num_rows for name, rows in simulation.activity.items()}
    document = {"profile": profile, "seed": seed, "folder": str(out_folder), "rows": counts}
    emit(document, as_json, lambda: table(("table", "rows"), list(counts.items()), f"simulated into {out_folder}"))
