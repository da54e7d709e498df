"""Everything that can go wrong, in one tree.

Each class says which verdict it means for a cell, the short reason shown beside the verdict, and
whether the same thing may be tried again on a fresh container. The docstring is the default
message. Foreign exceptions are translated once, at the edge, and chained.

The rule behind the table of verdicts: infrastructure is never FAILED, an incompatibility is never
ERROR, and what cannot be told apart is ERROR.
"""

from dataclasses import dataclass
from typing import ClassVar

from matrix.core.verdict import Verdict


class MatrixError(Exception):
    """Something of ours went wrong."""

    verdict: ClassVar[Verdict] = Verdict.ERROR
    reason: ClassVar[str] = "self"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigFault:
    """One thing wrong in one file."""

    #: Path of the file as the user would write it.
    file: str
    #: Dotted key inside the file, "" for the file as a whole.
    key: str
    #: What was found there.
    found: str
    #: What is allowed there, and what to do.
    allowed: str
    #: Line of the file, 0 where it cannot be told.
    line: int = 0

    def __str__(self) -> str:
        file = f"{self.file}:{self.line}" if self.line else self.file
        where = f"{file}: {self.key}" if self.key else file
        return f"{where}: {self.found} ({self.allowed})"


class ConfigError(MatrixError):
    """A file is not right; ``faults`` has every fault found, not just the first."""

    reason = "config"

    def __init__(self, faults: tuple[ConfigFault, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class UsageError(MatrixError):
    """The command cannot be carried out as it was given."""

    reason = "usage"


class Unsupported(MatrixError):
    """A declared requirement is not met there."""

    verdict = Verdict.UNSUPPORTED
    reason = "requirement"


class HostError(MatrixError):
    """The host could not be used."""

    reason = "host"


class Unreachable(HostError):
    """The host did not answer."""

    reason = "unreachable"
    retryable = True


class HostKeyRefused(HostError):
    """The host's key is unknown or not the pinned one; nothing was sent to it."""

    reason = "hostkey"


class AuthRefused(HostError):
    """The host does not accept our key, or sudo asks for a password."""

    reason = "auth"


class NegotiationFailed(HostError):
    """The host and we share no SSH algorithm."""

    reason = "ssh-negotiation"


class ConnectionLost(HostError):
    """The connection to the host broke in the middle."""

    reason = "conn-lost"
    retryable = True


class DeadlineExceeded(MatrixError):
    """Nothing came back in time."""

    reason = "deadline"
    retryable = True


class ToolMissing(MatrixError):
    """A program the probe needs is not on the machine."""

    reason = "tool"


class Unhealthy(HostError):
    """The environment fails its own health check, so no cell on it can be judged."""

    reason = "environment"


class EngineError(MatrixError):
    """The engine refused or could not do what was asked."""

    reason = "engine"
    retryable = True


class EngineUnavailable(EngineError):
    """No engine answers on the host."""

    reason = "engine-unavailable"


class EngineLost(EngineError):
    """The engine went away in the middle."""

    reason = "engine-lost"


class PullFailed(EngineError):
    """The registry did not give us the image."""

    reason = "pull"


class DeliveryFailed(EngineError):
    """The image could not be brought to the host."""

    reason = "delivery"


class BuildFailed(EngineError):
    """An image could not be built on this machine."""

    reason = "build"
    retryable = False


class ImageMismatch(EngineError):
    """The container that was probed does not run the image that was asked for."""

    reason = "image-mismatch"
    retryable = False


class WrongArchitecture(EngineError):
    """The image is not made for the machine's architecture."""

    verdict = Verdict.UNSUPPORTED
    reason = "architecture"
    retryable = False


class DiskFull(EngineError):
    """The host has not enough free disk, or ran out of it."""

    reason = "disk"
    retryable = False


class NetworkFault(EngineError):
    """The engine could not make the cell's network."""

    reason = "network"


class PortTaken(EngineError):
    """The port to be published is in use on the host."""

    reason = "port"


class NameConflict(EngineError):
    """The name is taken by an object that is not ours."""

    reason = "name"
    retryable = False


class ContainerLost(EngineError):
    """The container vanished, was paused or was killed by somebody else."""

    reason = "container-lost"


class Moved(EngineError):
    """The cluster took the container off the node that it was measured on."""

    reason = "moved"
    retryable = False


class LeftoverError(EngineError):
    """Something of ours could not be removed from the host."""

    reason = "leftover"
    retryable = False

    def __init__(self, message: str = "", *, remedy: str = "") -> None:
        #: Command for the administrator.
        self.remedy = remedy
        super().__init__(f"{message}; remove it with `{remedy}`" if remedy else message)


class ServiceFailure(MatrixError):
    """The service does not work there."""

    verdict = Verdict.FAILED
    reason = "service"


class ContainerExited(ServiceFailure):
    """The container does not stay up there."""

    reason = "exited"


class NotReady(ServiceFailure):
    """The container runs but the service never became ready."""

    reason = "not-ready"


class StartRefused(ServiceFailure):
    """The engine cannot run the container with what the service declares."""

    reason = "start"


class FileUnavailable(ServiceFailure):
    """The file asked of the container is absent or no regular file."""

    reason = "file"


class OutOfMemory(ServiceFailure):
    """The service needs more memory than it declares."""

    reason = "limit:memory"


class ProbeCodeError(MatrixError):
    """The probe itself is broken: it cannot be imported or raised something unexpected."""

    reason = "probe-code"


class ProbeCrashed(MatrixError):
    """The probe's process ended before it had reported everything."""

    reason = "probe-crash"
    retryable = True


class OutputTruncated(MatrixError):
    """A probe needed output that was cut at the size cap."""

    reason = "truncated"


class StoreError(MatrixError):
    """The store cannot take a result, so nothing more is started."""

    reason = "store"


class Refused(MatrixError):
    """A bundle, a result or a signature cannot be trusted; nothing of it was used."""

    reason = "refused"


class Cancelled(MatrixError):
    """The run was interrupted before this was measured."""

    verdict = Verdict.MISSING
    reason = "cancelled"


def _tree(root: type[MatrixError]) -> list[type[MatrixError]]:
    return [root, *(below for child in root.__subclasses__() for below in _tree(child))]


#: After one of these nothing more is to be had from the host for now: asking on only takes time.
GONE = (HostError, EngineUnavailable, EngineLost, DeadlineExceeded)

#: Reason → whether the same may be tried again on a fresh container.
RETRYABLE = {kind.reason: kind.retryable for kind in _tree(MatrixError)}
