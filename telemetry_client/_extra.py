"""Says what to install where the client's extra is missing; imported before all else."""

try:
    import anyio
    import httpx2
except ImportError as error:
    raise ImportError(
        f"The client needs {error.name}: pip install 'vehicle-telemetry[client]'"
    ) from error

__all__ = ["anyio", "httpx2"]
