#!/usr/bin/env bash
# Slurm: `sbatch cluster/slurm.sh shd` from the checkout. The same line again goes on where this one ended.
#SBATCH --job-name=snn_tune
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --exclusive
#SBATCH --gpus-per-node=4
#SBATCH --time=08:00:00
set -euo pipefail

# Change these: a folder that all nodes see, and what makes `python` the environment that README.md has you make there.
export SNN_TUNE_STORAGE=$HOME/snn_tune_storage
# shellcheck source=/dev/null
source "$HOME/snn_tune_env/bin/activate"
budget=7.5h # less than --time: then trials save their state, the table is printed, and the job ends with status 0

# The rest needs no change.
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 RAY_SYMMETRIC_RUN_CLUSTER_WAIT_TIMEOUT=300
ray get-auth-token --generate >/dev/null
chmod 600 ~/.ray/auth_token # in a home that all nodes share

head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
address=$(srun --nodes=1 --ntasks=1 --nodelist="$head" hostname --ip-address | cut -d ' ' -f 1)
export RAY_ADDRESS=$address:6379
export SNN_TUNE_ROOT=${TMPDIR:-/tmp}/snn_tune_$SLURM_JOB_ID # of the head; what must last goes to the storage

srun --nodes="$SLURM_NNODES" --ntasks="$SLURM_NNODES" \
  ray symmetric-run --address "$RAY_ADDRESS" --min-nodes "$SLURM_NNODES" -- \
  python -m snn_tune.tracking_server --storage "$SNN_TUNE_STORAGE" --root "$SNN_TUNE_ROOT" -- \
  python -m snn_tune.run "$@" --time-budget $budget
