# Llasa Serve on Ray's image of the same version: for compose.yaml, and for every pod of k8s/.
#   docker build -t llasa-serve:VERSION-gpu .
#   docker build -t llasa-serve:VERSION-cpu --build-arg PLATFORM=cpu .
# VERSION is that of pyproject.toml.
ARG PLATFORM=gpu
FROM rayproject/ray:2.60.0-py311-${PLATFORM} AS base

FROM base AS dependencies
# Another place to find torch, for pip's --extra-index-url: PyTorch's CPU builds make the CPU image some 4 GB smaller.
ARG TORCH_INDEX=
USER 0
RUN install -d -o 1000 -g 100 /opt/llasa-serve /build
USER 1000:100
# An environment of its own: the image's holds other versions of what we have locked.
RUN /home/ray/anaconda3/bin/python -m venv /opt/llasa-serve
COPY requirements.lock /build/
RUN /opt/llasa-serve/bin/pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} \
        --requirement /build/requirements.lock

FROM dependencies AS code
WORKDIR /build
COPY pyproject.toml README.md LICENSE serve_config.yaml ./
COPY cli cli
COPY deployments deployments
COPY ui ui
RUN /opt/llasa-serve/bin/pip wheel --no-cache-dir --no-deps --wheel-dir /build/wheels .

FROM base
USER 0
RUN install -d -o 1000 -g 100 /models /data /data/outputs /data/voices /data/jobs
# Two layers: gigabytes that seldom change, and below them the code, which does.
COPY --from=dependencies /opt/llasa-serve /opt/llasa-serve
RUN --mount=type=bind,from=code,source=/build/wheels,target=/wheels \
    /opt/llasa-serve/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl
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
RUN ["llasa-serve", "check", "serve_config.yaml"]
EXPOSE 7861
VOLUME ["/models", "/data"]
# The models may have to be downloaded before it answers.
HEALTHCHECK --interval=15s --timeout=10s --start-period=30m --retries=3 \
    CMD ["wget", "--quiet", "--output-document=/dev/null", "http://127.0.0.1:7861/-/healthz"]
CMD ["llasa-serve", "serve", "--config", "serve_config.yaml"]
