#!/bin/sh
# SPDX-License-Identifier: MIT
# A slot program for tests/bench/test_queue_rounds.c: each of its queues goes wrong in its own way.
# usage: misbehaves.sh --list | QUEUE WORKLOAD ...
entry() {
    printf '{"queue":"%s","library":"lib","version":"1","workloads":["w1","w2"]}\n' "$1"
}
line() { # line QUEUE WORKLOAD FIGURES
    printf '{"queue":"%s","library":"lib","version":"1","workload":"%s","threads":1,%s}\n' "$1" "$2" "$3"
}
good='"ops":10,"seconds":0.5,"mops":20.5,"status":"ok","reason":null'
none='"ops":null,"seconds":null,"mops":null'
case $1 in
--list)
    for queue in good hangs seven garbage silent other empty loses late; do
        entry "$queue"
    done
    echo 'no JSON'
    echo '{"queue":"absent","status":"not measured","reason":"package libabsent-dev"}'
    ;;
good) line good "$2" "$good" ;;
hangs)
    echo hanging
    exec sleep 60
    ;;
seven)
    echo 'no luck today' >&2
    exit 7
    ;;
garbage) printf '{"queue": 12' ;;
silent) ;;
other) line good "$2" "$good" ;;
empty) line empty "$2" "$none,\"status\":\"ok\"" ;;
loses)
    line loses "$2" "$none,\"status\":\"wrong sum\",\"reason\":\"lost 1\""
    exit 1
    ;;
late)
    line late "$2" "$good"
    exit 3
    ;;
esac
