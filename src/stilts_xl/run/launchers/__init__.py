"""Where jobs are made: in this process, in worker processes of this machine, on Ray, as Slurm jobs."""
