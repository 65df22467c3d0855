"""How the lanes at work share the limits of an AI provider."""

from django.db import models

from judging.models.judges import AIProvider
from judging.models.judging_runs import Lane


class ProviderShare(models.Model):
    """What a lane holds of a provider's concurrency. It counts as long as the lane's lease."""

    id = models.BigAutoField(primary_key=True)
    provider = models.ForeignKey(AIProvider, models.CASCADE, related_name="lane_shares", db_index=False)
    lane = models.ForeignKey(Lane, models.CASCADE, related_name="provider_shares")
    # Calls that could be in flight, and that may be.
    wanted = models.PositiveSmallIntegerField(default=0)
    granted = models.PositiveSmallIntegerField(default=0)
    # Under a limit of requests per minute: it asked for starts of calls and got none; when it got some last.
    is_waiting = models.BooleanField(default=False)
    served_at = models.DateTimeField()
    began_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["provider", "lane"], name="provider_share_unique")]

    def values(self) -> tuple[object, ...]:
        """Return what changes from one flush to the next."""
        return self.wanted, self.granted, self.is_waiting, self.served_at
