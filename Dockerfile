# syntax=docker/dockerfile:1
# Two images, a target each: `make image`, or
#   docker build --target operator --tag sapphire-operator:0.1.0 .
#   docker build --target trader --tag sapphire-trader:0.1.0 .
# Where the default images cannot be had, name others with --build-arg. The last one needs glibc as new as
# the Rust image's, and certificates of public authorities.
ARG NODE_IMAGE=docker.io/library/node:22-bookworm-slim
ARG RUST_IMAGE=docker.io/library/rust:1.95-bookworm
ARG BASE_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${NODE_IMAGE} AS page
WORKDIR /sapphire/trader/dashboard
COPY trader/dashboard/package.json trader/dashboard/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY trader/dashboard ./
RUN npm run --silent build

FROM ${RUST_IMAGE} AS programs
WORKDIR /sapphire
COPY Cargo.toml Cargo.lock ./
COPY crds crds
COPY operator operator
COPY trader trader
# A member of the workspace, though nothing of it is built.
COPY e2e e2e
COPY --from=page /sapphire/trader/dashboard/dist trader/dashboard/dist
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/sapphire/target \
    cargo build --release --locked --package sapphire-operator --package sapphire-trader \
    && install -D --target-directory /programs target/release/sapphire-operator target/release/sapphire-trader

FROM ${BASE_IMAGE} AS operator
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sapphire-operator" \
      org.opencontainers.image.description="Runs autonomous trading desks on Kubernetes" \
      org.opencontainers.image.url="https://sapphiretrade.xyz" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=programs /programs/sapphire-operator /usr/local/bin/sapphire-operator
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/sapphire-operator"]
CMD ["run"]

FROM ${BASE_IMAGE} AS trader
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sapphire-trader" \
      org.opencontainers.image.description="The trading loop of a desk, a role a subcommand" \
      org.opencontainers.image.url="https://sapphiretrade.xyz" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=programs /programs/sapphire-trader /usr/local/bin/sapphire-trader
USER 65532:65532
EXPOSE 8080 8081
ENTRYPOINT ["/usr/local/bin/sapphire-trader"]
CMD ["--help"]
