# shellcheck shell=bash
# Where things are. Sourced by the lab's commands with $here set to this directory; the environment wins.
# shellcheck disable=SC2154
export FIELD_ROOT=${FIELD_ROOT:-$(cd "$here/../.." && pwd)}
export FIELD_LAB_DIR=${FIELD_LAB_DIR:-$FIELD_ROOT/.build/lab}
export FIELDSYNC_BINARY=${FIELDSYNC_BINARY:-$FIELD_ROOT/.build/debug/fieldsync}
