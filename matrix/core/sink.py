"""Everything measured, made harmless once on its way into the store.

Each function takes *clean*, which is ``core.text.clean`` with the secrets of the run filled in,
and returns the same value with every text that came from a host, an image, an engine or a probe
passed through it. Names that we gave ourselves and that were checked when they were loaded
(run, service, environment, host, companion) and hashes of ours stay as they are: they are keys.

Output of commands is kept as the cleaned text in UTF-8, never as the raw bytes. Where some of it
was not kept, the count of all that came stays, so that ``CommandResult.truncated`` still tells the
truth.
"""

from collections.abc import Callable
from dataclasses import replace

from matrix.core.result import (
    Attempt,
    CellResult,
    CommandRecord,
    CommandResult,
    EnvironmentFinding,
    Fault,
    HostFinding,
    Leftover,
    ProbeResult,
    Run,
)
from matrix.core.store_ports import Intent
from matrix.core.text import decode
from matrix.core.vitality import Vitality

Clean = Callable[[str], str]


def clean_run(run: Run, clean: Clean) -> Run:
    """A whole run with everything in it."""
    return replace(
        run,
        release=clean(run.release),
        by=clean(run.by),
        results=tuple(clean_cell(result, clean) for result in run.results),
        findings=tuple(clean_finding(finding, clean) for finding in run.findings),
        leftovers=tuple(clean_leftover(leftover, clean) for leftover in run.leftovers),
    )


def clean_cell(result: CellResult, clean: Clean) -> CellResult:
    """The answer for one cell with all its evidence."""
    return replace(
        result,
        reason=clean(result.reason),
        message=clean(result.message),
        image_id=clean(result.image_id),
        attempts=tuple(_clean_attempt(attempt, clean) for attempt in result.attempts),
    )


def clean_finding(finding: EnvironmentFinding, clean: Clean) -> EnvironmentFinding:
    """What was found out about an environment, facts by name and value."""
    return replace(finding, hosts=tuple(_clean_host(host, clean) for host in finding.hosts))


def clean_leftover(leftover: Leftover, clean: Clean) -> Leftover:
    """Something that is still on a host, as the host names it."""
    return replace(
        leftover,
        kind=clean(leftover.kind),
        id=clean(leftover.id),
        name=clean(leftover.name),
        remedy=clean(leftover.remedy),
    )


def clean_intent(intent: Intent, clean: Clean) -> Intent:
    """A journal entry: what the engine answers as id is the only foreign text in it."""
    return replace(intent, id=clean(intent.id))


def clean_vitality(found: Vitality, clean: Clean) -> Vitality:
    """What is known about probes: why one is not proven may quote what a host has said."""
    return replace(found, proofs=tuple(replace(one, why=clean(one.why)) for one in found.proofs))


def _clean_host(host: HostFinding, clean: Clean) -> HostFinding:
    return replace(
        host,
        facts={
            clean(name): clean(value) if isinstance(value, str) else value
            for name, value in host.facts.items()
        },
        fault=_clean_fault(host.fault, clean) if host.fault else None,
        deviations=tuple(map(clean, host.deviations)),
    )


def _clean_attempt(attempt: Attempt, clean: Clean) -> Attempt:
    return replace(
        attempt,
        reason=clean(attempt.reason),
        message=clean(attempt.message),
        probes=tuple(_clean_probe(probe, clean) for probe in attempt.probes),
        faults=tuple(_clean_fault(fault, clean) for fault in attempt.faults),
        planned=tuple(map(clean, attempt.planned)),
        image_id=clean(attempt.image_id),
        logs={name: clean(text) for name, text in attempt.logs.items()},
        traceback=clean(attempt.traceback),
    )


def _clean_probe(probe: ProbeResult, clean: Clean) -> ProbeResult:
    return replace(
        probe,
        id=clean(probe.id),
        title=clean(probe.title),
        reason=clean(probe.reason),
        message=clean(probe.message),
        detail=clean(probe.detail),
        commands=tuple(_clean_command(command, clean) for command in probe.commands),
        output=clean(probe.output),
    )


def _clean_fault(fault: Fault, clean: Clean) -> Fault:
    return replace(fault, reason=clean(fault.reason), message=clean(fault.message))


def _clean_command(record: CommandRecord, clean: Clean) -> CommandRecord:
    raw = record.result
    stdout, stderr = _clean_bytes(raw.stdout, clean), _clean_bytes(raw.stderr, clean)
    result = CommandResult(
        command=clean(raw.command),
        exit_status=raw.exit_status,
        stdout=stdout,
        stderr=stderr,
        stdout_bytes=_count(raw.stdout_bytes, raw.stdout, kept=stdout),
        stderr_bytes=_count(raw.stderr_bytes, raw.stderr, kept=stderr),
        seconds=raw.seconds,
    )
    return replace(record, result=result)


def _clean_bytes(data: bytes, clean: Clean) -> bytes:
    return clean(decode(data)).encode() if data else data


def _count(came: int, raw: bytes, *, kept: bytes) -> int:
    """What to call the size of an output of which *raw* was cleaned and is now *kept*."""
    if kept == raw:
        return came
    return max(came, len(kept) + 1) if came > len(raw) else len(kept)
