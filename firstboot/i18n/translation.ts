// SPDX-License-Identifier: GPL-3.0-or-later
// The type of a catalogue of texts, so that the type check reports missing texts and placeholders.

/** Another language's texts: the keys of English, each with its placeholders. */
export type Translation<English> = { readonly [Key in keyof English]: WithPlaceholders<English[Key]> };

type WithPlaceholders<Text> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? `${string}{${Name}}${string}` & WithPlaceholders<Rest>
  : string;

/** A step's name, in a sentence and in a list. */
export type StepNames<Id extends string> = { readonly [Key in `step.${Id}` | `step-name.${Id}`]: string };
