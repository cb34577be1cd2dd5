"""The command that makes labels of closed reviews."""

from dataclasses import asdict

from features.home import Home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, progress
from features.kernel.moments import utc_now
from serving.commands.start import database_of, settings_of
from serving.reviews.feedback import feed_back

MIN_RANDOM_SAMPLES = 30

app = application("Labels of closed reviews.")


@app.command()
def feedback(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Make labels of closed reviews, for the next training to learn from."""
    lake = Home(home).lake
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("feedback") as report:
        done = feed_back(database, Home(home), utc_now(), report)

    def human() -> None:
        out.print(f"{done.closed} reviews are closed; {done.added} labels are new in the lake.")
        if done.by_lot and done.by_lot < MIN_RANDOM_SAMPLES:
            out.print(
                f"{done.confirmed} of {done.by_lot} accounts drawn by lot were confirmed: too few to say how many "
                "violate unseen. Close all that are drawn; choosing among them bends the figure."
            )
        elif done.share:
            low, high = done.share
            out.print(
                f"Of {done.by_lot} accounts drawn by lot {done.confirmed} were confirmed: of the active accounts that "
                f"no rule asks about {low:.1%} to {high:.1%} violate something (95 % interval)."
            )

    emit(asdict(done), as_json, human)
