#!/bin/sh
# Serves the GGUF model of a folder with llama.cpp's server: `telar-llama [--model_name=NAME] [--model_dir=FOLDER] [OPTION OF llama-server…]`.
# MODEL_FILE names the file where the folder holds several models. llama-server's own options win, also as LLAMA_ARG_… variables.
set -eu

dir=/mnt/models
file=${MODEL_FILE:-}
name=
given=
NOT_FOUND=66
NO_MODEL=65

# The message is what `kubectl describe` and the InferenceService show.
fail() {
  code=$1
  shift
  echo "telar-llama: $*" >&2
  { echo "$*" > /dev/termination-log; } 2> /dev/null || true
  exit "$code"
}

# Of our own options take the value; the rest goes to llama-server as it is.
count=$#
while [ "$count" -gt 0 ]; do
  arg=$1
  shift
  count=$((count - 1))
  case $arg in
    --model_name=* | --model-name=*) name=${arg#*=} ;;
    --model_dir=* | --model-dir=*) dir=${arg#*=} ;;
    --model_name | --model-name)
      name=${1:-}
      [ "$count" -gt 0 ] && shift && count=$((count - 1))
      ;;
    --model_dir | --model-dir)
      dir=${1:-}
      [ "$count" -gt 0 ] && shift && count=$((count - 1))
      ;;
    -m | --model | --model=* | -hf | -hfr | --hf-repo | -mu | --model-url)
      given=yes
      set -- "$@" "$arg"
      ;;
    *) set -- "$@" "$arg" ;;
  esac
done

# As many threads as the container may use, not as the machine has: more than that slow each other down.
threads() {
  quota=max
  period=100000
  if [ -r /sys/fs/cgroup/cpu.max ]; then
    read -r quota period < /sys/fs/cgroup/cpu.max
  elif [ -r /sys/fs/cgroup/cpu/cpu.cfs_quota_us ]; then
    quota=$(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us)
    period=$(cat /sys/fs/cgroup/cpu/cpu.cfs_period_us)
  fi
  case $quota in
    max | -*) ;;
    *) echo $(((quota + period - 1) / period)) ;;
  esac
}

if [ -z "$given" ] && [ -z "${LLAMA_ARG_MODEL:-}" ]; then
  [ -d "$dir" ] || fail $NOT_FOUND "there is no folder $dir: mount the model there"
  if [ -n "$file" ]; then
    model=$dir/$file
    [ -f "$model" ] || fail $NOT_FOUND "there is no file $model, which MODEL_FILE names"
  else
    # Of a model in several files the first one names the rest; projectors belong to a model and are none.
    found=$(find -L "$dir" -maxdepth 3 -type f -name '*.gguf' ! -name 'mmproj*' | grep -v -E -e '-[0-9]{5}-of-[0-9]{5}\.gguf$' | sort || true)
    first=$(find -L "$dir" -maxdepth 3 -type f -name '*-00001-of-*.gguf' ! -name 'mmproj*' | sort)
    model=$(printf '%s\n%s\n' "$found" "$first" | sed '/^$/d')
    case $(printf '%s' "$model" | grep -c '') in
      0) fail $NOT_FOUND "there is no .gguf file in $dir: it holds $(ls "$dir" | head -n 10 | tr "\n" " ")" ;;
      1) ;;
      *) fail $NOT_FOUND "several models in $dir: name one with MODEL_FILE" ;;
    esac
  fi
  [ -r "$model" ] || fail $NOT_FOUND "the file $model cannot be read by user $(id -u)"
  [ "$(head -c 4 "$model")" = GGUF ] || fail $NO_MODEL "$model is not in GGUF format: a llama.cpp model begins with the letters GGUF"
  projector=$(find -L "$(dirname "$model")" -maxdepth 1 -type f -name 'mmproj*.gguf' | sort | head -n 1)
  [ -z "$projector" ] || set -- --mmproj "$projector" "$@"
  set -- --model "$model" "$@"
fi
[ -z "$name" ] || set -- --alias "$name" "$@"
limit=$(threads)
if [ -n "$limit" ] && [ -z "${LLAMA_ARG_THREADS:-}" ]; then
  export LLAMA_ARG_THREADS="$limit"
fi
export LLAMA_ARG_HOST="${LLAMA_ARG_HOST:-0.0.0.0}" LLAMA_ARG_PORT="${LLAMA_ARG_PORT:-8080}"
exec /usr/bin/llama-server "$@"
