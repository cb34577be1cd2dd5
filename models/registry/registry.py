"""The one door to MLflow: logs trainings, keeps model versions, and serves them by alias."""

import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.entities import Metric, Param, Run
from mlflow.exceptions import MlflowException

from features.catalogue import Catalogue
from features.kernel.errors import Invalid, NotFound
from models.anomaly import model as anomaly
from models.anomaly.model import AnomalyModel
from models.evaluation.metrics import Metrics
from models.m_score import model as m_score
from models.m_score.model import MScoreModel
from models.registry.report import evaluation_report
from models.training import Trained
from models.violations import model as violations
from models.violations.model import ViolationModels

ScoringModel = AnomalyModel | ViolationModels | MScoreModel
LOADERS: Mapping[str, Callable[[Path], ScoringModel]] = {
    anomaly.KIND: AnomalyModel.load,
    violations.KIND: ViolationModels.load,
    m_score.KIND: MScoreModel.load,
}
EXPERIMENT = "mscore"
CHAMPION = "champion"
CHALLENGER = "challenger"
PREVIOUS = "previous"
FINGERPRINT = "catalogue_fingerprint"
REFUSED = "promotion_refused"
ACKNOWLEDGED = "promotion_acknowledged"
FOLDER = "model"
CARD = "model_card.md"
REPORT = "evaluation.html"
BATCH = 100
Item = TypeVar("Item")

logging.getLogger("mlflow").setLevel(logging.WARNING)
logging.getLogger("alembic").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version of a model; `aliases` may hold `champion`, `challenger` and `previous`, the one before."""

    name: str
    version: str
    run_id: str
    aliases: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model version ready to score."""

    name: str
    version: str
    model: ScoringModel
    tags: Mapping[str, str]


