# The program in a slim image. It shows the host, not the container, when it is given the host's /proc and /sys to read:
#
#   docker build -t telemetry-stream .
#   docker run --rm --network host -v /proc:/host/proc:ro -v /sys:/host/sys:ro telemetry-stream
#
# With the host's network it listens on the host's own 127.0.0.1, and TCP counts are the host's: those belong to a network
# namespace, not to a mount. In a network of its own it must be told to be reachable, which needs a token of 16 characters
# or more (`telemetry-stream token` makes one); TELEMETRY_STREAM_TOKEN in the shell's environment is handed on:
#
#   docker run --rm -p 8750:8750 -e TELEMETRY_STREAM_TOKEN -v ... telemetry-stream --host 0.0.0.0

FROM node:22-slim AS web
WORKDIR /src/web
COPY web/package.json web/package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

FROM python:3.13-slim AS wheel
WORKDIR /src
COPY . .
# as new as its sources or newer, so the build backend takes it as it is and needs no Node
COPY --from=web /src/telemetry_stream/static telemetry_stream/static
RUN pip wheel --no-cache-dir --wheel-dir /wheels '.[prometheus]'

FROM python:3.13-slim
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index /wheels/*.whl
# What a crowd of viewers took is given back: glibc makes threads up to eight heaps a core, and keeps 40 MiB of stacks
ENV TELEMETRY_STREAM_PROC_ROOT=/host/proc \
    TELEMETRY_STREAM_SYS_ROOT=/host/sys \
    MALLOC_ARENA_MAX=2 \
    GLIBC_TUNABLES=glibc.pthread.stack_cache_size=1048576
# nobody in particular: it reads what everybody may read, and writes nothing
USER 10001:10001
EXPOSE 8750
# Settings are read from the environment here, not from flags. The certificate is for another name than 127.0.0.1.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["python", "-c", \
    "import os, ssl, urllib.request as u; get = os.environ.get; \
    scheme = 'https' if get('TELEMETRY_STREAM_TLS_CERT') else 'http'; \
    u.urlopen(f\"{scheme}://127.0.0.1:{get('TELEMETRY_STREAM_PORT', 8750)}/healthz\", timeout=4, \
    context=ssl._create_unverified_context())"]
ENTRYPOINT ["telemetry-stream"]
