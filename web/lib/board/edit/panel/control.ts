/** What an option is edited with, as data: options of panels, properties of overrides and steps of transformations use the same. */
import type { Json, Obj } from '../draft.ts';

/** A value and its words. */
export type Pick = readonly [value: Json, label: string];

/** One value of several in an object, edited together. */
export interface Part {
  /** Its path in the object. */
  at: string;
  label: string;
  control: Control;
  initial?: Json;
  help?: string;
  /** Whether it means something beside the others. */
  when?: (all: Obj) => boolean;
}

export type Control =
  | { is: 'text'; rows?: number; mono?: boolean; hint?: string }
  | { is: 'number'; min?: number; max?: number; step?: number; hint?: string }
  | { is: 'switch' }
  | { is: 'one'; of: readonly Pick[] }
  /** One of some names that are the same in every language, or none. */
  | { is: 'named'; of: readonly string[]; none: string }
  | { is: 'many'; of: readonly Pick[] }
  | { is: 'unit' }
  | { is: 'colour' }
  | { is: 'thresholds' }
  | { is: 'mappings' }
  | { is: 'links'; ofPanel?: boolean }
  | { is: 'reducer' }
  | { is: 'reducers'; single?: boolean }
  | { is: 'words'; hint?: string }
  /** The name of a field, or several of them. */
  | { is: 'field' }
  | { is: 'fields' }
  | { is: 'variable' }
  | { is: 'folder' }
  | { is: 'parts'; of: readonly Part[] }
  /** A list of objects that have the same parts. */
  | { is: 'items'; of: readonly Part[]; name: string; fresh: Obj }
  /** An object by names of fields. */
  | { is: 'byField'; of: readonly Part[] }
  /** Columns: order, names, in sight or not. */
  | { is: 'columns' }
  | { is: 'json' };

/** Whether a value is one that a control can give. */
export function fits(control: Control, value: Json | undefined): boolean {
  if (value === undefined) return true;
  switch (control.is) {
    case 'switch':
      return typeof value === 'boolean';
    case 'number':
      return typeof value === 'number' && value >= (control.min ?? -Infinity) && value <= (control.max ?? Infinity);
    case 'one':
      return control.of.some(([one]) => one === value);
    case 'many':
      return Array.isArray(value) && value.every((one) => control.of.some(([known]) => known === one));
    case 'reducers':
    case 'words':
    case 'fields':
    case 'mappings':
    case 'links':
    case 'items':
      return Array.isArray(value);
    case 'text':
    case 'named':
    case 'unit':
    case 'colour':
    case 'reducer':
    case 'field':
    case 'variable':
    case 'folder':
      return typeof value === 'string';
    case 'parts':
      return typeof value === 'object' && !Array.isArray(value) && value !== null;
    default:
      return typeof value === 'object';
  }
}
