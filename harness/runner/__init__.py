"""Plans runs and drives workers.

`wire` is the host's half of the protocol, `worker_process` owns one process, `work` is a target's
share of a run (what is left, quarantine), `batches` divides it, `drive` works on it (deaths, slow cases),
`engines` decide where workers run. `second_look` observes chosen cases a second time.
"""
