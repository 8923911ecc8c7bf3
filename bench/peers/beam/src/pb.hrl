%% SPDX-License-Identifier: MIT
%% What every process of a run knows. One term in persistent_term: nobody gets a copy.

-define(PER_PRODUCER_BITS, 27).
-define(SAMPLES, 20000).

%% The BEAM's clock starts at the smallest small integer; from 0 on, so that 0 can mean "not stamped".
-define(NOW, (erlang:monotonic_time() + 16#7FFFFFFFFFFFFFF)).

%% Sums of a round. `counters` with write_concurrency: a line per scheduler.
-define(DONE, 1).
-define(LOST, 2).
-define(SUM, 3).
-define(SLEPT_NS, 4).
-define(SLEPT, 5).
-define(RESTARTS, 6).
-define(DROPPED, 7).
-define(FULL, 8).
-define(LATE_NS, 9).        % sampled jobs of an open loop: sent after their intended start
-define(PACED, 10).
-define(N_SUMS, 10).

%% Words of the round that are not sums: an atomics array.
-define(FINISHED, 1).       % producers that have made their last job
-define(FAILED, 2).         % the restart intensity was exceeded
-define(MAX_LATENCY, 3).
-define(T0, 4).
-define(EVERY, 5).          % every so many-th job of a producer is sampled
-define(STOP, 6).
-define(CRASH_RECORDS, 7).
-define(RESTART_RECORDS, 8).
-define(WANTED, 9).         % the next worker at a crash point is the victim
-define(STRUCK, 10).
-define(VICTIMS, 11).
-define(DEAD, 12).
-define(SUCCESSORS, 13).
-define(NOTICED, 14).       % when the last victim was missed
-define(UP, 15).            % when the last successor was up
-define(IDLE_LAST, 16).     % modes whose workers keep no such time: when the last job ended
-define(DRAINED, 17).       % modes that lose mailboxes: 2 once all of them have been empty
-define(ROUND_JOBS, 18).
-define(MAX_LATE, 19).
-define(MEASURED, 20).      % not the warm-up round
-define(N_WORDS, 20).

%% A worker's row in the atomics array `rows`. What its producers write and what it writes itself
%% lie on lines of their own.
-define(CLAIMED, 1).        % places that producers took in its mailbox, ever
-define(WAITER, 2).         % top of the stack of producers that wait for room: number + 1
-define(TAKEN, 9).          % jobs it took out, ever
-define(JOBS, 10).          % completed in this round
-define(IDLE, 11).          % when it last ran out of work
-define(DIED, 12).          % when it died; 0: lives
-define(BORN, 13).          % how often
-define(DOOMED, 14).        % 1: it is to die at its next defined point; 2: it has
-define(BEAT, 15).          % 0: has no job in hand or waits by intent; else changes with every job
-define(STARTS, 16).        % starts that failed since it died
-define(ROW, 16).
-define(AT(W, Word), ((W) * ?ROW + (Word))).

-record(c, {
    p :: map(),             % parameters
    d :: map(),             % design: mode and switches
    mode :: atom(),
    schedulers :: pos_integer(),
    events :: boolean(),    % records are kept and written
    sums, words, rows, next,
    buckets, short,         % histograms: of all sampled jobs; greedy_ppm=: of the others
    restarts,               % when the last restarts were; none: too many to be exceeded
    bound :: non_neg_integer(),   % jobs that may wait in one mailbox
    bytes :: non_neg_integer(),   % payload bytes that may wait in one mailbox; 0: no such bound
    chunk :: pos_integer(),       % jobs taken between two looks at the books
    bases :: tuple(),       % base(p)
    resend :: boolean(),    % workers may die: what they had not taken is sent again
    taken :: tuple(),       % per worker: counters, jobs taken of each producer
    armed :: boolean(),     % an injected failure is to come
    % The workload, as the hot loops read it.
    pace,                   % us between two looks at the clock of a producer that waits for it
    seed, producers, workers, drop, rate, wlo, whi, payload,
    sleep_ppm, slo, shi, crash_ppm, block_ppm, block_us, greedy_ppm, greedy_units,
    offload, alloc, batch, arrival, keys, state, log, shared, pattern,
    key_states :: tuple(),
    chains,                 % pattern=: of each chain what is under way, and what was taken
    plain :: boolean()      % a job is its computation and nothing else
}).
