#!/usr/bin/env bash
# Starts Ray on this machine, as the head or a worker of a cluster that `ray up` makes; on the head MLflow, too.
#
#   node.sh head --storage FOLDER_OR_BUCKET [--machines FILE] ray start --head ...
#   node.sh worker [--machines FILE] ray start --address=...
#
# --machines: a cluster file of provider `local`. Ray listens on all addresses of a machine whatever it is told, so
# only the machines of that file may reach its ports then. Needs sudo for nft; without it nothing starts.
set -euo pipefail

role=$1 storage='' machines=''
shift
while [[ ${1:-} == --* ]]; do
  if [[ $1 == --storage ]]; then storage=$2; else machines=$2; fi
  shift 2
done

ports=(--node-manager-port=6380 --object-manager-port=6381 --runtime-env-agent-port=6382 --dashboard-agent-grpc-port=6383
  --dashboard-agent-listen-port=6384 --metrics-export-port=6385 --min-worker-port=10002 --max-worker-port=10999)
ours='6379-6385, 10001-10999, 44217, 44227' # those, GCS, Ray's client server, metrics of autoscaler and dashboard
env=~/.snn_tune.env log=~/snn_tune_runs/mlflow.log

environment() { # of every shell and job on this machine
  echo 'export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0'
  # shellcheck disable=SC2016
  if [[ -d ~/snn_tune_env ]]; then echo 'export PATH=~/snn_tune_env/bin:$PATH'; fi
  if [[ $role == head ]]; then
    printf 'export SNN_TUNE_STORAGE=%q\n' "$storage"
    echo "export SNN_TUNE_ROOT=~/snn_tune_runs MLFLOW_TRACKING_URI=http://127.0.0.1:5000 RAY_API_SERVER_ADDRESS=http://127.0.0.1:8265"
  fi
}

firewall() {
  sudo nft -f - <<END
table inet snn_tune
delete table inet snn_tune
table inet snn_tune {
  chain input {
    type filter hook input priority -10; policy accept;
    iif lo accept
    ip saddr { $1 } accept
    tcp dport { $ours } drop
  }
}
END
}

chmod 600 ~/.ray/auth_token
environment >$env
touch ~/.bashrc
if ! grep -q snn_tune.env ~/.bashrc; then # as its first line: many a .bashrc ends early where no one types
  { echo '[ -f ~/.snn_tune.env ] && . ~/.snn_tune.env'; cat ~/.bashrc; } >~/.bashrc.new
  mv ~/.bashrc.new ~/.bashrc
fi
# shellcheck source=/dev/null
source $env
unset RAY_ADDRESS

address=()
if [[ $machines ]]; then
  export RAY_enable_autoscaler_v2=0 # the second one starts no worker here: it misses the head in the provider's records
  all=$(python -c 'import sys, yaml
it = yaml.safe_load(open(sys.argv[1]))["provider"]; print(it["head_ip"], *it["worker_ips"])' "$machines")
  firewall "${all// /, }"
  for one in $all; do
    if ip -o address | grep -qwF "$one"; then address=(--node-ip-address="$one"); fi
  done
fi

ray stop
ulimit -n 65536 2>/dev/null || true
"$@" "${ports[@]}" "${address[@]}"

if [[ $role == head ]]; then
  echo "export RAY_ADDRESS=$(cat /tmp/ray/ray_current_cluster)" >>$env
  mkdir -p ~/snn_tune_runs
  old=$(cat $log.pid 2>/dev/null || true)
  if grep -qs tracking_server "/proc/${old:-none}/cmdline"; then
    kill "$old"
    while [[ -d /proc/$old ]]; do sleep 0.2; done
  fi
  setsid python -m snn_tune.tracking_server --storage "$storage" --root ~/snn_tune_runs >$log 2>&1 </dev/null &
  echo $! >$log.pid
  for _ in {1..180}; do
    if grep -h 'mlflow answers' $log; then exit 0; fi
    if grep -h '^error:' $log; then exit 1; fi
    sleep 1
  done
  exit 1
fi
