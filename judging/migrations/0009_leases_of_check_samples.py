"""Tell the leases of a check sample from the one candidate that the Evaluate page holds."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0008_trust'),
    ]

    operations = [
        migrations.AddField(
            model_name='gradinghold',
            name='sample',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='leases', to='judging.checksample'),
        ),
        migrations.AddField(
            model_name='gradinghold',
            name='place',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name='gradinghold',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('place__isnull', True), ('sample__isnull', True)), models.Q(('place__isnull', False), ('sample__isnull', False)), _connector='OR'), name='grading_hold_place_in_sample'),
        ),
    ]
