#!/usr/bin/env bash
# Attaches files to the GitHub release of a tag, and makes that where there is none yet:
#   scripts/release/attach.sh v1.2.3 FILE...
# Takes GitHub's own command line, gh, and in GH_TOKEN a token that may write the repository's contents.
set -euo pipefail
tag=$1
shift
if ! gh release view "$tag" >/dev/null 2>&1; then
  kind=()
  case $tag in *-*) kind=(--prerelease) ;; esac
  gh release create "$tag" --verify-tag --generate-notes --title "$tag" ${kind[@]+"${kind[@]}"}
fi
gh release upload "$tag" "$@" --clobber
