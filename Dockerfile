# One image with the one executable. Each container says which part of the shop it runs:
#
#   docker build -t tradewind .
#   docker run --rm tradewind run catalog --help
#
# An image with the executable of one service alone, which takes the same arguments without `run NAME`:
#
#   docker build --target service --build-arg SERVICE=orders -t tradewind-orders .
#
# An image of an executable that was built elsewhere, on a system whose C library is not newer than this one's; the folder
# has it as `executable`, and `config` beside it:
#
#   docker build --file Dockerfile --build-arg EXECUTABLE=given -t tradewind FOLDER
#
# Nothing here names a processor: `docker buildx build --platform linux/amd64,linux/arm64 .` makes both.

ARG EXECUTABLE=compiled

FROM rust:1.95-slim-trixie AS sources
WORKDIR /src
COPY . .
RUN --mount=type=cache,id=tradewind-crates,target=/usr/local/cargo/registry,sharing=locked \
    cargo fetch --locked

FROM sources AS compiled
ARG SERVICE=tradewind
ARG TARGETARCH
# What was compiled is kept between builds, outside of any layer: the dependencies of a Cargo.lock are compiled once,
# and after a change of one service that service is compiled, and the executable linked.
#
# Cargo takes a file for unchanged that is not younger than what was compiled of it, and a file of another checkout may
# be older. So sources are kept beside what was compiled of them, and one that differs is replaced, which makes it young.
RUN --mount=type=cache,id=tradewind-crates,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,id=tradewind-target-$TARGETARCH,target=/target,sharing=locked \
    mkdir -p /target/src && \
    (cd /target/src && find . -type f ! -exec test -e /src/{} \; -delete) && \
    find . -type f ! -exec cmp --silent {} /target/src/{} \; -exec install -D --mode 644 {} /target/src/{} \; && \
    cd /target/src && \
    cargo build --locked --release --target-dir /target --package "$SERVICE" --bin "$SERVICE" && \
    cp "/target/release/$SERVICE" /executable

FROM rust:1.95-slim-trixie AS given
COPY executable /executable

FROM ${EXECUTABLE} AS executable
# Of the system the executable needs the C library and its loader. The images hold these few files and no more: no
# shell, no package manager, and little that must be kept up to date.
RUN ldd /executable >/libraries && ! grep 'not found' /libraries && \
    grep -o '/[^ ]*' /libraries | while read -r library; do \
      mkdir -p "/system$(dirname "$library")" && cp --dereference "$library" "/system$library"; \
    done && \
    mkdir -p /system/etc /data && \
    printf 'tradewind:x:65532:65532::/data:/nowhere\n' > /system/etc/passwd

# What both images have in common.
FROM scratch AS base
COPY --from=executable /system /
COPY --from=executable --chown=65532:65532 /data /data
COPY config /etc/tradewind/config
ENV TRADEWIND_DATA=/data
WORKDIR /data
USER 65532:65532

FROM base AS service
ARG SERVICE
ENV TRADEWIND_PROCESS=$SERVICE
COPY --from=executable /executable /usr/local/bin/service
ENTRYPOINT ["/usr/local/bin/service"]

FROM base AS tradewind
COPY --from=executable /executable /usr/local/bin/tradewind
ENTRYPOINT ["/usr/local/bin/tradewind"]
CMD ["--help"]
