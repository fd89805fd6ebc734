// SPDX-License-Identifier: GPL-3.0-or-later
// The interface of a step: what it asks (a JSON Schema), checks, applies and verifies. The machine, the console, the
// answers file and its schema are generated from these; a new step is one folder and an entry in index.ts.

import type { Value } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Progress } from "../host/tools.ts";
import type { TextKey, TextValues, Translate } from "../i18n/translate.ts";
import type { Problem } from "./problems.ts";

export type Answers = { readonly [key: string]: Value };

type AnswerType = "string" | "boolean" | "array" | "object" | "integer";

/** JSON Schema of a question or of a group of them, with our own keywords (`x-…`). */
export interface QuestionSchema {
  readonly type: AnswerType | readonly AnswerType[];
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly items?: QuestionSchema;
  readonly properties?: { readonly [name: string]: QuestionSchema };
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly examples?: readonly Value[];
  /** An example of a good value, in words (common/schema.ts). */
  readonly "x-expected"?: string;
  /** Never shown, logged or stored. */
  readonly "x-secret"?: true;
  /** Leading and trailing spaces are part of it. */
  readonly "x-verbatim"?: true;
  /** Name in the tag line when it is not the path: `serf` for `serf.enabled`. */
  readonly "x-name"?: string;
  /** Yes-or-no questions with the same name share one page at a console; the name is the key of its texts. */
  readonly "x-together"?: string;
  /** Asked only at a screen with a keyboard: it is meaningless at a serial console. */
  readonly "x-screen"?: true;
  /**
   * Consent, or confirmation of something irreversible: keys typed before its page is shown do not answer it, and
   * Enter means no.
   */
  readonly "x-deliberate"?: true;
  /** Only for answers files: not asked at a console. */
  readonly "x-file-only"?: true;
  /** Asked only when this list of the step has an entry. */
  readonly "x-when-any"?: string;
  /** Asked at a console only when this secret of the step was given. */
  readonly "x-when-secret"?: string;
  /**
   * Asked only when these other answers of the step have these values; "true" and "false" for yes and no, a list for
   * any of several values.
   */
  readonly "x-when"?: { readonly [path: string]: string | readonly string[] };
}

export interface Choice {
  readonly value: string;
  readonly label?: string;
}

export interface Note {
  readonly key: TextKey;
  readonly values: TextValues;
}

/** The current facts about this box that matter to the questions. */
export interface ProbeResult {
  /** Offered as default, by path. A question without one must be answered unless it is not required. */
  readonly defaults: { readonly [path: string]: Value };
  /** Choices that depend on the box, by path. Without a label: the catalogue's text, or the value itself. */
  readonly choices?: { readonly [path: string]: readonly Choice[] };
  /** Values for the texts of a question, by path. */
  readonly texts?: { readonly [path: string]: TextValues };
  /** Shown above a question, one line each, by path. */
  readonly notes?: { readonly [path: string]: readonly Note[] };
  /** Questions that are irrelevant here, by path. */
  readonly hidden?: readonly string[];
}

/** Answers of every step so far, by step. */
export type AllAnswers = { readonly [step: string]: Answers };

/** What a look-up found out about an answer, before the set-up continues. Everything is optional. */
export interface Finding {
  /** The answer is wrong: it is asked again. */
  readonly problems?: readonly Problem[];
  /** Shown as a yes-or-no question; after "no" the answer is asked again. A text key and its values. */
  readonly confirm?: { readonly key: TextKey; readonly values: TextValues };
  /** Shown as notes, one line each. */
  readonly notes?: readonly Note[];
  /** Overrides what the probe found, for the following questions. */
  readonly probe?: Partial<ProbeResult>;
}

export interface LookUp {
  /** Questions whose answers are looked up as soon as they are given. */
  readonly paths: readonly string[];
  /**
   * Changes nothing except the keyboard of the console. A server that does not answer is not a problem here: the
   * result is empty or has a note, and `apply` reports the error. `answers`: those of the step so far, secrets
   * included. Must end within about ten seconds.
   */
  run(path: string, answers: Answers, tools: LookUpTools): Promise<Finding>;
}

export interface LookUpTools {
  readonly box: Box;
  readonly image: ImageInfo;
  /** Answers of another step, with the secrets that are known. */
  answersOf(step: string): Answers;
  readonly signal: AbortSignal;
}

export interface StepTools extends LookUpTools {
  /** Steps that were skipped in this set-up, e.g. "member". */
  readonly skippedSteps: ReadonlySet<string>;
  /** Paths of all secrets that were given. One that is given but absent from the answers was applied before. */
  readonly providedSecrets: ReadonlySet<string>;
  readonly progress: Progress;
}

/** Something the person should know although the set-up went on. `code` is a text key below `warning.`. */
export interface Warning {
  readonly code: string;
  /** The step it came from; the machine fills it in. */
  readonly step?: string;
  readonly values?: TextValues;
}

