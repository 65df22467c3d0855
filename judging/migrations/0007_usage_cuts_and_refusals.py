"""Whether tokens were estimated, prompts cut by a service, and prompts that one refused: all new, nothing is rewritten."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('judging', '0006_lanes_of_any_kind'),
    ]

    operations = [
        migrations.AddField(
            model_name='batchexecution',
            name='has_refused_others',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='batchexecution',
            name='prompt_count',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='batchexecution',
            name='refused_prompt_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='batchexecution',
            name='refused_subject',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='batchexecution',
            name='usage_estimated',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='call',
            name='usage_estimated',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='executionlog',
            name='usage_estimated',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='cut_prompt_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='cut_read_tokens',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='cut_sent_tokens',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='has_refused_others',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='prompt_count',
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='refused_prompt_count',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='refused_subject',
            field=models.CharField(blank=True, default='', max_length=40),
        ),
        migrations.AddField(
            model_name='judgingrun',
            name='usage_estimated',
            field=models.BooleanField(default=False),
        ),
    ]
