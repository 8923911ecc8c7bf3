#!/bin/sh
# The same plan again: sh rerun.sh -o NEW-DIRECTORY
exec "${PINION:-pinion}" bench queues '--peers' '--rounds' '7' '--ms' '20' "$@"
