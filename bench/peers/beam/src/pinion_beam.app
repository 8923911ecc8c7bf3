%% SPDX-License-Identifier: MIT
{application, pinion_beam,
 [{description, "The workload on the BEAM"},
  {vsn, "1"},
  {registered, []},
  {applications, [kernel, stdlib]},
  {mod, {pb_app, []}}]}.
