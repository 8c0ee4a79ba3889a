"""Plans jobs and drives workers.

`wire` is the host's half of the protocol, `worker_process` owns one process, `work` is a target's
share of a run (what is left, quarantine), `batches` deals it out, `drive` works on it (deaths, slow cases),
`engines` decide where workers run. `second_look` asks chosen cases a second time.
"""
