#!/usr/bin/env bash
# offline-images.sh — stand-ins for public base images on a machine that reaches no container registry.
#
#   offline-images.sh [IMAGE...]     default: every image named in IMAGES below
#
# For each image: nothing happens when the engine has it or can pull it. Only otherwise is a
# stand-in built, under the same name, out of Debian's packages and (for Node.js) the npm registry,
# so that the Dockerfile, docker-compose.yml and the tests name one image everywhere.
# Stand-ins carry the label dev.offline-stand-in=true; `docker image ls -f label=dev.offline-stand-in`
# lists them. They are test fixtures: never push one.
#
# A stand-in's root file system is as small as it can be: the program, the C and C++ runtime (this
# machine's own, which is Debian's), a static busybox for sh, wget, nc and the like, users, CA
# certificates. There is no package manager and no bash in it: RUN apt-get and RUN apk won't work.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=apt-trixie.sh
source "$here/apt-trixie.sh"

IMAGES=(node:24-bookworm-slim nats:2.10-alpine testcontainers/ryuk:0.14.0 prom/prometheus:v3.7.3)
NODE_24=24.21.0 # npm's node-linux-<arch> package, which holds nodejs.org's own binary
NPM=11.21.2
LABEL=dev.offline-stand-in

log() { printf 'offline-images: %s\n' "$*" >&2; }

have() { docker image inspect "$1" >/dev/null 2>&1; }

# A machine without a registry answers at once ("no such host"); the limit is for one that hangs.
pull() { [ -z "${OFFLINE_IMAGES_NO_PULL:-}" ] && timeout "${OFFLINE_IMAGES_PULL_S:-120}" docker pull -q "$1" >/dev/null 2>&1; }

case $(uname -m) in
  x86_64) npm_arch=x64 ;;
  aarch64) npm_arch=arm64 ;;
  *) log "no stand-ins for $(uname -m)"; exit 1 ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# skeleton DIR: a merged-/usr root with busybox, the C library, users, name service and CA certificates.
skeleton() {
  local r=$1 debs=$OFFLINE_CACHE/debs
  trixie_fetch "$debs" busybox-static
  mkdir -p "$r"/{usr/{bin,sbin,lib,lib64,local/{bin,lib,etc}},etc/ssl/certs,proc,sys,dev,root,run,home,var/tmp,tmp}
  chmod 1777 "$r/tmp" "$r/var/tmp"
  for d in bin sbin lib lib64; do ln -s "usr/$d" "$r/$d"; done
  ln -s ../run "$r/var/run"
  dpkg-deb --fsys-tarfile "$debs"/busybox-static_*.deb | tar -xO --wildcards '*/bin/busybox' >"$r/usr/bin/busybox"
  chmod 755 "$r/usr/bin/busybox"
  for applet in $("$r/usr/bin/busybox" --list); do [ "$applet" = busybox ] || ln -s busybox "$r/usr/bin/$applet"; done
  printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n' >"$r/etc/passwd"
  printf 'root:x:0:\nnogroup:x:65534:\n' >"$r/etc/group"
  printf 'hosts: files dns\npasswd: files\ngroup: files\n' >"$r/etc/nsswitch.conf"
  printf 'PRETTY_NAME="offline stand-in (Debian libraries, busybox)"\nID=debian\n' >"$r/etc/os-release"
  cp -L /etc/ssl/certs/ca-certificates.crt "$r/etc/ssl/certs/"
  # The C and C++ runtime whole, since native Node.js add-ons load more of it than node itself does.
  dpkg -L libc6 libgcc-s1 libstdc++6 | grep -E '/lib/[^/]+/[^/]+\.so(\.[0-9]+)?$' | while read -r lib; do
    install -D -m 755 "$(readlink -f "$lib")" "$r/usr/lib/${lib##*/}"
  done
  [ ! -e "$r/usr/lib/ld-linux-x86-64.so.2" ] || ln -s ../lib/ld-linux-x86-64.so.2 "$r/usr/lib64/"
}

# import DIR IMAGE CHANGE...: DIR becomes IMAGE, in one layer; home/node is user 1000's, the rest root's.
import() {
  local r=$1 image=$2 args=() c
  shift 2
  for c in "LABEL $LABEL=true" "$@"; do args+=(-c "$c"); done
  tar -C "$r" --owner=0 --group=0 --numeric-owner --exclude=./home/node -cf "$tmp/root.tar" .
  [ ! -d "$r/home/node" ] || tar -C "$r" --owner=1000 --group=1000 --numeric-owner -rf "$tmp/root.tar" ./home/node
  docker import "${args[@]}" "$tmp/root.tar" "$image" >/dev/null
}

