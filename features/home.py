"""Where the platform keeps its state: one folder, made by the first command that writes to it."""

from dataclasses import dataclass
from pathlib import Path

from features.activity.lake import Lake
from features.activity.quarantine import Quarantine
from features.kernel.folders import require_home


@dataclass(frozen=True, slots=True)
class Home:
    """The folder named by MSCORE_HOME (default ./var) and what lies in it."""

    folder: Path

    @property
    def lake(self) -> Lake:
        """The activity lake."""
        return Lake(self.folder / "lake")

    @property
    def quarantine(self) -> Quarantine:
        """Rows set aside by imports."""
        return Quarantine(self.folder / "quarantine")

    @property
    def artifacts(self) -> Path:
        """Files of trained models."""
        return self.folder / "artifacts"

    @property
    def tracking_uri(self) -> str:
        """The local MLflow store."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{(self.folder / 'mlflow.db').resolve()}"


def existing_home(folder: Path) -> Home:
    """The home at a folder, for commands that need what an earlier one wrote.

    Raises:
        NotFound: there is no such folder.
    """
    return Home(require_home(folder))
