#!/bin/sh
# The same plan again: sh rerun.sh -o NEW-DIRECTORY
exec "${PINION:-pinion}" sweep '--preset' 'peers-points' "$@"
