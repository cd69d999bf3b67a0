# The program in a slim image. With the host's /proc and /sys it shows the host, not the container:
#
#   docker build -t telemetry-stream .
#   docker run --rm --network host -v /proc:/host/proc:ro -v /sys:/host/sys:ro telemetry-stream
#
# In the host's network, the program listens on 127.0.0.1 of the host, and the TCP counts are those of the host, because
# they belong to a network namespace and not to a mount. In a network of its own, the program must listen on an address
# that is reachable from outside. This requires a token of 16 characters or more (`telemetry-stream token` prints one).
# docker passes TELEMETRY_STREAM_TOKEN from the environment of the shell to the program:
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
COPY --from=web /src/telemetry_stream/static telemetry_stream/static
# The build backend uses a page that is not older than its sources, and needs no Node then. A page of a cached stage is as
# old as that stage.
# pip refuses a package whose hash is not in the lock files. With build isolation, it would fetch other build tools
RUN touch telemetry_stream/static/index.html && \
    pip install --no-cache-dir --require-hashes -r deploy/build.lock && \
    pip wheel --no-cache-dir --wheel-dir /wheels --require-hashes -r deploy/requirements.lock && \
    pip wheel --no-cache-dir --wheel-dir /wheels --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --no-index /wheels/*.whl
# The last two return memory to the system after many viewers have left. By default, glibc creates up to eight heaps per
# core for threads and keeps 40 MiB of stacks
ENV TELEMETRY_STREAM_PROC_ROOT=/host/proc \
    TELEMETRY_STREAM_SYS_ROOT=/host/sys \
    MALLOC_ARENA_MAX=2 \
    GLIBC_TUNABLES=glibc.pthread.stack_cache_size=1048576
# A user without rights: the program reads only what every user can read, and writes nothing
USER 10001:10001
EXPOSE 8750
COPY deploy/healthcheck.py /usr/local/bin/healthcheck.py
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["python", "-IS", "/usr/local/bin/healthcheck.py"]
ENTRYPOINT ["telemetry-stream"]
