# One image for every service: `docker compose build`, or `docker build -t vmcslab:0.1.0 .`
# No shell is needed to run it. What changes with the sources is one layer, what changes with package-lock.json another.
ARG NODE_IMAGE=node:24-bookworm-slim

# The manifests alone, so that a change of sources leaves the layers of dependencies as they are.
FROM ${NODE_IMAGE} AS manifests
WORKDIR /app
COPY package.json package-lock.json ./
COPY packages/cli/package.json packages/cli/
COPY packages/cli/bin packages/cli/bin
COPY packages/faults/package.json packages/faults/
COPY packages/history/package.json packages/history/
COPY packages/lab/package.json packages/lab/
COPY packages/nested/package.json packages/nested/
COPY packages/runtime/package.json packages/runtime/
COPY packages/sim/package.json packages/sim/
COPY packages/testcontainers/package.json packages/testcontainers/
COPY packages/vmx/package.json packages/vmx/
COPY packages/web/package.json packages/web/
COPY services/cpu/package.json services/cpu/
COPY services/l0/package.json services/l0/
COPY services/trace/package.json services/trace/

# What runs: the command's own dependencies, none of the tools, none of what only browsers or type checkers read,
# and no DuckDB (70 MB): queries are asked where the folders of runs are.
FROM manifests AS dependencies
RUN --mount=type=cache,target=/root/.npm \
    npm ci --omit=dev --ignore-scripts --workspace=vmcslab --no-audit --no-fund \
 && rm -rf node_modules/@duckdb \
 && find node_modules -type f \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' -o -name '*.md' \) -exec rm -f {} +

FROM manifests AS build
RUN --mount=type=cache,target=/root/.npm npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.base.json buf.yaml buf.gen.yaml ./
COPY proto proto
COPY packages packages
COPY services services
RUN npx buf generate && npx tsc -b packages/cli \
 && find packages services -type d -name src -prune -exec rm -rf {} + \
 && find packages services -type f \( -name '*.map' -o -name '*.d.ts' -o -name '.tsbuildinfo' -o -name 'tsconfig.json' \) -exec rm -f {} +

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
COPY --link --from=dependencies /app/node_modules /app/node_modules
COPY --link --from=build /app/packages /app/packages
COPY --link --from=build /app/services /app/services
COPY --link package.json docker-compose.yml /app/
COPY --link experiments /app/experiments
# Named volumes take over whose folder they are mounted on.
COPY --link --chown=1000:1000 --from=manifests /home/node /var/lib/vmcslab
COPY --link --chown=1000:1000 --from=manifests /home/node /app/runs
WORKDIR /app
USER 1000:1000
ENTRYPOINT ["node", "/app/packages/cli/bin/vmcslab.js"]
CMD ["--help"]
# Asks the service at GRPC_LISTEN whether it serves.
HEALTHCHECK --interval=5s --timeout=4s --retries=6 --start-period=30s --start-interval=1s \
    CMD ["node", "/app/packages/cli/bin/vmcslab.js", "healthcheck"]
