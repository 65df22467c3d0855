"""What people call the settings of judges and evaluators, and the base of the forms that change them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms

from judging.foundation.limits import MAX_BATCH_SIZE, MAX_CONCURRENCY, MAX_REASKS, MAX_TIMEOUT, MIN_TIMEOUT


@dataclass(frozen=True, slots=True)
class SettingWords:
    """A setting in its editor, and `told` with its value on the page of a run; not told where empty without `if_none`."""

    label: str
    help_text: str
    told: str = "{}"
    if_none: str = ""


# In the order in which pages show them.
SETTING_WORDS = {
    "batch_size": SettingWords(
        "Candidates per prompt", f"From 1 to {MAX_BATCH_SIZE}. More is cheaper, one is judged most carefully."
    ),
    "max_document_chars": SettingWords("Characters per document", "What is longer is cut, and the prompt says so."),
    "include_images": SettingWords("Send images", "For models that see them."),
    "max_concurrency": SettingWords("Calls at once", f"From 1 to {MAX_CONCURRENCY}."),
    "timeout": SettingWords("Time limit", f"Seconds per attempt, from {MIN_TIMEOUT} to {MAX_TIMEOUT}.", "{} s"),
    "temperature": SettingWords("Temperature", "Empty for models that refuse one.", if_none="the model's own"),
    "max_output_tokens": SettingWords("Output tokens, at most", "Empty leaves it to the provider."),
    "max_retries": SettingWords("Retries", "Of a call that failed in passing."),
    "max_reasks": SettingWords("Asking again", f"For candidates without a readable grade, 0 to {MAX_REASKS} times."),
    "input_price": SettingWords("Price of input", "Per million tokens.", "{} per million tokens"),
    "output_price": SettingWords("Price of output", "Per million tokens.", "{} per million tokens"),
}


def told_settings(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what settings are called, and their values as people read them."""
    told = ((words.label, _told(words, values[name])) for name, words in SETTING_WORDS.items())
    return [(label, text) for label, text in told if text]


def _told(words: SettingWords, value: Any) -> str:
    if value is None:
        return words.if_none
    if isinstance(value, bool):
        return "yes" if value else "no"
    number = f"{value:,.6f}".rstrip("0").rstrip(".")
    return words.told.format(number)


class PromptField(forms.CharField):
    """A text whose white space counts. Browsers send CRLF, which would make every save a change."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, **options)

    def to_python(self, value: Any) -> str:
        return normalize_newlines(super().to_python(value) or "")


def normalize_newlines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """Settings on the model's own validators; its act checks them again. `call_names` stand under "More settings"."""

    Meta: ClassVar[Any]
    call_names: ClassVar[tuple[str, ...]]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for name, words in SETTING_WORDS.items():
            if name in self.fields:
                self.fields[name].label, self.fields[name].help_text = words.label, words.help_text

    def _get_validation_exclusions(self) -> set[str]:
        # The instance is never stored: only the fields themselves are of use.
        return {field.name for field in self._meta.model._meta.fields}

    def values(self) -> dict[str, Any]:
        """Return the argument `fields` of the act that saves them."""
        return {name: value for name, value in self.cleaned_data.items() if name in self.Meta.fields}

    @property
    def call_fields(self) -> list[Any]:
        return [self[name] for name in self.call_names]

    @property
    def has_call_errors(self) -> bool:
        return self.is_bound and any(name in self.errors for name in self.call_names)
