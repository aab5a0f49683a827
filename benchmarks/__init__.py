"""Speed, against the plain way in the same run, a script a subject; faults (kills, full disks,
damaged files, in faulting/); and all that is to be measured on a card (on_gpu.sh, gpu/). Start at
timing.py for how ways are compared."""
