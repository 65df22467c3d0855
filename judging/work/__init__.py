"""The engine of all background work: claim, ask, write, finish; lanes and leases, slices, rescue. Knows no subject.

A slice (`slices`) works on a lane for one turn: it takes the lane's lease (`lanes`), asks its kind (`kind`) what to do, and
lets the loop (`loop`) call while the store (`store`) writes. The rescue (`rescue`) finds what died.
"""
