# The image of a release: Caddy's own, with the binary that the release has built.
# Its context is a folder with amd64/caddy and arm64/caddy.
FROM caddy:2.11-alpine
ARG TARGETARCH
COPY ${TARGETARCH}/caddy /usr/bin/caddy
