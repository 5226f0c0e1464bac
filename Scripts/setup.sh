# shellcheck shell=bash
# What Scripts/demo, Scripts/test and Scripts/fuzz share: steps that are shown as they happen, and everything that has to
# be on the machine. Sourced. Sets FIELD_ROOT; run again, everything that is there is left alone.
#
#   step TEXT…              says what happens now, and when since the start
#   fail WHAT NEXT-STEP     ends the script
#   logged LOG COMMAND…     runs a command with its output in .build/logs/LOG, and shows where it is every ten seconds
#   needs_swift             a toolchain that is new enough
#   needs_packages NAME…    Debian packages, installed as root or with sudo when missing
#   needs_python            an environment with the tests' independent peers; sets FIELD_PYTHON
set -euo pipefail
export LC_ALL=C.UTF-8

FIELD_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export FIELD_ROOT
field_logs=$FIELD_ROOT/.build/logs
mkdir -p "$field_logs"

# Debian's names of what the package links with, and of what the tests run beside it.
# shellcheck disable=SC2034
build_packages=(
  ca-certificates git libc6-dev libdbus-1-dev libpng-dev libqrencode-dev libsodium-dev libsqlite3-dev
  libstdc++-12-dev libzbar-dev pkg-config
)
# shellcheck disable=SC2034
test_packages=(avahi-daemon dbus iproute2 python3-dbus python3-dbusmock python3-gi python3-venv zbar-tools)

field_started=$((10#${EPOCHREALTIME/./}))
seconds_since_start() {
  local microseconds=$((10#${EPOCHREALTIME/./} - field_started))
  printf '%d.%d' $((microseconds / 1000000)) $((microseconds / 100000 % 10))
}
step() { printf '[%6s s] %s\n' "$(seconds_since_start)" "$*"; }
fail() { # fail WHAT NEXT-STEP
  printf '\nerror: %s\nnext step: %s\n' "$1" "$2" >&2
  exit 1
}

logged() { # logged LOG COMMAND…; its exit code is the command's
  local log=$field_logs/$1 code=0 process waited=0
  shift
  "$@" >"$log" 2>&1 &
  process=$!
  while kill -0 "$process" 2>/dev/null; do
    sleep 0.2
    waited=$((waited + 1))
    if ((waited % 50 == 0)); then
      printf '[%6s s]   … %.100s\n' "$(seconds_since_start)" "$(tail -c 4000 "$log" | tr '\r' '\n' | grep -a -v "^ *$" | tail -n 1)"
    fi
  done
  wait "$process" || code=$?
  return "$code"
}
show_end() { tail -n "${2:-30}" "$field_logs/$1" >&2; } # show_end LOG [LINES]

needs_swift() {
  local version
  command -v swift >/dev/null ||
    fail "there is no 'swift' in PATH" "install a Swift toolchain, 6.2 or newer, for Debian 12 and put its usr/bin into PATH"
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1)
  [[ $(printf '%s\n6.2\n' "$version" | sort -V | head -n 1) == 6.2 ]] ||
    fail "this is Swift ${version:-of an unknown version}" "install Swift 6.2 or newer"
  step "Swift $version, $(nproc) cores"
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing packages needs root, and there is no sudo" "as root: apt-get install ${missing_packages[*]}"
  fi
}

missing_packages=()
needs_packages() {
  local installed package
  command -v apt-get dpkg-query >/dev/null || fail "this is not Debian" "run on Debian 12, or in a container of it"
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null || true)
  missing_packages=()
  for package; do
    grep -qxF "installed $package" <<<"$installed" || missing_packages+=("$package")
  done
  ((${#missing_packages[@]} > 0)) || return 0
  step "installing ${missing_packages[*]}"
  if compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null && apt_installs; then return 0; fi
  logged apt-update.log as_root apt-get -q -o Acquire::Retries=3 update ||
    { show_end apt-update.log 5 && fail "apt-get update failed" "check the network and /etc/apt"; }
  apt_installs || { show_end apt-install.log 15 && fail "apt-get install failed" "see $field_logs/apt-install.log"; }
}
apt_installs() {
  logged apt-install.log as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -o Acquire::Retries=3 install -y --no-install-recommends "${missing_packages[@]}"
}

needs_python() {
  local directory=$FIELD_ROOT/.build/python wanted
  wanted=$(cat "$FIELD_ROOT/Scripts/requirements.txt")
  export FIELD_PYTHON=$directory/bin/python3
  [[ -f $directory/stamp && $(<"$directory/stamp") == "$wanted" && -x $FIELD_PYTHON ]] && return
  step "making the tests' Python environment: ${wanted//$'\n'/ }"
  rm -rf "$directory"
  # Debian's own interpreter, whatever else is first in PATH.
  logged venv.log /usr/bin/python3 -m venv "$directory" ||
    { show_end venv.log && fail "there is no Python environment" "see $field_logs/venv.log"; }
  logged pip.log "$directory/bin/pip" install --disable-pip-version-check -r "$FIELD_ROOT/Scripts/requirements.txt" ||
    { show_end pip.log 5 && fail "pip install failed" "check the network and run again; log: $field_logs/pip.log"; }
  printf '%s\n' "$wanted" >"$directory/stamp"
}
