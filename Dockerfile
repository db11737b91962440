# Llasa Serve on Ray's image of the same version: for compose.yaml, and for every pod of k8s/.
#   docker build --target gpu -t llasa-serve:VERSION-gpu .
#   docker build --target cpu -t llasa-serve:VERSION-cpu .
# VERSION is that of pyproject.toml. torch brings the CUDA libraries that it needs, so that both have the same base.
FROM rayproject/ray:2.60.0-py311-cpu AS base

FROM base AS environment
USER 0
RUN install -d -o 1000 -g 100 /opt/llasa-serve /build
USER 1000:100
# An environment of its own: the image's holds other versions of what we have locked.
RUN /home/ray/anaconda3/bin/python -m venv /opt/llasa-serve
COPY requirements.lock /build/

FROM environment AS packages-cpu
RUN /opt/llasa-serve/bin/pip install --no-cache-dir --extra-index-url https://download.pytorch.org/whl/cpu \
        "$(grep ^torch== /build/requirements.lock)+cpu" --requirement /build/requirements.lock

FROM environment AS packages-gpu
# cu126 runs with NVIDIA's drivers from 525 on, but not on GPUs newer than Hopper: those need cu130, and driver 580.
ARG CUDA_BUILD=cu126
RUN /opt/llasa-serve/bin/pip install --no-cache-dir --extra-index-url "https://download.pytorch.org/whl/$CUDA_BUILD" \
        "$(grep ^torch== /build/requirements.lock)+$CUDA_BUILD" --requirement /build/requirements.lock

FROM environment AS code
WORKDIR /build
COPY pyproject.toml README.md LICENSE serve_config.yaml ./
COPY cli cli
COPY deployments deployments
COPY ui ui
RUN /opt/llasa-serve/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /build/wheels .

FROM base AS service
USER 0
RUN install -d -o 1000 -g 100 /models /data /data/outputs /data/voices /data/jobs
COPY serve_config.yaml /app/
# By number, so that Kubernetes can tell that it is not root.
USER 1000:100
WORKDIR /app
ENV PATH=/opt/llasa-serve/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAY_USAGE_STATS_ENABLED=0 \
    RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=deployments.ingress.proxy:middlewares \
    RAY_SERVE_PROXY_HEALTH_CHECK_PERIOD_S=1 \
    API_HOST=0.0.0.0 \
    API_PORT=7861 \
    MODELS_CACHE_DIR=/models \
    OUTPUTS_DIR=/data/outputs \
    VOICES_DIR=/data/voices \
    JOBS_DIR=/data/jobs
EXPOSE 7861
VOLUME ["/models", "/data"]
# The models may have to be downloaded before it answers.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30m --retries=3 \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:7861/-/healthz"]
CMD ["llasa-serve", "serve", "--config", "serve_config.yaml"]

FROM service AS cpu
USER 0
# Two layers: what seldom changes, and below it the code, which does.
COPY --from=packages-cpu /opt/llasa-serve /opt/llasa-serve
RUN --mount=type=bind,from=code,source=/build/wheels,target=/wheels \
    /opt/llasa-serve/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
USER 1000:100
RUN ["llasa-serve", "check", "serve_config.yaml"]

FROM service AS gpu
USER 0
COPY --from=packages-gpu /opt/llasa-serve /opt/llasa-serve
RUN --mount=type=bind,from=code,source=/build/wheels,target=/wheels \
    /opt/llasa-serve/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
USER 1000:100
ENV NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
RUN ["llasa-serve", "check", "serve_config.yaml"]
