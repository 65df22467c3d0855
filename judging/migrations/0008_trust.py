"""Whether grades can be believed: what people said before they saw the AI's grade, seeds, samples, certificates."""

import django.db.models.deletion
import django.utils.timezone
import judging.models.corpora
import uuid
from django.conf import settings
from django.db import migrations, models


def draw_seeds(apps, schema_editor):
    """Give each corpus a seed of its own: the column's default is one value for all rows."""
    Corpus = apps.get_model("judging", "Corpus")
    for pk in list(Corpus.objects.values_list("pk", flat=True)):
        Corpus.objects.filter(pk=pk).update(seed=judging.models.corpora.random_seed())


def fill_blind_grades(apps, schema_editor):
    """Take what is known to be blind: grades given without the AI's in sight, and those of imported raters."""
    is_blind = models.Q(author_kind="member", saw_ai_grade=False) | models.Q(author_kind="rater")
    for name in ("Judgment", "LockedJudgment"):
        apps.get_model("judging", name).objects.filter(is_blind).update(blind_grade=models.F("grade"))


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0007_usage_cuts_and_refusals'),
    ]

    operations = [
        migrations.CreateModel(
            name='TrustReport',
            fields=[
                ('run', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='trust_report', serialize=False, to='judging.evaluationrun')),
                ('figures', models.JSONField(null=True)),
                ('judgments_at', models.DateTimeField(null=True)),
                ('relevant_from', models.PositiveSmallIntegerField(default=0)),
                ('computed_at', models.DateTimeField(null=True)),
                ('requested_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.RemoveField(
            model_name='judgingrun',
            name='metrics_at',
        ),
        migrations.AddField(
            model_name='corpus',
            name='seed',
            field=models.PositiveBigIntegerField(default=judging.models.corpora.random_seed, editable=False),
        ),
        migrations.AddField(
            model_name='evaluationrun',
            name='engine_model',
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name='evaluationrun',
            name='judgments_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='made_current_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='trial',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='judgment',
            name='blind_grade',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='lockedjudgment',
            name='blind_grade',
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name='Certificate',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('evaluation_run_id', models.UUIDField(db_index=True)),
                ('check_sample_id', models.UUIDField()),
                ('metric', models.CharField(max_length=40)),
                ('record', models.JSONField()),
                ('ranking_hash', models.CharField(max_length=64)),
                ('grades_hash', models.CharField(max_length=64)),
                ('relevant_from', models.PositiveSmallIntegerField()),
                ('status', models.CharField(choices=[('valid', 'Valid'), ('void', 'Void')], default='valid', max_length=5)),
                ('voided_at', models.DateTimeField(blank=True, null=True)),
                ('void_reason', models.CharField(blank=True, max_length=30)),
                ('checked_judgments_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', 'id'],
                'indexes': [models.Index(condition=models.Q(('status', 'valid')), fields=['evaluation_run_id'], name='certificate_valid')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('status', 'valid'), ('void_reason', ''), ('voided_at__isnull', True)), models.Q(('status', 'void'), ('voided_at__isnull', False), models.Q(('void_reason', ''), _negated=True)), _connector='OR'), name='certificate_void_with_reason')],
            },
        ),
        migrations.CreateModel(
            name='CheckSample',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('goal', models.CharField(choices=[('certify', 'Certify a metric'), ('precision', 'A metric to a chosen precision'), ('agreement', 'Agreement of judge and people'), ('compare', 'Compare two runs')], max_length=10)),
                ('metric', models.CharField(blank=True, max_length=40)),
                ('half_width', models.FloatField(blank=True, null=True)),
                ('ranking_hash', models.CharField(max_length=64)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('other_run', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='judging.evaluationrun')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='check_samples', to='judging.evaluationrun')),
            ],
            options={
                'ordering': ['-created_at', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('goal__in', ['certify', 'precision', 'agreement', 'compare'])), name='check_sample_goal_known'), models.CheckConstraint(condition=models.Q(models.Q(('goal', 'compare'), ('other_run__isnull', False)), models.Q(models.Q(('goal', 'compare'), _negated=True), ('other_run__isnull', True)), _connector='OR'), name='check_sample_other_run_when_compared')],
            },
        ),
        migrations.AddIndex(
            model_name='judgment',
            index=models.Index(condition=models.Q(('blind_grade__isnull', False)), fields=['query', 'document', 'scale'], name='judgment_blind'),
        ),
        migrations.RunPython(draw_seeds, migrations.RunPython.noop),
        migrations.RunPython(fill_blind_grades, migrations.RunPython.noop),
    ]
