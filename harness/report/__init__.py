"""The report files of a run, for users and pipelines; decides no verdict. `write` writes them all."""
