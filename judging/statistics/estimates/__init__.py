"""What people would say, from a sample of their grades: the queue, the two estimators, when it is enough."""
