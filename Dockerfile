# syntax=docker/dockerfile:1

# ---- build -----------------------------------------------------------------
# The image's tag is the toolchain. rust-toolchain.toml is left out on purpose: with it, rustup could download a
# second toolchain of the same version under another name.
FROM rust:1.95-bookworm AS build
WORKDIR /build
ENV CARGO_INCREMENTAL=0

COPY Cargo.toml Cargo.lock ./
COPY .cargo ./.cargo
COPY migrations ./migrations
COPY openapi ./openapi
COPY assets ./assets
COPY content ./content
# Cargo.toml names the test suite's file; nothing of it is compiled.
COPY tests ./tests
COPY src ./src

# The cached target directory outlives this build, and cargo goes by the files' times: the project's own files are
# touched, so that an older checkout is never taken for one already built.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    find src migrations openapi assets content -type f -exec touch {} + \
    && cargo build --release --locked --bin insights \
    && install -D -m 0755 target/release/insights /out/insights \
    && install -d /out/data

# ---- run -------------------------------------------------------------------
# glibc, libgcc_s, CA certificates, and no shell. The user "nonroot" is 65532.
FROM gcr.io/distroless/cc-debian12:nonroot

LABEL org.opencontainers.image.title="Insights API" \
      org.opencontainers.image.description="A headless content API for insights" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0"

COPY --from=build /out/insights /usr/local/bin/insights
# An empty directory that nonroot owns: a new named volume takes its owner from it.
COPY --from=build --chown=65532:65532 /out/data /data

ENV INSIGHTS_DATA_DIR=/data \
    INSIGHTS_BIND=0.0.0.0:8080

USER 65532:65532
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080

HEALTHCHECK --interval=30s --timeout=5s --start-period=15s --retries=3 \
    CMD ["/usr/local/bin/insights", "health"]

ENTRYPOINT ["/usr/local/bin/insights"]
CMD ["serve"]
