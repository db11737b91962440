"""Tools for the models on the GPUs."""

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from pydantic import Field, FiniteFloat

from deployments.mcp.arguments import ModelName
from deployments.mcp.errors import tool_errors
from deployments.mcp.hints import READS, changes
from deployments.mcp.results import GpuResult
from deployments.service.backend import Backend


def gpu_tools(server: MCPServer[Any], backend: Backend) -> None:
    """Adds them."""

    async def residence() -> GpuResult:
        found = await backend.residence()
        return GpuResult(models=found.models, gpus=found.gpus)

    @server.tool(title="GPU status", annotations=READS)
    async def get_gpu_status() -> GpuResult:
        """Returns which models are loaded, on which GPU, and how much memory the GPUs have."""
        with tool_errors():
            return await residence()

    @server.tool(title="Free the GPU", annotations=changes())
    async def offload_gpu(model: ModelName = None) -> GpuResult:
        """Moves models from the GPU into host memory, once their running requests have ended. The next request wakes
        them."""
        with tool_errors():
            await backend.offload(model, release=False)
            return await residence()

    @server.tool(title="Unload models", annotations=changes())
    async def release_gpu(model: ModelName = None) -> GpuResult:
        """Unloads models from the GPU and from host memory, once their running requests have ended. The next request
        loads them again, which takes longer than to wake them."""
        with tool_errors():
            await backend.offload(model, release=True)
            return await residence()

    @server.tool(title="Change the idle timeout", annotations=changes())
    async def update_gpu_timeout(
        timeout_seconds: Annotated[FiniteFloat, Field(ge=0, description="Idle time after which a model falls asleep.")],
        model: ModelName = None,
    ) -> GpuResult:
        """Changes the idle time after which models leave the GPU and fall asleep in host memory."""
        with tool_errors():
            await backend.set_timeout(model, timeout_seconds)
            return await residence()
