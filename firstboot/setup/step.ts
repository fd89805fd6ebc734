// SPDX-License-Identifier: GPL-3.0-or-later
// The shape of a step: what it asks (a JSON Schema), checks, applies and verifies. The machine, the console, the
// answers file and its published schema are all made from these; a new step is one folder and its place in index.ts.

import type { Value } from "../../common/json.ts";
import type { Box } from "../host/box.ts";
import type { ImageInfo } from "../host/image-info.ts";
import type { Progress } from "../host/tools.ts";
import type { TextKey, TextValues, Translate } from "../i18n/translate.ts";
import type { Problem } from "./problems.ts";

export type Answers = { readonly [key: string]: Value };

type AnswerType = "string" | "boolean" | "array" | "object" | "integer";

/** JSON Schema of a question or of a group of them, with the words of our own (`x-…`). */
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
  /** A good value, in words (common/schema.ts). */
  readonly "x-expected"?: string;
  /** Never shown, logged or kept. */
  readonly "x-secret"?: true;
  /** Spaces at its ends belong to it. */
  readonly "x-verbatim"?: true;
  /** Name in the tag line when it is not the path: `serf` for `serf.enabled`. */
  readonly "x-name"?: string;
  /** Yes-or-no questions with the same name here are one page with marks at a console; the name is that of its words. */
  readonly "x-together"?: string;
  /** Asked only at a screen with a keyboard: it means nothing to who sits at the other end of a serial line. */
  readonly "x-screen"?: true;
  /** Consent, or the word for what cannot be undone: what was typed before its page is shown does not answer it, and of
   * yes and no, no is what Enter takes. */
  readonly "x-deliberate"?: true;
  /** Only for answers files: nobody types it at a console. */
  readonly "x-file-only"?: true;
  /** Asked only when this list of the step has an entry. */
  readonly "x-when-any"?: string;
  /** Asked at a console only when this secret of the step was given. */
  readonly "x-when-secret"?: string;
  /** Asked only when these other answers of the step have these values; "true" and "false" for yes and no, a list
   * for one of several. */
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

/** What is true of this box right now and matters to the questions. */
export interface ProbeResult {
  /** Offered as default, by path. A question without one must be answered unless it is not required. */
  readonly defaults: { readonly [path: string]: Value };
  /** Choices that only the box knows, by path. Without a label: the catalogue's, or the value itself. */
  readonly choices?: { readonly [path: string]: readonly Choice[] };
  /** What the words of a question name, by path. */
  readonly texts?: { readonly [path: string]: TextValues };
  /** Said above a question, one line each, by path. */
  readonly notes?: { readonly [path: string]: readonly Note[] };
  /** Questions not worth asking here, by path. */
  readonly hidden?: readonly string[];
}

/** Answers of every step so far, by step. */
export type AllAnswers = { readonly [step: string]: Answers };

/** What a look into the world says about an answer, before the set-up goes on. All of it may be absent. */
export interface Finding {
  /** The answer is wrong: it is asked again. */
  readonly problems?: readonly Problem[];
  /** Shown as a question with yes and no; no asks again. A text key and its values. */
  readonly confirm?: { readonly key: TextKey; readonly values: TextValues };
  /** Said in passing, one line each. */
  readonly notes?: readonly Note[];
  /** Laid over what the probe found, for the questions that follow. */
  readonly probe?: Partial<ProbeResult>;
}

export interface LookUp {
  /** Questions whose answers are looked up as soon as they are given. */
  readonly paths: readonly string[];
  /**
   * Changes nothing but how the console itself is typed at. A server that does not answer is no problem here: it says nothing (or a note), and `apply` will
   * tell. `answers`: those of the step so far, secrets included. Must end within some ten seconds.
   */
  run(path: string, answers: Answers, tools: LookUpTools): Promise<Finding>;
}

