from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("judging", "0003_provider_limits"),
    ]

    operations = [
        migrations.AddField(
            model_name="evaluationrun",
            name="written_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
