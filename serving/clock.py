"""The service's clock: the real one, or, in a home of simulated activity, one that was set once and runs on."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from features.kernel.errors import Invalid
from features.kernel.moments import text_of, utc_now
from serving.settings import Settings

CLOCK_FILE = "clock.json"


@dataclass(frozen=True, slots=True)
class ServiceClock:
    """Tells the moment by which everything is judged: real time, moved by an offset that never changes."""

    offset: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        """The present moment, in UTC."""
        return utc_now() + self.offset

    @property
    def is_real(self) -> bool:
        """Whether it shows real time."""
        return not self.offset


def clock_of(settings: Settings) -> ServiceClock:
    """The clock of a home: that of `MSCORE_CLOCK`, which starts with the process, else the one that was set.

    Raises:
        Invalid: a clock that does not show real time, in production; or the file that keeps it is damaged.
    """
    clock = ServiceClock(settings.clock - utc_now()) if settings.clock else ServiceClock(_offset(settings.home))
    if settings.is_production and not clock.is_real:
        raise Invalid(
            "The clock of this home does not show real time, and MSCORE_ENVIRONMENT is production: unset MSCORE_CLOCK, "
            f"and take a home without {CLOCK_FILE}."
        )
    return clock


def set_clock(settings: Settings, moment: datetime, *, is_new_home: bool = False) -> ServiceClock:
    """Sets the clock of a home; from then on it runs.

    Raises:
        Invalid: production, or a moment before the present one of a home that may have judged something by it.
    """
    if settings.is_production:
        raise Invalid("In production the clock shows real time; it cannot be set.")
    now = clock_of(settings)()
    if moment < now and not is_new_home:
        raise Invalid(f"The clock of {settings.home} shows {text_of(now)}; it can only be set forwards.")
    settings.home.mkdir(parents=True, exist_ok=True)
    clock = ServiceClock(moment - utc_now())
    written = json.dumps({"offset_seconds": clock.offset.total_seconds()})
    partial = settings.home / f"{CLOCK_FILE}.partial"
    partial.write_text(written, encoding="utf-8")
    partial.replace(settings.home / CLOCK_FILE)
    return clock


def _offset(home: Path) -> timedelta:
    file = home / CLOCK_FILE
    try:
        return timedelta(seconds=float(json.loads(file.read_bytes())["offset_seconds"]))
    except FileNotFoundError:
        return timedelta(0)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise Invalid(f"The clock of this home cannot be read: {file} is damaged ({error}).") from error
