"""The command that makes labels of closed reviews."""

from dataclasses import asdict

from features.home import existing_home
from features.kernel.console import DEFAULT_HOME, HomeOption, JsonOption, application, emit, out, progress
from serving.commands.start import database_of, now_in, settings_of
from serving.reviews.feedback import feed_back

MIN_RANDOM_SAMPLES = 30

app = application("Labels of closed reviews.")


@app.command()
def feedback(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Turn closed reviews into labels for the next training."""
    lake = existing_home(home).lake
    lake.snapshot()
    database = database_of(settings_of(home))
    with progress("feedback") as report:
        done = feed_back(database, existing_home(home), now_in(home), report)

    def human() -> None:
        out.print(f"{done.closed} reviews are closed; {done.added} labels were added to the lake.")
        if done.random_sample and done.random_sample < MIN_RANDOM_SAMPLES:
            out.print(
                f"{done.confirmed} of {done.random_sample} randomly sampled accounts were confirmed: too few to "
                "estimate how many violations go unnoticed. Close every sampled review; closing only some biases the "
                "estimate."
            )
        elif done.share:
            low, high = done.share
            out.print(
                f"{done.confirmed} of {done.random_sample} randomly sampled accounts were confirmed: of the active "
                f"accounts that no rule flags, {low:.1%} to {high:.1%} commit a violation (95 % interval)."
            )

    document = asdict(done)
    document["by_lot"] = document.pop("random_sample")
    emit(document, as_json, human)
