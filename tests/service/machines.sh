# Machines for the tests of the service: small Debian trees with a real systemd, booted by systemd-nspawn on a bridge of
# their own. To be sourced first. The test then runs in namespaces that it made, so that nothing of it stays when it ends
# or is killed: processes, mounts, links and the files of the machines go with them.
#
# After `machines PREPARE`:       PREPARE builds what is needed, in the ordinary surroundings
#   boot NAME [ADDRESS]           a machine with its own disk, on the bridge if it has an address
#   on NAME COMMAND...            as root of that machine
#   in_root NAME PATH             where its file is for this test
#   ok, fail, until_ok, has, wait_a_bit
# Exit code 77: machines cannot be booted here.

base=$PWD/target/service/base
# What every machine has, and what `apt install` finds without a network.
tree=systemd,systemd-sysv,dbus,iproute2,procps,curl,libc6,sudo,openssh-server
can_install="prometheus prometheus-node-exporter caddy systemd-timesyncd"

unable() { echo "note: $*" >&2; exit 77; }
ok() { printf '  ok  %s\n' "$*"; }
fail() { printf 'FAILED  %s\n' "$*" >&2; exit 1; }
# Whether what comes has this; reads all of it, so that whoever says it may finish.
has() { grep -E -- "$1" >/dev/null; }
wait_a_bit() { read -rt 0.2 <> <(:) || true; }
# until_ok SECONDS WHAT COMMAND...: waits for a command to succeed
until_ok() {
    local seconds=$1 what=$2 end
    shift 2
    end=$((SECONDS + seconds))
    while [ "$SECONDS" -lt "$end" ]; do
        if "$@" >/dev/null 2>&1; then ok "$what"; return; fi
        wait_a_bit
    done
    fail "$what: not within $seconds s"
}

machines() {
    if [ -z "${BARRELEYE_MACHINES-}" ]; then
        [ "$(id -u)" = 0 ] || unable "booting a systemd needs root"
        for tool in systemd-nspawn mmdebstrap python3; do
            command -v "$tool" >/dev/null && continue
            apt-get update -qq && apt-get install -qq -y --no-install-recommends systemd-container mmdebstrap python3 >/dev/null ||
                unable "$tool is missing: apt-get install systemd-container mmdebstrap python3"
        done
        "$@"
        make_base
        unshare --net --mount true 2>/dev/null || unable "this system lets nobody make namespaces"
        BARRELEYE_MACHINES=$(mktemp -d) && export BARRELEYE_MACHINES
        trap 'exit 130' INT TERM
        trap gone EXIT
        unshare --net --mount --pid --fork --kill-child --mount-proc "$PWD/tests/service/${0##*/}" &
        namespaces=$!
        local code=0
        wait "$namespaces" || code=$?
        exit "$code"
    fi
    trap 'ended $?' EXIT
    mount -t tmpfs machines "$BARRELEYE_MACHINES"
    ip link add lan type bridge && ip link set lan up || unable "this system has no bridges"
    for place in systemd unified .; do
        if [ -w "/sys/fs/cgroup/$place/cgroup.procs" ]; then cgroup=/sys/fs/cgroup/$place/${BARRELEYE_MACHINES##*/}; break; fi
    done
    declare -gA leader=() nspawn=()
}

make_base() {
    local wanted="$tree $can_install"
    [ "$(cat "$base.done" 2>/dev/null)" = "$wanted" ] && return
    rm -rf "$base" "$base.done" && mkdir -p "$(dirname "$base")"
    # shellcheck disable=SC2016
    mmdebstrap --quiet --variant=minbase --include="$tree" --skip=cleanup/apt,cleanup/tmp \
        --customize-hook='APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get install -qq -y --download-only '"$can_install" \
        bookworm "$base" || unable "no Debian tree can be made"
    printf '%s\n' 'APT::Get::Assume-Yes "true";' 'APT::Install-Recommends "false";' >"$base/etc/apt/apt.conf.d/90tests"
    # Whoever works there: may become root, and reaches the same account of the other machines.
    chroot "$base" useradd --create-home --shell /bin/bash ops
    echo 'ops ALL=(ALL) NOPASSWD: ALL' >"$base/etc/sudoers.d/ops"
    chroot "$base" su - ops -c 'mkdir -m 700 .ssh && ssh-keygen -q -t ed25519 -N "" -f .ssh/id_ed25519 &&
        cp .ssh/id_ed25519.pub .ssh/authorized_keys && echo "StrictHostKeyChecking no" >.ssh/config'
    rm -f "$base/etc/hostname" # Each is called as it was booted.
    echo "127.0.0.1 localhost" >"$base/etc/hosts"
    echo "$wanted" >"$base.done"
}

in_root() { echo "$BARRELEYE_MACHINES/$1/root$2"; }

boot() {
    local name=$1 place=$BARRELEYE_MACHINES/$1
    mkdir -p "$place"/{root,changes,work} "$cgroup/$name"
    mount -t overlay "$name" -o "lowerdir=$base,upperdir=$place/changes,workdir=$place/work" "$place/root"
    (
        # Each has a tree of control groups to itself.
        echo "$BASHPID" >"$cgroup/$name/cgroup.procs"
        exec systemd-nspawn --directory="$place/root" --machine="$name" --boot --register=no --keep-unit \
            --network-bridge=lan --console=read-only
    ) >"$place/console" 2>&1 &
    nspawn[$name]=$!
    for _ in $(seq 150); do
        leader[$name]=$(pgrep -P "${nspawn[$name]}" | head -n 1 || true)
        [ -n "${leader[$name]}" ] && on "$name" systemctl is-system-running 2>/dev/null | has 'running|degraded' && break
        kill -0 "${nspawn[$name]}" 2>/dev/null || { cat "$place/console" >&2; unable "systemd-nspawn does not work here"; }
        wait_a_bit
    done
    [ -n "${leader[$name]}" ] || { cat "$place/console" >&2; fail "systemd does not boot"; }
    on "$name" ip link set lo up
    if [ -n "${2-}" ]; then
        on "$name" ip address add "$2/24" dev host0
        on "$name" ip link set host0 up
    fi
    ok "$name: systemd $(on "$name" systemctl --version | head -n 1 | cut -d' ' -f2) runs"
}

on() {
    local name=$1
    shift
    nsenter --target "${leader[$name]}" --mount --pid --uts --ipc --net --cgroup -- "$@"
}

# Shows the journals if something failed. All else ends with this process, which is the first one of its namespace.
ended() {
    local name
    [ "$1" = 0 ] || [ "$1" = 77 ] || for name in "${!leader[@]}"; do
        on "$name" journalctl --no-pager -o short-monotonic -u 'barreleye*' -n 25 2>&1 | sed "s/^/    $name  /" >&2 || true
    done
}

# Ends what is left, and removes the control groups and the place.
gone() {
    kill -9 "${namespaces-}" 2>/dev/null || true
    for _ in $(seq 50); do
        find /sys/fs/cgroup -depth -type d -path "*/${BARRELEYE_MACHINES##*/}*" -exec rmdir {} + 2>/dev/null && break
        wait_a_bit
    done
    rmdir "$BARRELEYE_MACHINES"
}