/** The state of a step's part of the box, for `cbox status` and for `cbox <step>`. */
export interface StepStatus {
  /** `off`: not wanted or put off; `waiting`: set up, others are not ready; `trouble`: wanted but not working. */
  readonly state: "works" | "off" | "waiting" | "trouble";
  /** For people: a label and its value. */
  readonly rows: readonly {
    readonly label: TextKey;
    readonly value: string;
    /** The value as a text, if it has one. */
    readonly text?: { readonly key: TextKey; readonly values: TextValues };
  }[];
  /** What is wrong or missing, and the command that repairs it. */
  readonly advice?: { readonly key: TextKey; readonly values: TextValues };
  /** For programs (`--json`). No secrets. */
  readonly data: { readonly [name: string]: Value };
}

/** A line for the person who finishes the set-up, such as a generated password. */
export interface GeneratedCredential {
  readonly key: TextKey;
  readonly values: TextValues;
}

export interface ResetOptions {
  /** People's data stays: the owner's home, and the contexts with their contents. */
  readonly keepData: boolean;
  progress(key: TextKey, values?: TextValues): void;
}

export interface Step<Facts extends ProbeResult = ProbeResult> {
  readonly id: string;
  readonly schema: QuestionSchema;
  /** May be skipped when it fails: the box is still usable, and shows what is missing. */
  readonly skippable: boolean;
  /** Steps whose secrets `apply` needs as well, e.g. "member". After a power cut they are asked for again. */
  readonly secretsFrom?: readonly string[];
  /** Whether the step belongs to the set-up of this box at all; true when left out. */
  isApplicable?(box: Box, image: ImageInfo): Promise<boolean>;
  /** With these answers the step is applied at once and ends the set-up: the box continues on another disk. */
  relocatesBox?(answers: Answers): boolean;
  /** For a step that may end the set-up: does a set-up interrupted or ended by it apply to this box? */
  canResume?(box: Box, image: ImageInfo, answers: Answers, isApplied: boolean): Promise<boolean>;
  /** `all`: the answers so far, by step, without secrets. */
  probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<Facts>;
  /** Looks up single answers as soon as they are given. */
  readonly lookUp?: LookUp;
  /** Errors in answers that may still be incomplete; pure. The schema has already checked their form. */
  check(answers: Answers, facts: Facts, providedSecrets: ReadonlySet<string>): Problem[];
  /** Further checks, which take a moment; without network access or changes. At a console only for secrets. */
  examine?(answers: Answers, facts: Facts): Promise<Problem[]>;
  /** Problems of complete answers that depend on each other. */
  missing?(answers: Answers): Problem[];
  /** The step's line on the review page, without secrets; generated from labels and values when left out. */
  summary?(answers: Answers, t: Translate): string;
  /** Sentences below the step's answers on the review's page of details. */
  reviewNotes?(answers: Answers, t: Translate, image: ImageInfo): readonly string[];
  /** Idempotent: a power cut repeats it from the start. Throws a Failure. */
  apply(answers: Answers, tools: StepTools): Promise<void>;
  /** Checks the actual state, not what apply recorded. Throws a Failure when it is wrong. */
  verify(answers: Answers, tools: StepTools): Promise<Warning[]>;
  /** Only reads; works for every user of the box, within that user's permissions. */
  status?(box: Box, image: ImageInfo): Promise<StepStatus>;
  /**
   * What was made for the person and is shown once, at the end, on the console that finishes. Never stored in the
   * snapshot nor logged: it is read from the box when all steps are done.
   */
  generatedCredentials?(answers: Answers, tools: LookUpTools): Promise<readonly GeneratedCredential[]>;
  /**
   * Undoes apply, so that the set-up can start from the beginning. Idempotent: a power cut repeats it. Continues when
   * something cannot be stopped or removed; throws only when the box would be unsafe.
   */
  reset?(box: Box, image: ImageInfo, options: ResetOptions): Promise<void>;
}

/** Gives a step's functions the type of its own answers; the generic code only knows {@link Answers}. */
export function defineStep<A, Facts extends ProbeResult>(step: {
  readonly id: string;
  readonly schema: QuestionSchema;
  readonly skippable: boolean;
  readonly secretsFrom?: readonly string[];
  isApplicable?(box: Box, image: ImageInfo): Promise<boolean>;
  relocatesBox?(answers: A): boolean;
  canResume?(box: Box, image: ImageInfo, answers: A, isApplied: boolean): Promise<boolean>;
  probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<Facts>;
  readonly lookUp?: LookUp;
  check(answers: DeepPartial<A>, facts: Facts, providedSecrets: ReadonlySet<string>): Problem[];
  examine?(answers: DeepPartial<A>, facts: Facts): Promise<Problem[]>;
  missing?(answers: A): Problem[];
  /** The step's line on the review page, without secrets; generated from labels and values when left out. */
  summary?(answers: A, t: Translate): string;
  reviewNotes?(answers: A, t: Translate, image: ImageInfo): readonly string[];
  apply(answers: A, tools: StepTools): Promise<void>;
  verify(answers: A, tools: StepTools): Promise<Warning[]>;
  status?(box: Box, image: ImageInfo): Promise<StepStatus>;
  generatedCredentials?(answers: A, tools: LookUpTools): Promise<readonly GeneratedCredential[]>;
  reset?(box: Box, image: ImageInfo, options: ResetOptions): Promise<void>;
}): Step {
  // The set-up validates answers against `schema` before check, apply and verify get them, and passes a probe's
  // result only to its own step: therefore this cast is correct.
  return step as unknown as Step;
}

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;
