"""How fast this machine trains each study's networks: `python -m snn_tune.bench [STUDY...]`.

plan.py      what is measured of a study: its middle configuration, and the corners of its grid
sample.py    a few batches of its data
cost.py      seconds for a sample, by the real training code
workers.py   the processes that measure, alone and as many at once as a study runs
memory.py    the most memory that training takes
estimate.py  from these costs to the time of a whole study
table.py     what is printed
"""
