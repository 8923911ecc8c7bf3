#!/bin/sh
# SPDX-License-Identifier: MIT
# Starts the virtual machine in this process, so that its pid is the one that was started. What only a
# command line can set comes from the workload (cores=, workers=) and from the design's switches
# (+sbwt=, +swt=, +sbt=); the program itself refuses what is wrong with them. Nothing listens: no
# distribution, and so no epmd.
# Nobody's own settings, and no dump where it happens to run.
unset ERL_FLAGS ERL_AFLAGS ERL_ZFLAGS ERL_LIBS OMP_NUM_THREADS OMP_THREAD_LIMIT
export ERL_CRASH_DUMP_SECONDS=0
here=$(dirname "$(readlink -f "$0")")
cores=0 workers=4 producers=4 rate=0 offload=none sbwt=none swt=default sbt=db design='' previous=''
for word; do
    [ "$previous" = --design ] && design=$word
    case $word in
    --design=*) design=${word#--design=} ;;
    cores=*) cores=${word#cores=} ;;
    producers=*) producers=${word#producers=} ;;
    offload=*) offload=${word#offload=} ;;
    rate=*) rate=${word#rate=} ;;
    workers=*) workers=${word#workers=} ;;
    esac
    previous=$word
done
IFS=+
for switch in $design; do
    case $switch in
    sbwt=*) sbwt=${switch#*=} ;;
    swt=*) swt=${switch#*=} ;;
    sbt=*) sbt=${switch#*=} ;;
    esac
done
unset IFS
number() { case $1 in '' | *[!0-9]*) echo "$2" ;; *) echo "$1" ;; esac; }
cores=$(number "$cores" 0)
[ "$cores" -gt 0 ] && [ "$cores" -le 1024 ] || cores=$(nproc)
case $sbwt in none | very_short | short | medium | long | very_long) ;; *) sbwt= ;; esac
case $swt in very_low | low | medium | high | very_high) ;; *) swt= ;; esac
case $sbt in db | u | ns | ts | ps | s | nnts | nnps | tnnps) ;; *) sbt=db ;; esac
workers=$(number "$workers" 4)
producers=$(number "$producers" 4)
# A dirty scheduler for each producer of an open loop, which sleeps on it, and for each worker that may
# block at a time; 10 is the emulator's own number.
dirty=10
[ "$(number "$rate" 0)" -gt 0 ] && [ "$producers" -le 1000 ] && dirty=$((dirty + producers))
[ "$offload" = block ] && dirty=$((dirty + (workers < 256 ? workers : 256)))
# The emulator's limit of processes is 262144 unless it is told.
[ "$workers" -gt 60000 ] && [ "$workers" -le 10000000 ] || workers=60000
exec erl +S "$cores:$cores" +SDcpu "$cores:$cores" +SDio "$dirty" +sbt "$sbt" ${swt:+ +swt "$swt"} \
    ${sbwt:+ +sbwt "$sbwt" +sbwtdcpu "$sbwt" +sbwtdio "$sbwt"} +P $((workers * 4 + 200000)) \
    -noinput -boot no_dot_erlang -start_epmd false -pa "$here/ebin" \
    -s pb_main start -extra "$@"
