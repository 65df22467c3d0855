"""The engine of all background work: claim, ask, write, finish; lanes and leases, slices, rescue. Knows no subject.

A slice (`slices`) is one turn of a lane: it takes the lane's lease (`lanes`), has its kind (`kind`) say what to do, and
lets the loop (`loop`) call while the store (`store`) writes. What died is found by the rescue (`rescue`).
"""
