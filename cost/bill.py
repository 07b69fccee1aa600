"""The bill of a month: lines of quantity and USD, in five parts that add up to the whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from statistics import mean

from cost.ageing import average_stored
from cost.deployment import Deployment
from cost.errors import UnknownFigure
from cost.figure import Figures
from cost.load import DAYS_A_MONTH, HOURS_A_MONTH, Load
from cost.machine import Machine, cheapest, hourly_usd, price_is_assumed

_KIB_A_GIB = 1024.0**2
_MIB_A_GIB = 1024.0
_FARGATE_MINIMUM_SECONDS = 60.0
_API, _SWEEP = "ApiFunction", "SweepFunction"

# Days in a class that are billed however soon the object is deleted:
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-class-intro.html
_MINIMUM_DAYS = {"STANDARD_IA": 30.0, "GLACIER_IR": 90.0, "INTELLIGENT_TIERING": 0.0}

# Days since the transition, and the price from then on.
_TIERS: dict[str, list[tuple[float, str]]] = {
    "STANDARD_IA": [(0.0, "s3/STANDARD_IA/gib_month")],
    "GLACIER_IR": [(0.0, "s3/GLACIER_IR/gib_month")],
    "INTELLIGENT_TIERING": [
        (0.0, "s3/INTELLIGENT_TIERING/frequent_gib_month"),
        (30.0, "s3/INTELLIGENT_TIERING/infrequent_gib_month"),
        (90.0, "s3/INTELLIGENT_TIERING/archive_gib_month"),
    ],
}


class Part(StrEnum):
    """What a line is for. FIXED is what a deployment costs that nobody uses."""

    COMPUTE = "compute"
    STORAGE = "storage"
    REQUESTS = "requests"
    DELIVERY = "delivery"
    FIXED = "fixed"


@dataclass(frozen=True)
class Line:
    """`quantity` of `unit` in the month, for `usd`; `assumed` where the price is."""

    part: Part
    name: str
    quantity: float
    unit: str
    usd: float
    assumed: bool = False


@dataclass(frozen=True)
class Bill:
    """Of one month (1 is the first of the deployment), in USD."""

    load: Load
    month: int
    lines: tuple[Line, ...]

    @property
    def usd(self) -> float:
        return sum(line.usd for line in self.lines)

    def part(self, part: Part) -> float:
        return sum(line.usd for line in self.lines if line.part is part)

    def per_audio_hour(self, part: Part | None = None) -> float:
        """USD an hour of audio, of one part or of all; 0 when there is none."""
        usd = self.usd if part is None else self.part(part)
        return usd / self.load.audio_hours if self.load.audio_hours else 0.0


@dataclass(frozen=True)
class Fleet:
    """The transcribe workers of a month.

    `work_hours` are spent on files, `start_hours` on starting, waiting and ending. `workers_needed`
    at once on the busiest day, if its files came evenly; the deployment allows `workers_allowed`.
    """

    machine: Machine
    real_time_factor: float
    spot_share: float
    files_a_start: float
    work_hours: float
    start_hours: float
    workers_needed: float
    workers_allowed: int


@dataclass(frozen=True)
class Model:
    """A deployment priced. Pure: the same question has the same answer."""

    deployment: Deployment
    figures: Figures
    machines: Mapping[str, Machine]

    def bill(self, load: Load, month: int) -> Bill:
        """Raises UnknownFigure for a price or a real-time factor that is not known."""
        lines = (
            *self._compute(load),
            *self._storage(load, month),
            *self._requests(load),
            *self._delivery(load),
            *self._fixed(load),
        )
        return Bill(load, month, lines)

    def fleet(self, load: Load) -> Fleet:
        """Raises NoMachine when none of the instance types holds the job."""
        it = self.deployment
        spot_share = float(it.use_spot) if load.spot_share is None else load.spot_share
        machine = cheapest(
            it.gpu_instance_types, it.transcribe, spot_share, self.machines, self.figures
        )
        factor = (
            load.real_time_factor
            if load.real_time_factor is not None
            else real_time_factor(it.whisper_model, it.diarizer, machine.accelerator, self.figures)
        )
        seconds = load.minutes * 60 * factor
        files_a_start = min(load.files_a_start, _at_most(it.transcribe.timeout_seconds, seconds))
        start_seconds = start_overhead_seconds(it.linger_seconds, self.figures)
        by_vcpus = it.gpu_max_vcpus // machine.vcpus * machine.holds(it.transcribe)
        return Fleet(
            machine=machine,
            real_time_factor=factor,
            spot_share=spot_share,
            files_a_start=files_a_start,
            work_hours=load.files_a_month * seconds / 3600,
            start_hours=load.files_a_month / files_a_start * start_seconds / 3600,
            workers_needed=load.busiest_day_files * seconds / 86400,
            workers_allowed=min(it.transcribe_max_workers, by_vcpus),
        )

    def _compute(self, load: Load) -> Iterator[Line]:
        it, figures, files = self.deployment, self.figures, load.files_a_month
        fleet = self.fleet(load)
        jobs, name = fleet.machine.holds(it.transcribe), fleet.machine.name
        hourly = hourly_usd(fleet.machine, fleet.spot_share, figures) / jobs
        assumed = price_is_assumed(fleet.machine, fleet.spot_share, figures)
        for doing, hours in [
            ("at work", fleet.work_hours),
            ("starting and waiting", fleet.start_hours),
        ]:
            yield Line(Part.COMPUTE, f"{name}, {doing}", hours, "h", hours * hourly, assumed)
        machine_hours = (fleet.work_hours + fleet.start_hours) / jobs
        disk = machine_hours / HOURS_A_MONTH * it.worker_disk_gib
        yield self._line(Part.COMPUTE, "disks of the instances", "ebs/gib_month", disk, "GiB-month")
        yield from self._stats(load)
        queues = set(it.function_memory_mib) - {_API, _SWEEP}
        seconds = files * figures.value("file/lambda_seconds")
        yield self._function_line(Part.COMPUTE, "functions behind queues", seconds, queues)
        seconds = _api_requests(load, figures) * figures.value("call/lambda_seconds")
        yield self._function_line(Part.COMPUTE, "function of the API", seconds, {_API})
        if it.public_addresses:
            yield self._line(
                Part.COMPUTE,
                "public addresses",
                "network/public_address_hour",
                machine_hours + self._stats_hours(load),
                "h",
            )

    def _stats_hours(self, load: Load) -> float:
        figures, it = self.figures, self.deployment
        seconds = figures.value("file/stats_seconds")
        files_a_start = min(load.stats_files_a_start, _at_most(it.stats.timeout_seconds, seconds))
        overhead = figures.value("stats_start/start") + it.linger_seconds
        a_start = max(_FARGATE_MINIMUM_SECONDS, files_a_start * seconds + overhead)
        return load.files_a_month / files_a_start * a_start / 3600

    def _stats(self, load: Load) -> Iterator[Line]:
        it, figures, hours = self.deployment, self.figures, self._stats_hours(load)
        if it.cpu_on_fargate:
            of = f"fargate/{it.stats_architecture}"
            gib = it.stats.memory_mib / _MIB_A_GIB
            hourly = it.stats.vcpus * figures.value(f"{of}/vcpu_hour")
            hourly += gib * figures.value(f"{of}/gib_hour")
            yield Line(Part.COMPUTE, "statistics on Fargate", hours, "h", hours * hourly)
            return
        machine = cheapest(it.cpu_instance_types, it.stats, 0.0, self.machines, figures)
        # A worker has the machine to itself: there is rarely more than one.
        usd = hours * hourly_usd(machine, 0.0, figures)
        assumed = price_is_assumed(machine, 0.0, figures)
        yield Line(Part.COMPUTE, f"statistics on {machine.name}", hours, "h", usd, assumed)

    def _storage(self, load: Load, month: int) -> Iterator[Line]:
        it, figures = self.deployment, self.figures
        files_a_day = load.files_a_month / DAYS_A_MONTH
        yield from self._videos(load.gib_a_month / DAYS_A_MONTH, files_a_day, month)
        if load.chunks:
            chunks = average_stored(load.gib_a_month / DAYS_A_MONTH, 0, inf, month)
            yield self._line(
                Part.STORAGE, "chunks of recordings", "s3/standard_gib_month", chunks, "GiB-month"
            )
        derived = figures.value("file/derived_mib_minute") * load.minutes / _MIB_A_GIB
        yield self._line(
            Part.STORAGE,
            "transcripts and statistics",
            "s3/standard_gib_month",
            average_stored(files_a_day * derived, 0, inf, month),
            "GiB-month",
        )
        rows = files_a_day * figures.value("file/row_kib") / _KIB_A_GIB
        rows = average_stored(rows, 0, inf, month)
        yield self._line(Part.STORAGE, "table", "dynamodb/gib_month", rows, "GiB-month")
        yield self._line(
            Part.STORAGE, "table, recovery", "dynamodb/recovery_gib_month", rows, "GiB-month"
        )
        logs = average_stored(self._log_gib(load) / DAYS_A_MONTH, 0, it.log_retention_days, month)
        yield self._line(
            Part.STORAGE, "logs kept", "cloudwatch/stored_gib_month", logs, "GiB-month"
        )

    def _videos(self, gib_a_day: float, files_a_day: float, month: int) -> Iterator[Line]:
        """Recordings: in Standard until they move, then in their class until they expire."""
        it = self.deployment
        gone = it.video_expiration_days or inf
        moves = min(it.video_transition_days or inf, gone)
        standard = average_stored(gib_a_day, 0, moves, month)
        yield self._line(
            Part.STORAGE, "recordings, Standard", "s3/standard_gib_month", standard, "GiB-month"
        )
        if moves == gone:
            return
        kind = it.video_storage_class
        if kind not in _TIERS:
            raise UnknownFigure(f"VideoStorageClass={kind} has no prices in cost/prices.toml.")
        gone = max(gone, moves + _MINIMUM_DAYS[kind])
        tiers = _TIERS[kind]
        for (after, price), (until, _) in zip(tiers, [*tiers[1:], (inf, "")], strict=True):
            gib = average_stored(gib_a_day, moves + after, min(moves + until, gone), month)
            yield self._line(Part.STORAGE, f"recordings, {kind}", price, gib, "GiB-month")
        moved = average_stored(files_a_day, moves, inf, month + 1) - average_stored(
            files_a_day, moves, inf, month
        )
        yield self._line(
            Part.STORAGE, "recordings that move", f"s3/{kind}/transition", moved, "objects"
        )
        if kind == "INTELLIGENT_TIERING":
            watched = average_stored(files_a_day, moves, gone, month)
            yield self._line(
                Part.STORAGE, "monitoring", f"s3/{kind}/monitoring_object_month", watched, "objects"
            )

    def _requests(self, load: Load) -> Iterator[Line]:
        it, figures, files = self.deployment, self.figures, load.files_a_month
        chunks, api = files * load.chunks, _api_requests(load, figures)

        def a_file(what: str) -> float:
            return files * figures.value(f"file/{what}")

        puts = a_file("s3_puts") + chunks * figures.value("chunk/s3_puts")
        gets = a_file("s3_gets") + chunks * figures.value("chunk/s3_gets") + _watched(load)
        reads = a_file("dynamodb_read_units") + api * figures.value("call/read_units")
        invocations = a_file("lambda_requests") + api
        for name, price, quantity in [
            ("S3, writing", "s3/put", puts),
            ("S3, reading", "s3/get", gets),
            ("SQS", "sqs/request", a_file("sqs_requests")),
            ("table, writing", "dynamodb/write_unit", a_file("dynamodb_write_units")),
            ("table, reading", "dynamodb/read_unit", reads),
            ("HTTP API", "api/request", api),
            ("function calls", "lambda/request", invocations),
            ("events", "events/custom_event", chunks * figures.value("chunk/events")),
        ]:
            yield self._line(Part.REQUESTS, name, price, quantity, "requests")
        if it.customer_key:
            yield self._line(
                Part.REQUESTS, "KMS", "kms/request", a_file("kms_requests"), "requests"
            )
        yield self._line(
            Part.REQUESTS, "logs written", "cloudwatch/ingested_gib", self._log_gib(load), "GiB"
        )
        if it.own_user_pool:
            yield self._line(Part.REQUESTS, "sign-in", "cognito/user_month", load.users, "users")

    def _delivery(self, load: Load) -> Iterator[Line]:
        views = load.files_a_month * load.views_a_file
        gib = views * self.figures.value("view/kib") / _KIB_A_GIB
        if self.deployment.site:
            requests = views * self.figures.value("view/requests")
            yield self._line(Part.DELIVERY, "pages and figures", "cloudfront/out_gib", gib, "GiB")
            yield self._line(
                Part.DELIVERY, "requests of pages", "cloudfront/request", requests, "requests"
            )
        else:
            yield self._line(Part.DELIVERY, "figures, from S3", "network/out_gib", gib, "GiB")
        watched = _watched(load) * load.watched_share * load.mib / _MIB_A_GIB
        yield self._line(Part.DELIVERY, "recordings watched", "network/out_gib", watched, "GiB")

    def _fixed(self, load: Load) -> Iterator[Line]:
        it, figures = self.deployment, self.figures
        for database in it.databases:
            hours = HOURS_A_MONTH * database.zones
            name = f"database, {database.instance_class}"
            yield self._line(Part.FIXED, name, f"rds/{database.instance_class}/hour", hours, "h")
            gib = database.storage_gib * database.zones
            yield self._line(
                Part.FIXED, "database, disk", "rds/storage/gp3_gib_month", gib, "GiB-month"
            )
        sweeps = HOURS_A_MONTH * 60 / it.sweep_minutes
        polls = HOURS_A_MONTH * 60 * it.polled_queues * figures.value("idle/polls_minute")
        gib = figures.value("image/transcribe_gib") + figures.value("image/stats_gib")
        images = gib * figures.value("image/kept") if it.repositories else 0.0
        told = figures.value("metrics/with_debates") if load.files_a_month else 0.0
        hours = HOURS_A_MONTH
        for name, price, quantity, unit in [
            ("secrets", "secrets/secret_month", it.secrets, "secrets"),
            ("keys", "kms/key_month", it.keys, "keys"),
            ("alarms", "cloudwatch/alarm_month", it.alarm_metrics, "metrics"),
            ("dashboards", "cloudwatch/dashboard_month", it.dashboards, "dashboards"),
            (
                "metrics",
                "cloudwatch/metric_month",
                figures.value("metrics/always") + told,
                "metrics",
            ),
            (
                "metrics of the site",
                "cloudwatch/metric_month",
                it.watched_sites * figures.value("metrics/site"),
                "metrics",
            ),
            ("images", "ecr/gib_month", images, "GiB-month"),
            ("NAT gateways", "network/nat_gateway_hour", it.nat_gateways * hours, "h"),
            (
                "interface endpoints",
                "network/interface_endpoint_hour",
                it.interface_endpoint_zones * hours,
                "h",
            ),
            ("polling empty queues", "sqs/request", polls, "requests"),
            ("sweeps, calls", "lambda/request", sweeps, "requests"),
            (
                "sweeps, reading",
                "dynamodb/read_unit",
                sweeps * figures.value("idle/sweep_read_units"),
                "read units",
            ),
            (
                "sweeps, logs",
                "cloudwatch/ingested_gib",
                sweeps * figures.value("idle/sweep_log_kib") / _KIB_A_GIB,
                "GiB",
            ),
        ]:
            yield self._line(Part.FIXED, name, price, quantity, unit)
        seconds = sweeps * figures.value("idle/sweep_seconds")
        yield self._function_line(Part.FIXED, "sweeps", seconds, {_SWEEP})

    def _log_gib(self, load: Load) -> float:
        """Written in a month by what the load does."""
        kib = load.files_a_month * self.figures.value("file/log_kib")
        kib += _api_requests(load, self.figures) * self.figures.value("call/log_kib")
        return kib / _KIB_A_GIB

    def _function_line(self, part: Part, name: str, seconds: float, of: set[str]) -> Line:
        """`seconds` of the functions named, shared out evenly where they differ in memory."""
        memory = mean(self.deployment.function_memory_mib[each] for each in of) / _MIB_A_GIB
        price = f"lambda/gib_second_{self.deployment.function_architecture}"
        return self._line(part, name, price, seconds * memory, "GiB-s")

    def _line(self, part: Part, name: str, price: str, quantity: float, unit: str) -> Line:
        figure = self.figures[price]
        return Line(part, name, quantity, unit, figure.times(quantity), figure.assumed)


def real_time_factor(model: str, diarizer: str, accelerator: str, figures: Figures) -> float:
    """Seconds of a worker a second of audio. Raises UnknownFigure for an unknown combination."""
    factor = figures.value("decode/any")
    factor += figures.value(f"recognition/{model}/{accelerator}")
    if diarizer != "none":
        factor += figures.value(f"diarization/{diarizer}/{accelerator}")
    return factor


def start_overhead_seconds(linger_seconds: float, figures: Figures) -> float:
    """Of an instance that is paid and does no file: from its start, and from its last file."""
    names = ("boot", "image", "model", "idle")
    return sum(figures.value(f"transcribe_start/{name}") for name in names) + linger_seconds


def _at_most(timeout_seconds: float, seconds_a_file: float) -> float:
    """Files that a worker gets done before its job definition ends it; one at least."""
    return max(1.0, timeout_seconds / seconds_a_file) if seconds_a_file else inf


def _api_requests(load: Load, figures: Figures) -> float:
    chunks = load.chunks * figures.value("chunk/api_requests")
    return load.files_a_month * (load.api_requests + chunks)


def _watched(load: Load) -> float:
    """Views of recordings in a month."""
    return load.files_a_month * load.views_a_file
