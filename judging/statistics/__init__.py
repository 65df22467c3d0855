"""Can these grades be believed: agreement, estimates from check samples, drift. Pure numpy: no Django, no models.

Formulas and evidence are those of the method the product explains on its own page. Import from the modules."""
