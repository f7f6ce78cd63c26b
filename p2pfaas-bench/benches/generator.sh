#!/bin/sh
# What the load generator can do, against a server that only answers: the rate asked for and reached, the CPU
# that the thread which sends used for a request, and by how much requests were sent late. Takes a minute beside the
# build. CPU seconds bear a busy machine, lateness does not: look at the share of the machine that was
# idle, which is told first.
set -eu
cd "$(dirname "$0")/../.."
exec cargo bench --quiet -p p2pfaas-bench --bench generator "$@"
