"""Can the grades of a run be believed: agreement, check samples, estimates, certificates, comparisons."""
