"""Work that asks a judge for grades, whatever becomes of them: what judging runs, probes and golden checks share."""