class Registry:
    """Trainings and versions of the three models in one MLflow store, which is made at its first use."""

    def __init__(self, tracking_uri: str, artifact_root: Path) -> None:
        """A registry at an MLflow tracking URI; `artifact_root` keeps the files where the store is a local database."""
        self.tracking_uri = tracking_uri
        self.artifact_root = artifact_root

    @cached_property
    def _client(self) -> MlflowClient:
        with warnings.catch_warnings():
            # MLflow 3.17 uses what SQLAlchemy 2.1 has deprecated; this concerns neither us nor the caller.
            warnings.simplefilter("ignore")
            return MlflowClient(tracking_uri=self.tracking_uri, registry_uri=self.tracking_uri)

    def register(self, trained: Trained, tags: Mapping[str, str]) -> Version:
        """Log a training and keep the model as a version.

        The first version of a model becomes champion by itself; a later one, and one that training refused, becomes the
        challenger and waits for `promote`.

        Args:
            trained: the model with its metrics, parameters, plots and card.
            tags: what else made it: lake version, policy version, data specification.
        """
        everything = {FINGERPRINT: trained.model.layout.fingerprint, "model": trained.name, **tags}
        if trained.refused:
            everything[REFUSED] = trained.refused
        with tempfile.TemporaryDirectory() as folder:
            prepared = Path(folder)
            _write(trained, prepared)
            report = evaluation_report(trained, self._measured(self.aliased(trained.name)))
            (prepared / REPORT).write_text(report, encoding="utf-8")
            run = self._client.create_run(self._experiment(), tags=everything, run_name=trained.name)
            self._log(run, trained)
            self._client.log_artifacts(run.info.run_id, str(prepared))
        self._client.set_terminated(run.info.run_id)
        aliases = self._aliases(trained.name)
        if aliases is None:
            self._client.create_registered_model(trained.name)
        created = self._client.create_model_version(
            trained.name, f"{run.info.artifact_uri}/{FOLDER}", run.info.run_id, tags=everything
        )
        alias = CHALLENGER if trained.refused or (aliases and CHAMPION in aliases) else CHAMPION
        self._client.set_registered_model_alias(trained.name, alias, str(created.version))
        return self.version(trained.name, str(created.version))

    def promote(
        self, name: str, version: str, acknowledged: str | None = None, catalogue: Catalogue | None = None
    ) -> Version:
        """Make a version the champion; the one before is kept as `previous`, and scores should the champion be damaged.

        Going back to the previous version leaves none: the one withdrawn should not score again by itself.

        Args:
            acknowledged: why a version that training refused is promoted all the same; it is written on its card.
            catalogue: what the version must have been made with.

        Raises:
            NotFound: there is no such version.
            Invalid: training refused it and nobody says why it should be promoted, there is nothing to acknowledge, or
                its files are missing or altered, or it was made with another catalogue.
        """
        stored = self.version(name, version)
        self.load(name, version, catalogue)
        refused = REFUSED in stored.tags and ACKNOWLEDGED not in stored.tags
        if acknowledged is not None and not refused:
            raise Invalid(f"{name} version {version} was not refused, so there is nothing to acknowledge.")
        if refused:
            if not (acknowledged or "").strip():
                raise Invalid(
                    f"{name} version {version} is not promoted. {stored.tags[REFUSED]} If it should score all "
                    "the same, say why (--acknowledge); the model card will keep it."
                )
            self._acknowledge(stored, str(acknowledged).strip())
        before = self.aliased(name)
        self._client.set_registered_model_alias(name, CHAMPION, version)
        if PREVIOUS in stored.aliases:
            self._client.delete_registered_model_alias(name, PREVIOUS)
        elif before and before.version != version:
            self._client.set_registered_model_alias(name, PREVIOUS, before.version)
        if CHALLENGER in stored.aliases:
            self._client.delete_registered_model_alias(name, CHALLENGER)
        return self.version(name, version)

    def _measured(self, version: Version | None) -> Mapping[str, Metrics] | None:
        """The metrics logged with a version, by split."""
        if version is None:
            return None
        measured: dict[str, Metrics] = {}
        for name, value in self._client.get_run(version.run_id).data.metrics.items():
            split, _, metric = name.rpartition("/")
            measured.setdefault(split, {})[metric] = value
        return measured

    def report(self, name: str, version: str) -> str:
        """The evaluation report of a version, an HTML page.

        Raises:
            NotFound: there is no such version, or it was registered before reports were written.
        """
        stored = self.version(name, version)
        with tempfile.TemporaryDirectory() as folder:
            try:
                return self._artifact(stored, REPORT, folder).read_text(encoding="utf-8")
            except (MlflowException, OSError) as error:
                raise NotFound(f"{name} version {version} has no evaluation report; train it again.") from error

    def _artifact(self, version: Version, name: str, folder: str) -> Path:
        return Path(
            download_artifacts(
                run_id=version.run_id, artifact_path=name, dst_path=folder, tracking_uri=self.tracking_uri
            )
        )

    def _acknowledge(self, version: Version, why: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            card = self._artifact(version, CARD, folder)
            card.write_text(f"{card.read_text()}\n## Acknowledged\n\n{version.tags[REFUSED]}\n\n{why}\n")
            self._client.log_artifact(version.run_id, str(card))
        self._client.set_model_version_tag(version.name, version.version, ACKNOWLEDGED, why)

    def version(self, name: str, version: str) -> Version:
        """One version.

        Raises:
            NotFound: there is no such version.
        """
        for stored in self.versions(name):
            if stored.version == version:
                return stored
        versions = ", ".join(stored.version for stored in self.versions(name)) or "none"
        raise NotFound(f"The model {name!r} has no version {version!r}; it has: {versions}.")

    def versions(self, name: str) -> tuple[Version, ...]:
        """All versions of a model, the oldest first; none where it was never trained."""
        aliases = self._aliases(name)
        if aliases is None:
            return ()
        entries = self._client.search_model_versions(f"name='{name}'", max_results=10_000)
        return tuple(
            Version(
                name,
                str(entry.version),
                str(entry.run_id),
                tuple(sorted(alias for alias, version in aliases.items() if version == str(entry.version))),
                dict(entry.tags),
            )
            for entry in sorted(entries, key=lambda entry: int(entry.version))
        )

    def aliased(self, name: str, alias: str = CHAMPION) -> Version | None:
        """The version that an alias points to, without loading it; None where it points to none."""
        version = (self._aliases(name) or {}).get(alias)
        return None if version is None else self.version(name, version)

    def champion(self, name: str, catalogue: Catalogue | None = None) -> LoadedModel | None:
        """The champion, or None where the model was never trained; raises like `load`."""
        stored = self.aliased(name)
        return None if stored is None else self.load(name, stored.version, catalogue)

    def load_usable(self, name: str, catalogue: Catalogue) -> tuple[LoadedModel | None, str]:
        """The version that can score: the champion, or, where that cannot be used, the one before it.

        Returns:
            The version, None where there is none, and a sentence about what is not as it should be, or nothing.
        """
        try:
            champion = self.champion(name, catalogue)
        except Invalid as error:
            why = str(error)
        else:
            return champion, "" if champion else f"{name} has no champion; the rules decide without it."
        before = self.aliased(name, PREVIOUS)
        try:
            earlier = self.load(name, before.version, catalogue) if before else None
        except Invalid:
            earlier = None
        if earlier is None:
            return None, f"{name} does not score: {why}"
        return earlier, f"{name} scores with version {earlier.version}, the champion before: {why}"

    def load(self, name: str, version: str, catalogue: Catalogue | None = None) -> LoadedModel:
        """A version, ready to score vectors of the catalogue.

        Raises:
            NotFound: there is no such version.
            Invalid: its files are missing or altered, or it was trained with another catalogue.
        """
        if name not in LOADERS:
            raise NotFound(f"There is no model {name!r}; there are {', '.join(LOADERS)}.")
        stored = self.version(name, version)
        source = self._client.get_model_version(name, version).source
        with tempfile.TemporaryDirectory() as folder:
            try:
                files = download_artifacts(artifact_uri=source, dst_path=folder, tracking_uri=self.tracking_uri)
            except (MlflowException, OSError) as error:
                raise Invalid(f"The files of {name} version {version} cannot be read: {error}.") from error
            model = LOADERS[name](Path(files))
        if catalogue is not None:
            model.layout.check(catalogue, model.reads)
        return LoadedModel(name, version, model, stored.tags)

    def metrics(self, version: Version) -> dict[str, float]:
        """What was measured when the version was trained, as `<split>/<metric>`."""
        return dict(self._client.get_run(version.run_id).data.metrics)

    def card(self, version: Version) -> str:
        """The model card of the version, Markdown."""
        root = self._client.get_run(version.run_id).info.artifact_uri
        with tempfile.TemporaryDirectory() as folder:
            path = download_artifacts(f"{root}/{CARD}", dst_path=folder, tracking_uri=self.tracking_uri)
            return Path(path).read_text(encoding="utf-8")

    def _aliases(self, name: str) -> dict[str, str] | None:
        """Versions by alias; None where the model was never registered."""
        try:
            aliases = self._client.get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return {alias: str(version) for alias, version in aliases.items()}

    def _experiment(self) -> str:
        experiment = self._client.get_experiment_by_name(EXPERIMENT)
        if experiment is not None:
            return str(experiment.experiment_id)
        remote = self.tracking_uri.startswith(("http://", "https://"))
        location = None if remote else self.artifact_root.resolve().as_uri()
        return str(self._client.create_experiment(EXPERIMENT, artifact_location=location))

    def _log(self, run: Run, trained: Trained) -> None:
        metrics = [
            Metric(f"{split}/{name}", value, run.info.start_time, 0)
            for split, values in trained.metrics.items()
            for name, value in values.items()
        ]
        parameters = [Param(name, str(value)) for name, value in trained.parameters.items()]
        for batch in _batches(metrics):
            self._client.log_batch(run.info.run_id, metrics=batch)
        for chunk in _batches(parameters):
            self._client.log_batch(run.info.run_id, params=chunk)


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


def _write(trained: Trained, folder: Path) -> None:
    """All files of a training, written before anything is logged, so that a failure leaves no half version."""
    trained.model.save(folder / FOLDER)
    (folder / CARD).write_text(trained.card, encoding="utf-8")
    for name, picture in trained.plots.items():
        (folder / "plots").mkdir(exist_ok=True)
        (folder / "plots" / name).write_bytes(picture)
