#!/bin/sh
# Writes the hosts file of a fleet: a line for each device that is online.
#
#     balena/hosts.sh FLEET > hosts.txt
#     p2pfaas run experiments/compose.toml --on hosts.txt
#
# Needs balena's command line, logged in, and python3.
set -eu
fleet=${1:?"whose hosts? balena/hosts.sh FLEET"}
balena device list --fleet "$fleet" --json | python3 -c '
import json, sys
for device in json.load(sys.stdin):
    if device.get("is_online"):
        print(device["uuid"])
' | while read -r uuid; do
  balena device "$uuid" --json </dev/null | python3 -c '
import ipaddress, json, sys
device = json.load(sys.stdin)
addresses = [a for a in (device.get("ip_address") or "").split() if ipaddress.ip_address(a).version == 4]
name, uuid = device.get("device_name", ""), device["uuid"]
if addresses:
    print(f"{addresses[0]}  # {name} {uuid[:7]}")
else:
    print(f"{name} {uuid[:7]} tells no address", file=sys.stderr)
'
done
