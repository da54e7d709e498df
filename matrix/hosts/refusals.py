"""What an engine's program says when it does not work, as an error that says what to do. Pure."""

from matrix.core.errors import AuthRefused, EngineUnavailable, MatrixError


def refusal(where: str, said: str) -> MatrixError:
    """The error for *said*, the last words of the engine's program or of sudo."""
    if "password is required" in said or "terminal is required" in said:
        return AuthRefused(
            f"{where}: sudo asks for a password ({said}); allow the engine's program without one,"
            " for example in sudoers: USER ALL=(root) NOPASSWD: /usr/bin/docker"
        )
    if "ermission denied" in said or "not in the sudoers" in said or "not allowed to" in said:
        return AuthRefused(
            f"{where}: the account may not use the engine ({said}); put it into the engine's"
            " group, or set engine_sudo = true in the inventory"
        )
    return EngineUnavailable(f"{where}: no engine answers ({said or 'no word'})")