npm_tarball() { # npm_tarball NAME VERSION: the cached tarball's path; npm checks its integrity
  local file=$OFFLINE_CACHE/npm/$1-$2.tgz
  [ -s "$file" ] || { mkdir -p "$OFFLINE_CACHE/npm" && npm pack --silent --pack-destination "$OFFLINE_CACHE/npm" "$1@$2" >/dev/null; }
  echo "$file"
}

node_image() {
  local r=$tmp/node
  skeleton "$r"
  mkdir -p "$tmp/n"
  tar -xzf "$(npm_tarball "node-linux-$npm_arch" "$NODE_24")" -C "$tmp/n" package/bin/node
  install -m 755 "$tmp/n/package/bin/node" "$r/usr/local/bin/node"
  mkdir -p "$r/usr/local/lib/node_modules/npm" "$r/home/node"
  tar -xzf "$(npm_tarball npm "$NPM")" -C "$r/usr/local/lib/node_modules/npm" --strip-components=1
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$r/usr/local/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$r/usr/local/bin/npx"
  printf 'node:x:1000:1000::/home/node:/bin/sh\n' >>"$r/etc/passwd"
  printf 'node:x:1000:\n' >>"$r/etc/group"
  import "$r" "$1" "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" \
    "ENV NODE_VERSION=$NODE_24" "ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt" 'CMD ["node"]'
}

nats_image() {
  local r=$tmp/nats
  trixie_fetch "$OFFLINE_CACHE/debs" nats-server
  dpkg-deb -x "$OFFLINE_CACHE"/debs/nats-server_*.deb "$tmp/natsdeb"
  skeleton "$r"
  mkdir -p "$r/etc/nats"
  printf 'port: 4222\nmonitor_port: 8222\n' >"$r/etc/nats/nats-server.conf"
  case $1 in
    *-alpine*)
      install -m 755 "$tmp/natsdeb/usr/sbin/nats-server" "$r/usr/local/bin/nats-server"
      # As in the public image: options alone are options of nats-server.
      printf '#!/bin/sh\ncase ${1-} in -*) set -- nats-server "$@" ;; esac\nexec "$@"\n' >"$r/usr/local/bin/docker-entrypoint.sh"
      chmod 755 "$r/usr/local/bin/docker-entrypoint.sh"
      import "$r" "$1" "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" 'EXPOSE 4222 6222 8222' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["nats-server","--config","/etc/nats/nats-server.conf"]'
      ;;
    *)
      install -m 755 "$tmp/natsdeb/usr/sbin/nats-server" "$r/nats-server"
      mv "$r/etc/nats/nats-server.conf" "$r/nats-server.conf"
      import "$r" "$1" 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' 'EXPOSE 4222 6222 8222' \
        'ENTRYPOINT ["/nats-server"]' 'CMD ["--config","nats-server.conf"]'
      ;;
  esac
}

# Prometheus of Debian's version, with the options and paths of the public image that the compose file uses.
prometheus_image() {
  local r=$tmp/prometheus
  trixie_fetch "$OFFLINE_CACHE/debs" prometheus
  skeleton "$r"
  mkdir -p "$r/prometheus" "$r/etc/prometheus"
  dpkg-deb --fsys-tarfile "$OFFLINE_CACHE"/debs/prometheus_*.deb | tar -xO ./usr/bin/prometheus >"$r/usr/bin/prometheus"
  chmod 755 "$r/usr/bin/prometheus"
  import "$r" "$1" "ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" 'EXPOSE 9090' \
    'ENTRYPOINT ["/bin/prometheus"]' 'CMD ["--config.file=/etc/prometheus/prometheus.yml"]'
}

# Ryuk removes what Testcontainers left when its process has died; ours speaks the same small protocol.
ryuk_image() {
  bash "$here/offline-images.sh" node:24-bookworm-slim
  printf 'FROM node:24-bookworm-slim\nCOPY ryuk-stand-in.mjs /\nEXPOSE 8080\nENTRYPOINT ["node", "/ryuk-stand-in.mjs"]\n' >"$tmp/Dockerfile"
  cp "$here/ryuk-stand-in.mjs" "$tmp"
  DOCKER_BUILDKIT=0 docker build -q --label "$LABEL=true" --label org.testcontainers.ryuk=true -t "$1" "$tmp" >/dev/null 2>&1
}

(($#)) || set -- "${IMAGES[@]}"
for image in "$@"; do
  have "$image" && continue
  pull "$image" && { log "$image: pulled"; continue; }
  rm -rf "${tmp:?}"/*
  case $image in
    node:24*) node_image "$image" ;;
    nats:2.10*) nats_image "$image" ;;
    testcontainers/ryuk:*) ryuk_image "$image" ;;
    prom/prometheus:*) prometheus_image "$image" ;;
    *) log "$image: cannot be pulled, and there is no stand-in for it"; exit 1 ;;
  esac
  log "$image: stand-in built"
done
