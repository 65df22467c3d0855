"""Lanes name their job by kind and id, shares of a limit their resource by key: work knows no subject.

Every lane keeps its id (queued tasks name it) and its lease, held ones too.
"""

import uuid

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F


def name_jobs_and_resources(apps, schema_editor):
    lanes = apps.get_model("judging", "Lane").objects
    lanes.filter(judging_run__isnull=False).update(kind="judging_run", job_id=F("judging_run_id"))
    lanes.filter(batch__isnull=False).update(kind="batch", job_id=F("batch_id"))
    shares = apps.get_model("judging", "ProviderShare").objects
    for provider_id in shares.values_list("provider_id", flat=True).distinct():
        shares.filter(provider_id=provider_id).update(resource=f"ai_provider:{provider_id}")


def point_to_jobs_and_providers(apps, schema_editor):
    lanes = apps.get_model("judging", "Lane").objects
    lanes.exclude(kind__in=["judging_run", "batch"]).delete()
    lanes.filter(kind="judging_run").update(judging_run_id=F("job_id"))
    lanes.filter(kind="batch").update(batch_id=F("job_id"))
    shares = apps.get_model("judging", "ProviderShare").objects
    for resource in shares.values_list("resource", flat=True).distinct():
        shares.filter(resource=resource).update(provider_id=uuid.UUID(resource.removeprefix("ai_provider:")))
    if schema_editor.connection.vendor == "postgresql":
        # Foreign keys are checked at the end of the transaction, and until then the tables can't be altered.
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):
    dependencies = [("judging", "0005_bound_prices_and_evaluator_names")]

    operations = [
        migrations.AddField("lane", "kind", models.CharField(max_length=40, null=True)),
        migrations.AddField("lane", "job_id", models.UUIDField(null=True)),
        migrations.AddField("providershare", "resource", models.CharField(max_length=100, null=True)),
        migrations.RemoveConstraint("lane", "lane_of_one_thing"),
        migrations.RemoveConstraint("lane", "lane_number_unique"),
        migrations.RemoveConstraint("lane", "lane_number_unique_in_batch"),
        migrations.RemoveConstraint("providershare", "provider_share_unique"),
        # Backwards, these columns are empty for a moment.
        migrations.AlterField(
            "providershare",
            "provider",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lane_shares",
                to="judging.aiprovider",
            ),
        ),
        migrations.RunPython(name_jobs_and_resources, point_to_jobs_and_providers),
        migrations.AlterField("lane", "kind", models.CharField(max_length=40)),
        migrations.AlterField("lane", "job_id", models.UUIDField()),
        migrations.AlterField("providershare", "resource", models.CharField(max_length=100)),
        migrations.RemoveField("lane", "judging_run"),
        migrations.RemoveField("lane", "batch"),
        migrations.RemoveField("providershare", "provider"),
        migrations.AddConstraint(
            "lane", models.UniqueConstraint(fields=("kind", "job_id", "number"), name="lane_number_unique_in_job")
        ),
        migrations.AddConstraint(
            "providershare", models.UniqueConstraint(fields=("resource", "lane"), name="provider_share_unique")
        ),
    ]
