# What the scripts of the gate share. To be sourced.

say() { printf '  %s\n' "$*"; }
fail() {
  printf '  FAILED: %s\n' "$*" >&2
  exit 1
}

running=()  # processes that the script started
finals=()   # commands to be run at the end
scratch=    # the script's folder

# finally COMMAND…: runs COMMAND when the script ends, however it ends; the last one that was asked for first
finally() { finals+=("$(printf '%q ' "$@")"); }

clean_up() {
  local status=$? pid i
  trap - EXIT INT TERM ERR
  for pid in "${running[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${running[@]}"; do
    for ((i = 0; i < 150; i++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
  done
  for ((i = ${#finals[@]} - 1; i >= 0; i--)); do eval "${finals[i]}" >/dev/null 2>&1 || true; done
  if [[ -n $scratch ]]; then
    if ((status == 0)); then rm -rf "$scratch"; else say "kept for you to look at: $scratch" >&2; fi
  fi
  exit "$status"
}

# No script ends without a word on where, and none leaves anything running.
tidy() {
  set -o errtrace
  trap 'printf "  FAILED with %s at line %s: %s\n" "$?" "$LINENO" "$BASH_COMMAND" >&2' ERR
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
}

folder() { # makes the scratch folder, which PostgreSQL's user may enter
  [[ -n $scratch ]] || scratch=$(mktemp -d)
  chmod 755 "$scratch"
}

# eventually SECONDS WHAT COMMAND…: runs COMMAND until it succeeds
eventually() {
  local seconds=$1 what=$2 until=$((SECONDS + $1))
  shift 2
  until "$@" >/dev/null 2>&1; do
    ((SECONDS < until)) || fail "waited $seconds s in vain for: $what"
    sleep 0.1
  done
}

# needs COMMAND PACKAGE: installs Debian's PACKAGE where COMMAND is missing and that can be done
needs() {
  command -v "$1" >/dev/null && return
  if [[ $EUID == 0 ]] && command -v apt-get >/dev/null; then
    DEBIAN_FRONTEND=noninteractive apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2" >/dev/null
  fi
  command -v "$1" >/dev/null || fail "this stage needs the command $1; install it and try again"
}

free_port() { # below the range that systems hand out by themselves
  local port
  while :; do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
}

# Starts a Docker engine and builds stand-ins for public images where the scripts for that are.
with_docker() {
  local rig=../shared/rig
  if [[ -x $rig/docker-up ]]; then
    "$rig/docker-up"
    "$rig/images"
  fi
  command -v docker >/dev/null || fail "no docker on this machine: install it, or put ../shared/rig there"
}

process_gone() { ! kill -0 "$1" 2>/dev/null; }
