"""The form of an AI judge, on the model's own validators. What it takes is checked again by the service."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict

from judging.asking.judge_presets import JudgePreset
from judging.asking.prompting import DEFAULT_PROMPT_TEMPLATE, TEMPLATE_VARIABLES, PromptSettings
from judging.local_judge.server import MODEL as LOCAL_MODEL
from judging.models import AIJudge, AIProvider, ProviderType, User
from judging.records.visibility import visible_providers
from judging.web.judges.setting_forms import SETTING_WORDS, PromptField, SettingsForm

NEW_PROVIDER = "new"
_MOST_PROVIDERS = 500
# Those that the prompt is made with, which the editor shows beside it.
_OF_THE_PROMPT = {"batch_size", *(setting.name for setting in fields(PromptSettings))} & SETTING_WORDS.keys()
# What a click on a variable inserts.
_SNIPPETS = {
    "query": "{{xml query quotes=false}}",
    "candidates": '{{#each candidates}}\n<candidate id="{{xml id}}">\n<title>{{xml title quotes=false}}</title>\n'
    "<fields>{{xml fields quotes=false}}</fields>\n</candidate>\n{{/each}}",
    "id": "{{xml id}}",
    "title": "{{xml title quotes=false}}",
    "fields": "{{xml fields quotes=false}}",
    "scale_labels": "{{#each scale_labels}}\n{{grade}}: {{label}}\n{{/each}}",
    "xml": "{{xml title}}",
    "toJson": "{{toJson fields}}",
    "lookup": "{{lookup fields @key}}",
    "if, unless, each, with": "{{#if title}}…{{else}}…{{/if}}",
}
# (name, description, what a click writes)
VARIABLES = [(name, text, _SNIPPETS.get(name, f"{{{{{name}}}}}")) for name, text in TEMPLATE_VARIABLES]


class JudgeForm(SettingsForm):
    """What `save_judge` takes. `ai_provider_id` "new" means the provider form beside it."""

    call_names = tuple(name for name in SETTING_WORDS if name not in _OF_THE_PROMPT)

    ai_provider_id = forms.ChoiceField(label="AI provider")
    prompt_template = PromptField(
        label="Prompt template",
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "code-input previewed"}),
    )
    system_prompt = PromptField(
        label="System prompt",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "class": "code-input previewed"}),
        help_text="Sent before the prompt as the system's message. It is no template.",
    )
    # The version that the form shows, so that it does not overwrite somebody else's later change.
    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = AIJudge
        fields = [*AIJudge.setting_names(), "description", "shared"]
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Careful shopper"}),
            "description": forms.Textarea(attrs={"rows": 2}),
            "model": forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "list": "known-models"}),
        }

    def __init__(
        self,
        user: User,
        data: Mapping[str, Any] | None = None,
        *,
        judge: AIJudge | None = None,
        typed: QueryDict | None = None,
        preset: JudgePreset | None = None,
    ) -> None:
        """Bind to `data`; or draw what was `typed`, which is not judged yet; or the judge's settings, or a preset's."""
        initial = initial_values(user, judge, preset)
        if typed is not None:
            initial = {name: typed.get(name, "") for name in initial}
        super().__init__(data, initial=initial)
        self.providers: list[AIProvider] = list(visible_providers(user).order_by("name", "pk")[:_MOST_PROVIDERS])
        choices = [(str(provider.pk), provider.name) for provider in self.providers]
        provider_field = self.fields["ai_provider_id"]
        assert isinstance(provider_field, forms.ChoiceField)
        provider_field.choices = [*choices, (NEW_PROVIDER, "Connect a new provider…")]
        if not initial["ai_provider_id"]:
            first = self.providers[0] if self.providers else None
            self.initial["ai_provider_id"] = str(first.pk) if first else NEW_PROVIDER
            if first is not None and first.type == ProviderType.LOCAL and not initial["model"]:
                self.initial["model"] = LOCAL_MODEL
        self.fields["shared"].label = "Share with the team"
        self.fields["shared"].help_text = "A shared judge needs a shared provider."
        self.fields["description"].help_text = "What it is good for. Not part of the prompt."
        for name in _OF_THE_PROMPT:
            self.fields[name].widget.attrs["class"] = "previewed"
        if not user.is_admin:
            del self.fields["shared"]

    @property
    def prompt_fields(self) -> list[Any]:
        return [self[name] for name in SETTING_WORDS if name in _OF_THE_PROMPT]

    def clean_ai_provider_id(self) -> UUID:
        given: str = self.cleaned_data["ai_provider_id"]
        if given == NEW_PROVIDER:
            raise forms.ValidationError("Complete the new provider below.")
        return UUID(given)


def initial_values(user: User, judge: AIJudge | None, preset: JudgePreset | None = None) -> dict[str, Any]:
    """Return what the form begins with: the judge's settings, or a preset's, or the model's defaults."""
    if judge is not None:
        return {
            **judge.settings_dict(),
            "ai_provider_id": str(judge.ai_provider_id),
            "description": judge.description,
            "shared": judge.shared,
            "version": judge.version,
        }
    fresh = AIJudge(prompt_template=DEFAULT_PROMPT_TEMPLATE, shared=user.is_admin)
    values = {**fresh.settings_dict(), "ai_provider_id": "", "description": "", "shared": fresh.shared, "version": ""}
    return {**values, **preset.settings(), "description": preset.description} if preset else values