export interface LookUpTools {
  readonly box: Box;
  readonly image: ImageInfo;
  /** Answers of another step, secrets included as far as they are known. */
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

/** How a step's part of the box is doing, for `cbox status` and for `cbox <step>`. */
export interface StepStatus {
  /** `off`: not wanted or put off; `waiting`: set up, and others take their time; `trouble`: wanted, and does not work now. */
  readonly state: "works" | "off" | "waiting" | "trouble";
  /** For people: a label and its value. */
  readonly rows: readonly {
    readonly label: TextKey;
    readonly value: string;
    /** The value in words, where it has some. */
    readonly text?: { readonly key: TextKey; readonly values: TextValues };
  }[];
  /** What is wrong or missing, and the command that mends it. */
  readonly advice?: { readonly key: TextKey; readonly values: TextValues };
  /** For programs (`--json`). No secrets. */
  readonly data: { readonly [name: string]: Value };
}

/** A line for the person who finishes the set-up, such as a password that was made. */
export interface GeneratedCredential {
  readonly key: TextKey;
  readonly values: TextValues;
}

export interface ResetOptions {
  /** What people stored stays: the home of the owner, the contexts and what is in them. */
  readonly keepData: boolean;
  progress(key: TextKey, values?: TextValues): void;
}

export interface Step<Facts extends ProbeResult = ProbeResult> {
  readonly id: string;
  readonly schema: QuestionSchema;
  /** May be skipped when it fails: the box is still of use, and says what is missing. */
  readonly skippable: boolean;
  /** Steps whose secrets `apply` needs as well, e.g. "member". A power cut asks for those again. */
  readonly secretsFrom?: readonly string[];
  /** Whether the step belongs to the set-up of this box at all; true when left out. */
  isApplicable?(box: Box, image: ImageInfo): Promise<boolean>;
  /** With these answers the step is applied at once, and the set-up ends with it: the box goes on elsewhere. */
  relocatesBox?(answers: Answers): boolean;
  /** Of a step that may end the set-up: whether a set-up that was interrupted in it, or ended by it, is still about this box. */
  canResume?(box: Box, image: ImageInfo, answers: Answers, isApplied: boolean): Promise<boolean>;
  /** `all`: what was answered so far, by step, without secrets. */
  probe(box: Box, image: ImageInfo, all: AllAnswers): Promise<Facts>;
  /** Asks the world about single answers at the moment they are given. */
  readonly lookUp?: LookUp;
  /** Errors in answers that may still be incomplete; pure. Structure is checked by the schema already. */
  check(answers: Answers, facts: Facts, providedSecrets: ReadonlySet<string>): Problem[];
  /** Further errors, which take a moment to find; asks nobody and changes nothing. At a console only of secrets. */
  examine?(answers: Answers, facts: Facts): Promise<Problem[]>;
  /** What complete answers lack because of each other. */
  missing?(answers: Answers): Problem[];
  /** The step's line on the review page, without secrets; made of labels and values when left out. */
  summary?(answers: Answers, t: Translate): string;
  /** Sentences below the step's answers on the review's page of details. */
  reviewNotes?(answers: Answers, t: Translate, image: ImageInfo): readonly string[];
  /** Idempotent: a power cut repeats it from the start. Throws a Failure. */
  apply(answers: Answers, tools: StepTools): Promise<void>;
  /** Looks at the world, not at what apply did. Throws a Failure when it is not as it should be. */
  verify(answers: Answers, tools: StepTools): Promise<Warning[]>;
  /** Only looks; works for every user of the box as far as that user may look. */
  status?(box: Box, image: ImageInfo): Promise<StepStatus>;
  /**
   * What was made for the person and is shown once, at the end, on the console that finishes. Never kept in the
   * snapshot nor logged; asked for when all steps are done, so it reads what it hands over from the box.
   */
  generatedCredentials?(answers: Answers, tools: LookUpTools): Promise<readonly GeneratedCredential[]>;
  /**
   * Takes away what apply made, so that the set-up can begin anew. Idempotent: a power cut repeats it. What cannot be
   * stopped or removed is no reason to give up; it throws only when the box would be unsafe.
   */
  reset?(box: Box, image: ImageInfo, options: ResetOptions): Promise<void>;
}

/** Types a step's parts by its own answers; the generic machinery only knows {@link Answers}. */
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
  /** The step's line on the review page, without secrets; made of labels and values when left out. */
  summary?(answers: A, t: Translate): string;
  reviewNotes?(answers: A, t: Translate, image: ImageInfo): readonly string[];
  apply(answers: A, tools: StepTools): Promise<void>;
  verify(answers: A, tools: StepTools): Promise<Warning[]>;
  status?(box: Box, image: ImageInfo): Promise<StepStatus>;
  generatedCredentials?(answers: A, tools: LookUpTools): Promise<readonly GeneratedCredential[]>;
  reset?(box: Box, image: ImageInfo, options: ResetOptions): Promise<void>;
}): Step {
  // The set-up validates answers against `schema` before check, apply and verify see them, and hands what a probe found
  // only to the step that made it: that is what makes this cast true.
  return step as unknown as Step;
}

export type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;
