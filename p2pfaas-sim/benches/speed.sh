#!/bin/sh
# Simulated jobs and events a second beside bare loops over the same calendar, and peak memory.
# Takes about two minutes, most of it to build. Seconds are those of the processor, so a busy machine slows
# the figures through its caches alone.
set -eu
cd "$(dirname "$0")/../.."
exec cargo bench --quiet -p p2pfaas-sim --bench speed
