"""Check samples: what people grade blind, in an order of which any beginning is a valid sample."""
