#!/usr/bin/env bash
# What a call costs on its way through one node, beside nginx as a proxy, in the same run.
#
#   [THREADS=2] p2pfaas-node/benches/invoke-path.sh [ROUNDS] [SECONDS]
#
# Needs wrk and nginx (Debian: apt-get install wrk nginx-light) and a release build of p2pfaas-node.
# An nginx answers `return 200`; behind it stand, in turn and in every round, nothing (direct), nginx
# as a proxy with keep-alive, one node (NoScheduler, 64 slots), and two nodes (the first forwards).
# Printed for each: medians of requests/s and of the proxy's CPU time (user + system) per request,
# their spread, and the ratio to nginx's. CPU per request is the steadier of the two on a shared
# machine.
set -euo pipefail
rounds=${1:-5} seconds=${2:-3} threads=${THREADS:-2}
root=$(cd "$(dirname "$0")/../.." && pwd)
node=${P2PFAAS_NODE:-$root/target/release/p2pfaas-node}
[ -x "$node" ] || { echo "no $node: cargo build --release -p p2pfaas-node" >&2; exit 1; }
for tool in wrk nginx; do
  command -v $tool >/dev/null || { echo "$tool is missing: apt-get install wrk nginx-light" >&2; exit 1; }
done
work=$(mktemp -d)
pids=()
stop() { kill "${pids[@]}" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"; }
trap stop EXIT

start_nginx() { # name, server block
  mkdir -p "$work/$1"
  cat >"$work/$1/nginx.conf" <<CONF
worker_processes $threads; daemon off; pid $work/$1/pid; error_log $work/$1/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000; client_body_temp_path $work/$1; proxy_temp_path $work/$1;
  fastcgi_temp_path $work/$1; uwsgi_temp_path $work/$1; scgi_temp_path $work/$1;
  $2
}
CONF
  nginx -c "$work/$1/nginx.conf" -p "$work/$1" 2>/dev/null &
  pids+=($!)
}
start_nginx upstream 'server { listen 127.0.0.1:28090; location / { return 200 "hello world"; } }'
start_nginx proxy 'upstream function { server 127.0.0.1:28090; keepalive 128; keepalive_requests 100000000; }
  server { listen 127.0.0.1:28091; location / { proxy_pass http://function; proxy_http_version 1.1; proxy_set_header Connection ""; } }'
proxy=${pids[1]}

start_node() { # scheduler port, policy, further flags
  "$node" --listen "127.0.0.1:$1" --discovery-listen none --learner-listen none \
    --policy "$2" --slots 64 --queue 64 --function f=http://127.0.0.1:28090 --threads "$threads" --log warn "${@:3}" &
  pids+=($!)
}
start_node 28081 'NoScheduler true';                            one=${pids[2]}
start_node 28082 'ForwardScheduler 1' --peer 127.0.0.1:28081;   first=${pids[3]}

for port in 28090 28091 28081 28082; do
  for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/$port) 2>/dev/null && break; sleep 0.05; done
done
sleep 0.5
echo "memory of a node at rest: $(awk '/VmRSS/{print $2 " kB"}' "/proc/$one/status")"

ticks=$(getconf CLK_TCK)
cpu_of() { # process ids: user + system time of them and their children, in ticks
  local sum=0 pid
  for pid in "$@"; do
    for one_pid in "$pid" $(pgrep -P "$pid" || true); do
      set -- $(sed 's/.*) //' "/proc/$one_pid/stat"); sum=$((sum + ${12} + ${13}))
    done
  done
  echo $sum
}
measure() { # name, connections, address, process ids
  local name=$1 connections=$2 address=$3; shift 3
  local before after requests
  before=$(cpu_of "$@")
  wrk -t1 -c"$connections" -d"${seconds}s" "$address" >"$work/out"
  after=$(cpu_of "$@")
  if grep -q 'Non-2xx' "$work/out"; then echo "$name: $(grep 'Non-2xx' "$work/out")" >&2; fi
  requests=$(awk '/requests in/{print $1}' "$work/out")
  awk -v n="$name" -v c="$connections" -v r="$requests" -v s="$seconds" -v t=$((after - before)) -v hz="$ticks" \
    'BEGIN { printf "%s %d %.0f %.3f\n", n, c, r / s, 1e6 * t / hz / r }' >>"$work/results"
}
for round in $(seq "$rounds"); do
  for connections in 8 64; do
    measure direct $connections http://127.0.0.1:28090/
    measure nginx $connections http://127.0.0.1:28091/ "$proxy"
    measure node $connections http://127.0.0.1:28081/function/f "$one"
    measure node-to-node $connections http://127.0.0.1:28082/function/f "$first" "$one"
  done
  echo "round $round of $rounds done" >&2
done
python3 - "$work/results" <<'PY'
import collections, statistics, sys
rows = collections.defaultdict(list)
for line in open(sys.argv[1]):
    name, connections, rate, cpu = line.split()
    rows[int(connections), name].append((float(rate), float(cpu)))
print(f"{'':14}{'conn.':>6}{'requests/s':>12}{'spread':>16}{'CPU us/req.':>13}{'spread':>14}{'to nginx':>10}")
for (connections, name), values in rows.items():
    rates, cpus = zip(*values)
    ratios = [cpu / base[1] for (_, cpu), base in zip(values, rows[connections, "nginx"]) if base[1]]
    spread = lambda x, d: f"{min(x):.{d}f}-{max(x):.{d}f}"
    print(f"{name:14}{connections:6}{statistics.median(rates):12.0f}{spread(rates, 0):>16}"
          f"{statistics.median(cpus):13.2f}{spread(cpus, 1):>14}{statistics.median(ratios):10.2f}")
PY
