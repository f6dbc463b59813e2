#!/usr/bin/env bash
# Runs a command in a container, in this folder and with the Node that is on the path, as a user who owns what it writes:
#   scripts/release/in-container.sh IMAGE SETUP COMMAND...
# SETUP is a line for the container's shell, run as root; '' for none. For musl images, which cannot run the host's Node,
# NODE=image takes theirs.
set -euo pipefail
image=$1 setup=$2
shift 2
root=$(cd "$(dirname "$0")/../.." && pwd)
mounts=(-v "$root:$root" -w "$root")
path=
if [ "${NODE:-host}" = host ]; then
  node=$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")
  mounts+=(-v "$node:/opt/host-node:ro")
  path=/opt/host-node/bin:
fi
exec docker run --rm "${mounts[@]}" \
  -e OWNER="$(id -u):$(id -g)" -e ADDED_PATH="$path" -e HOME=/root \
  -e GITHUB_SERVER_URL -e GITHUB_REPOSITORY \
  "$image" sh -ec '
    export PATH="$ADDED_PATH$PATH"
    git config --global --add safe.directory "*" 2>/dev/null || true
    eval "$1"
    shift
    status=0
    "$@" || status=$?
    chown -R "$OWNER" .build build packages 2>/dev/null || true
    exit $status
  ' sh "$setup" "$@"
